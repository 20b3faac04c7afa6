/*
 * points_terms.h: what a points rule says beyond rates, points per purchase, bonus
 * and a length of validity. A rule that says none of it has no terms.
 */
#ifndef CRM_POINTS_TERMS_H
#define CRM_POINTS_TERMS_H

#include "crm.h"

#include "base/scan.h"
#include "base/span.h"
#include "tiers/points_earning.h"
#include "tiers/tier_program.h"

/* The last day of what points expire at the end of. */
typedef enum PointsEndOf
{
	END_OF_LENGTH, /* no period: on the day after the length */
	END_OF_MONTH,
	END_OF_QUARTER,
	END_OF_YEAR
} PointsEndOf;

/* The rate of the purchases of a day on which a higher tier is reached. */
typedef enum PointsReaching
{
	REACHING_OLD,
	REACHING_NEW,
	REACHING_SPLIT /* at the thresholds */
} PointsReaching;

typedef struct PointsTerms
{
	PointsScale scale;
	Span		pending;	   /* zero: points are available at once */
	Span		inactivity;	   /* zero: points do not lapse */
	Span		reinstatement; /* zero: what expired does not come back */
	int32		year_starts;   /* end of quarter or year: 100 * month + day; else 0 */
	uint8		end_of;		   /* PointsEndOf */
	uint8		inclusive;	   /* 1: lengths count their last day, too */
	uint8		forgives;	   /* 1: a balance is never negative */
	uint8		by_tier;	   /* 1: tier_expiry is given */
	uint8		reaching;	   /* PointsReaching */
	uint8		pad[7];
	Span		tier_expiry[TIER_MAX]; /* by rank - 1; zero: never, and beyond the tiers */
} PointsTerms;

/* Those of a rule that says nothing. */
extern const PointsTerms points_plain_terms;

static inline bool
points_terms_are_plain(const PointsTerms *t)
{
	return memcmp(t, &points_plain_terms, sizeof(PointsTerms)) == 0;
}

extern void		   CheckPointsTerms(const PointsTerms *t, Span expiry, const TierProgram *p);
extern void		   scan_points_expiry(Scanner *s, PointsTerms *t, Span *expiry);
extern void		   scan_points_terms(Scanner *s, PointsTerms *t);
extern int		   points_reaching_from_text(const char *text);
extern int		   scan_points_reaching(Scanner *s);
extern const char *points_reaching_name(int reaching);
extern int		   scan_tier_expiry(Scanner *s, PointsTerms *t);
extern void		   points_end_of_from_text(const char *text, PointsTerms *t);
extern void		   append_points_terms(StringInfo out, const PointsTerms *t, Span expiry);
extern void append_tier_expiry(StringInfo out, const PointsTerms *t, Span expiry, int ntiers);
extern void append_points_terms_json(StringInfo out, const PointsTerms *t, int ntiers);
extern void append_json_span(StringInfo out, const char *key, Span span);
extern void send_points_terms(StringInfo out, const PointsTerms *t, int ntiers);
extern PointsTerms receive_points_terms(StringInfo message, int ntiers);
extern DateADT	   points_expire_by_terms(const PointsTerms *t, Span expiry, DateADT day, int rank);
extern DateADT	   points_lapse_on(const PointsTerms *t, DateADT last_activity);

/*
 * First day on which points that are available from a day on are no longer valid; NEVER
 * if they do not expire. Here for rules that say no more than a length, once an award.
 */
static inline DateADT
points_expire_on(const PointsTerms *t, Span expiry, DateADT day, int rank)
{
	DateADT last;

	if (unlikely(t->end_of != END_OF_LENGTH || t->by_tier))
		return points_expire_by_terms(t, expiry, day, rank);
	if (span_is_zero(expiry))
		return NEVER;
	last = day_plus_span(day, expiry);
	return last == NEVER ? NEVER : day_or_never((int64) last + t->inclusive);
}

#endif /* CRM_POINTS_TERMS_H */
