/*
 * retention.h: how many customers are still there, by age in periods.
 *
 * A retention_curve is an AgeCounts: ended counts the customers whose last
 * observable age it is, happened the customers who bought at that age. unit is
 * the length of a period, basis says where periods start, as_of is the last
 * day seen.
 */
#ifndef CRM_RETENTION_H
#define CRM_RETENTION_H

#include "retention/age_counts.h"

typedef enum RetentionBasis
{
	BASIS_CALENDAR, /* calendar periods; age 0 is the one of the first purchase */
	BASIS_AGE		/* periods counted from the day of the first purchase */
} RetentionBasis;

#define RETENTION_NBASES 2

#endif /* CRM_RETENTION_H */
