/*
 * weekday.h: the days of the week, from Monday.
 */
#ifndef CRM_WEEKDAY_H
#define CRM_WEEKDAY_H

#include "crm.h"

#include "base/calendar.h"
#include "base/scan.h"

#define FIRST_MONDAY 2 /* 2000-01-03: day 0 was a Saturday */

typedef char WeekdayName[4];

extern const WeekdayName weekday_names[DAYS_PER_WEEK];

extern int scan_weekday(Scanner *s);

/* The weekday of a day, from Monday, 0: 2000-01-01, day 0, was a Saturday. */
static inline int
weekday_of(DateADT day)
{
	int64 since_monday = (int64) day + 5;

	return (int) (since_monday - floor_div(since_monday, DAYS_PER_WEEK) * DAYS_PER_WEEK);
}

#endif /* CRM_WEEKDAY_H */
