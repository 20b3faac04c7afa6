/*
 * during.h: ranges of days that somebody asks about, and of instants.
 */
#ifndef CRM_DURING_H
#define CRM_DURING_H

#include "crm.h"

#include "utils/rangetypes.h"

/* The days of a range, both ends included. */
typedef struct Days
{
	DateADT first;
	DateADT last;
} Days;

extern Days CheckDuring(RangeType *during);
extern bool range_instants(RangeType *range, TimestampTz *from, TimestampTz *until);

#endif /* CRM_DURING_H */
