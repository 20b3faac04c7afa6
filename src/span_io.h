/*
 * span_io.h: the forms of what tier programmes and points rules share: lengths
 * of months and days, counts, rates.
 */
#ifndef CRM_SPAN_IO_H
#define CRM_SPAN_IO_H

#include "crm.h"

#include "lib/stringinfo.h"
#include "points_earning.h"
#include "scan.h"
#include "span.h"

extern Span			 scan_span(Scanner *s);
extern void			 append_span(StringInfo out, Span span);
extern Span			 span_from_interval(const Interval *interval, const char *name);
extern void			 CheckSpan(Span span, const char *name);
extern int64		 points_rate_from_numeric(Numeric value, const char *name);
extern char			*points_rate_to_text(int64 rate);
extern int64		 scan_points_rate(Scanner *s, const char *name);
extern PointsEarning scan_points_earning(Scanner *s);
extern void			 append_points_earning(StringInfo out, const PointsEarning *e);
extern void			 append_points_earning_json(StringInfo out, const PointsEarning *e);
extern PointsEarning receive_points_earning(StringInfo message);
extern void			 send_points_earning(StringInfo out, const PointsEarning *e);
extern void			 CheckPointsEarning(const PointsEarning *e);

#endif /* CRM_SPAN_IO_H */
