/*
 * points_terms.h: what a points rule says beyond rates, points per purchase, bonus
 * and a length of validity. A rule that says none of it has no terms.
 */
#ifndef CRM_POINTS_TERMS_H
#define CRM_POINTS_TERMS_H

#include "crm.h"

#include "tiers/points_earning.h"

typedef struct PointsTerms
{
	PointsScale scale;
} PointsTerms;

/* Those of a rule that says nothing. */
extern const PointsTerms points_plain_terms;

static inline bool
points_terms_are_plain(const PointsTerms *t)
{
	return memcmp(t, &points_plain_terms, sizeof(PointsTerms)) == 0;
}

extern void		   CheckPointsTerms(const PointsTerms *t);
extern void		   send_points_terms(StringInfo out, const PointsTerms *t);
extern PointsTerms receive_points_terms(StringInfo message);

#endif /* CRM_POINTS_TERMS_H */
