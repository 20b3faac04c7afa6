/*
 * calendar.h: days and calendar periods.
 *
 * The periods of a unit are numbered without gaps, so that the age of a
 * customer in months is a difference of two numbers. Weeks start on Monday and
 * years in January, unless the period says otherwise: week(sunday), year(april).
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

/*
 * A unit and where its periods start: days after Monday of weeks, months after
 * January of quarters and years. A unit alone is the period that starts there.
 */
typedef uint8 Period;

#define PERIOD_SHIFT_BITS 3
#define PERIOD_UNIT(period) ((PeriodUnit) ((period) & ((1 << PERIOD_SHIFT_BITS) - 1)))
#define PERIOD_SHIFT(period) ((int) ((period) >> PERIOD_SHIFT_BITS))

extern PeriodUnit  period_unit_from_text(const text *name);
extern const char *period_unit_name(PeriodUnit unit);
extern Period	   period_from_text(const text *name);
extern const char *period_name(Period period);
extern bool		   period_is_valid(Period period);
extern int32	   period_age(PeriodUnit unit, DateADT from, DateADT day);
extern int32	   period_number(Period period, DateADT day);
extern DateADT	   period_first_day(Period period, int32 number);
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
