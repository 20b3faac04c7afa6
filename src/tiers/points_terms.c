/*
 * points_terms.c: the forms of the terms of a points rule, and their checks.
 */
#include "crm.h"

#include "base/value.h"
#include "tiers/points_terms.h"

const PointsTerms points_plain_terms = {{AMOUNT_SCALE, ROUND_DOWN, 0, 0, {0}}};

/* What terms are by themselves; what they ask of their rule is its check. */
void
CheckPointsTerms(const PointsTerms *t)
{
	CheckPointsScale(&t->scale);
}

/* Binary form: the scale. */
void
send_points_terms(StringInfo out, const PointsTerms *t)
{
	send_points_scale(out, &t->scale);
}

/* Terms are there to say something. */
PointsTerms
receive_points_terms(StringInfo message)
{
	PointsTerms t = points_plain_terms;

	t.scale = receive_points_scale(message);
	if (points_terms_are_plain(&t))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("points_rule has terms that say nothing")));
	return t;
}
