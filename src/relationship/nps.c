/*
 * nps.c: the net promoter score of survey answers from 0 to 10.
 *
 * Reichheld (2003), "The One Number You Need to Grow": promoters answer 9 or
 * 10, detractors 0 to 6; the score is the share of the first minus the share
 * of the second, in percent.
 */
#include "crm.h"

#include <math.h>

#include "base/exact_sums.h"
#include "relationship/interaction_history.h"
#include "base/rows.h"

/* Answers between the whole numbers are those of the band that they have not left: 6.5 detracts, 8.5 is passive. */
#define NPS_MIN_PROMOTER 9
#define NPS_MIN_PASSIVE 7

enum
{
	NPS_PROMOTERS,
	NPS_PASSIVES,
	NPS_DETRACTORS,
	NPS_SUMS
};

/* Count an answer. */
static void
add_answer(ExactSums *state, double score)
{
	exact_sums_add(state,
				   score >= NPS_MIN_PROMOTER  ? NPS_PROMOTERS
				   : score >= NPS_MIN_PASSIVE ? NPS_PASSIVES
											  : NPS_DETRACTORS,
				   1);
}

/* A score more; NULL is no answer. */
PG_FUNCTION_INFO_V1(crm_nps_transition);
Datum
crm_nps_transition(PG_FUNCTION_ARGS)
{
	ExactSums *state = exact_sums_state(fcinfo, NPS_SUMS);

	if (!PG_ARGISNULL(1))
	{
		CheckScore(PG_GETARG_INT32(1));
		add_answer(state, PG_GETARG_INT32(1));
	}
	PG_RETURN_POINTER(state);
}

/* The same of a score that may be the mean of several answers. */
PG_FUNCTION_INFO_V1(crm_nps_transition_float8);
Datum
crm_nps_transition_float8(PG_FUNCTION_ARGS)
{
	ExactSums *state = exact_sums_state(fcinfo, NPS_SUMS);

	if (!PG_ARGISNULL(1))
	{
		double score = PG_GETARG_FLOAT8(1);

		if (!(score >= 0 && score <= MAX_SCORE))
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("score %g is out of range", score),
							errdetail("A score is a number from 0 to %d.", MAX_SCORE)));
		add_answer(state, score);
	}
	PG_RETURN_POINTER(state);
}

/* A state that somebody made by hand may hold anything. */
static inline void
CheckCounts(double promoters, double passives, double detractors)
{
	if (promoters < 0 || passives < 0 || detractors < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("state of nps cannot count fewer than no answers")));
}

/*
 * (score, responses, promoters, passives, detractors, standard_error), score
 * and error in percent points; NULL without an answer. An answer is worth +1,
 * 0 or -1, so its variance is p + d - (p - d)^2 and that of the mean an n-th.
 */
PG_FUNCTION_INFO_V1(crm_nps_final);
Datum
crm_nps_final(PG_FUNCTION_ARGS)
{
	ExactSums *state = exact_sums_argument(fcinfo, 0, NPS_SUMS);
	double	   promoters = (double) exact_sums_get(state, NPS_PROMOTERS);
	double	   passives = (double) exact_sums_get(state, NPS_PASSIVES);
	double	   detractors = (double) exact_sums_get(state, NPS_DETRACTORS);
	double	   n = promoters + passives + detractors;
	double	   net = (promoters - detractors) / n;
	Datum	   values[6];
	bool	   nulls[6] = {false};

	CheckCounts(promoters, passives, detractors);
	if (n == 0)
		PG_RETURN_NULL();
	values[0] = Float8GetDatum(100 * (promoters - detractors) / n);
	values[1] = Int64GetDatum((int64) n);
	values[2] = Int64GetDatum((int64) promoters);
	values[3] = Int64GetDatum((int64) passives);
	values[4] = Int64GetDatum((int64) detractors);
	values[5] = Float8GetDatum(100 * sqrt(Max((promoters + detractors) / n - net * net, 0) / n));
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}
