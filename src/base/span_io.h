/*
 * span_io.h: the forms of lengths of months and days.
 */
#ifndef CRM_SPAN_IO_H
#define CRM_SPAN_IO_H

#include "crm.h"

#include "lib/stringinfo.h"
#include "base/scan.h"
#include "base/span.h"

/* What a length is told in; only rules of contacts know those below a day. */
typedef enum LengthUnit
{
	LENGTH_MINUTE,
	LENGTH_HOUR,
	LENGTH_DAY,
	LENGTH_WEEK,
	LENGTH_MONTH,
	LENGTH_YEAR
} LengthUnit;

extern LengthUnit scan_length_unit(Scanner *s, LengthUnit least);
extern Span		  scan_span(Scanner *s);
extern int32	  scan_month_day(Scanner *s);
extern void		  append_span(StringInfo out, Span span);
extern Span		  span_from_interval(const Interval *interval, const char *name);
extern void		  CheckSpan(Span span, const char *name);

#endif /* CRM_SPAN_IO_H */
