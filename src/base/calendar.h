/*
 * calendar.h: days and calendar periods.
 *
 * The periods of a unit are numbered without gaps, so that the age of a
 * customer in months is a difference of two numbers. Weeks start on Monday.
 */
#ifndef CRM_CALENDAR_H
#define CRM_CALENDAR_H

#include "crm.h"

typedef enum PeriodUnit
{
	PERIOD_DAY,
	PERIOD_WEEK,
	PERIOD_MONTH,
	PERIOD_QUARTER,
	PERIOD_YEAR
} PeriodUnit;

extern PeriodUnit  period_unit_from_text(const text *name);
extern const char *period_unit_name(PeriodUnit unit);
extern int32	   period_age(PeriodUnit unit, DateADT from, DateADT day);
extern int32	   period_number(PeriodUnit unit, DateADT day);
extern DateADT	   period_first_day(PeriodUnit unit, int32 number);
extern char		  *date_to_text(DateADT day);

/* A date that arithmetic can use: named in the message as the caller calls it. */
static inline DateADT
CheckFiniteDate(DateADT day, const char *name)
{
	if (DATE_NOT_FINITE(day))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("%s cannot be infinite", name)));
	return day;
}

#endif /* CRM_CALENDAR_H */
