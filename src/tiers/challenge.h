/*
 * challenge.h: something that customers are asked to do: so much of a metric within a
 * time, or a purchase in so many periods in a row.
 *
 * All bytes that no field uses are zero, so that equal challenges have equal bytes;
 * flags and the pad must be: receive rejects anything else.
 */
#ifndef CRM_CHALLENGE_H
#define CRM_CHALLENGE_H

#include "crm.h"

#include "base/calendar.h"
#include "base/span.h"
#include "tiers/tier_program.h"

#define CHALLENGE_VERSION 1
#define CHALLENGE_STREAK 1 /* flag: periods in a row instead of a metric */
#define CHALLENGE_MAX_STREAK 100000
#define CHALLENGE_MAX_REWARD INT64CONST(1000000000000)

typedef struct Challenge
{
	int32	vl_len_;   /* varlena header, do not touch */
	uint16	version;   /* CHALLENGE_VERSION */
	uint16	flags;	   /* CHALLENGE_STREAK; the others are reserved, zero */
	int64	target;	   /* of the metric (spend in 1/AMOUNT_SCALE), or periods */
	int64	reward;	   /* points, 0: none */
	Span	within;	   /* zero: no limit, or a streak */
	DateADT starts_on; /* DATEVAL_NOBEGIN: since ever; what is before does not count */
	DateADT ends_on;   /* the last day that counts; NEVER: none */
	uint8	metric;	   /* TierMetric, not points; 0 for a streak */
	Period	period;	   /* of a streak; else 0 */
	uint8	pad[6];
} Challenge;

#define PG_GETARG_CHALLENGE(n) ((Challenge *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

#endif /* CRM_CHALLENGE_H */
