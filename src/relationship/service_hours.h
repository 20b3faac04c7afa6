/*
 * service_hours.h: when somebody is there to serve: times of the week on the clock
 * of a time zone, and days on which nobody is.
 *
 * Spans are sorted, lie within one day each, and do not meet those of their day:
 * the whole week is the minutes from Monday, 0:00. Behind them stand the closed
 * days, sorted, each once. flags must be zero: receive rejects anything else.
 */
#ifndef CRM_SERVICE_HOURS_H
#define CRM_SERVICE_HOURS_H

#include "crm.h"

#include "base/instant.h"
#include "base/value.h"
#include "base/weekday.h"

#define SERVICE_HOURS_VERSION 1
#define SERVICE_ZONE_SIZE 64
#define SERVICE_MAX_SPANS 200

typedef struct ServiceSpan
{
	uint16 from;  /* minute of the week */
	uint16 until; /* not part of it; at most the end of the day */
} ServiceSpan;

typedef struct ServiceHours
{
	int32		vl_len_; /* varlena header, do not touch */
	uint16		version; /* SERVICE_HOURS_VERSION */
	uint16		flags;	 /* reserved, zero */
	int32		nspans;	 /* 1 or more */
	int32		nclosed;
	char		zone[SERVICE_ZONE_SIZE]; /* filled up with zeros */
	ServiceSpan spans[FLEXIBLE_ARRAY_MEMBER];
} ServiceHours;

#define SERVICE_HOURS_SIZE(nspans, nclosed)                                  \
	(offsetof(ServiceHours, spans) + (Size) (nspans) * sizeof(ServiceSpan) + \
	 (Size) (nclosed) * sizeof(DateADT))

#define PG_GETARG_SERVICE_HOURS(n) ((ServiceHours *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))
#define PG_RETURN_SERVICE_HOURS(h) PG_RETURN_POINTER(h)

/* The closed days, which follow the spans. */
static inline DateADT *
service_closed(const ServiceHours *hours)
{
	return (DateADT *) (hours->spans + hours->nspans);
}

extern int128 service_time(const ServiceHours *hours, TimestampTz from, TimestampTz until);

#endif /* CRM_SERVICE_HOURS_H */
