/*
 * weekday.c: the names of the days of the week.
 */
#include "crm.h"

#include "base/weekday.h"

const WeekdayName weekday_names[DAYS_PER_WEEK] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* Read a weekday, or -1 if none begins here. */
int
scan_weekday(Scanner *s)
{
	for (int day = 0; day < DAYS_PER_WEEK; day++)
		if (scan_try_word(s, weekday_names[day]))
			return day;
	return -1;
}
