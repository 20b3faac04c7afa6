/*
 * span_io.h: the forms of lengths of months and days.
 */
#ifndef CRM_SPAN_IO_H
#define CRM_SPAN_IO_H

#include "crm.h"

#include "lib/stringinfo.h"
#include "base/scan.h"
#include "base/span.h"

extern Span	 scan_span(Scanner *s);
extern int32 scan_month_day(Scanner *s);
extern void	 append_span(StringInfo out, Span span);
extern Span	 span_from_interval(const Interval *interval, const char *name);
extern void	 CheckSpan(Span span, const char *name);

#endif /* CRM_SPAN_IO_H */
