/*
 * survey.c: satisfaction and effort scores, how two periods differ, and whether a
 * customer is loyal by habit or by heart.
 */
#include "crm.h"

#include <math.h>

#include "base/shares.h"
#include "base/decimal.h"
#include "base/exact_sums.h"
#include "base/rows.h"
#include "math/special.h"
#include "utils/builtins.h"
#include "utils/float.h"

/* The state of both aggregates. */
enum
{
	SURVEY_COUNT,
	SURVEY_SUM,
	SURVEY_SQUARES,
	SURVEY_SUMS
};

#define CSAT_MAX 5
#define CSAT_SATISFIED 4 /* and above */
#define EFFORT_MAX 7

/* An answer lies on its scale; another scale is another question. */
static inline int
CheckAnswer(int score, int most)
{
	if (score < 1 || score > most)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("score %d is not from 1 to %d", score, most),
						errhint("Answers from 0 to 10 to a recommendation are those of crm.nps.")));
	return score;
}

static void
add_answer(ExactSums *state, int value)
{
	exact_sums_add(state, SURVEY_COUNT, 1);
	exact_sums_add(state, SURVEY_SUM, value);
	exact_sums_add(state, SURVEY_SQUARES, (int128) value * value);
}

/* A satisfaction from 1 to 5: satisfied, in percent, or not. */
PG_FUNCTION_INFO_V1(crm_csat_transition);
Datum
crm_csat_transition(PG_FUNCTION_ARGS)
{
	ExactSums *state = exact_sums_state(fcinfo, SURVEY_SUMS);

	if (!PG_ARGISNULL(1))
		add_answer(state, CheckAnswer(PG_GETARG_INT32(1), CSAT_MAX) >= CSAT_SATISFIED ? 100 : 0);
	PG_RETURN_POINTER(state);
}

/* An effort from 1 to 7, as it is. */
PG_FUNCTION_INFO_V1(crm_effort_transition);
Datum
crm_effort_transition(PG_FUNCTION_ARGS)
{
	ExactSums *state = exact_sums_state(fcinfo, SURVEY_SUMS);

	if (!PG_ARGISNULL(1))
		add_answer(state, CheckAnswer(PG_GETARG_INT32(1), EFFORT_MAX));
	PG_RETURN_POINTER(state);
}

/* score, responses, standard_error: the mean, and its error, the square root of variance over n as nps has it; NULL without an answer. */
PG_FUNCTION_INFO_V1(crm_survey_final);
Datum
crm_survey_final(PG_FUNCTION_ARGS)
{
	ExactSums *state = exact_sums_argument(fcinfo, 0, SURVEY_SUMS);
	double	   n = (double) exact_sums_get(state, SURVEY_COUNT);
	double	   mean = (double) exact_sums_get(state, SURVEY_SUM) / n;
	double	   square = (double) exact_sums_get(state, SURVEY_SQUARES) / n;
	Datum	   values[3];
	bool	   nulls[3] = {false};

	if (n < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("state of a survey cannot count fewer than no answers")));
	if (n == 0)
		PG_RETURN_NULL();
	values[0] = Float8GetDatum(mean);
	values[1] = Int64GetDatum((int64) n);
	values[2] = Float8GetDatum(sqrt(Max(square - mean * mean, 0) / n));
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}

/*
 * (before, before_error, after, after_error) -> change, standard_error, low, high,
 * p_value: of two independent samples, by the normal distribution, which a
 * hundred answers are enough for.
 */
PG_FUNCTION_INFO_V1(crm_score_change);
Datum
crm_score_change(PG_FUNCTION_ARGS)
{
	double change =
		CheckNumber(PG_GETARG_FLOAT8(2), "after") - CheckNumber(PG_GETARG_FLOAT8(0), "before");
	double error = hypot(CheckNotNegative(PG_GETARG_FLOAT8(1), "before_error"),
						 CheckNotNegative(PG_GETARG_FLOAT8(3), "after_error"));
	double reach = math_normal_quantile(0.975) * error;
	Datum  values[5];
	bool   nulls[5] = {false};

	if (!isfinite(fabs(change) + reach))
		float_overflow_error();
	values[0] = Float8GetDatum(change);
	values[1] = Float8GetDatum(error);
	values[2] = Float8GetDatum(change - reach);
	values[3] = Float8GetDatum(change + reach);
	nulls[4] = error == 0;
	values[4] = nulls[4] ? (Datum) 0 : Float8GetDatum(erfc(fabs(change) / error / sqrt(2)));
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}

/* (behaviour, attitude, behaviour_cut, attitude_cut): the quadrant of Dick & Basu (1994); a cut belongs to the higher side. */
PG_FUNCTION_INFO_V1(crm_loyalty_kind);
Datum
crm_loyalty_kind(PG_FUNCTION_ARGS)
{
	static const char *const kinds[2][2] = {{"none", "latent"}, {"habit", "heart"}};
	bool					 buys = PG_GETARG_FLOAT8(0) >= PG_GETARG_FLOAT8(2);
	bool					 likes = PG_GETARG_FLOAT8(1) >= PG_GETARG_FLOAT8(3);

	for (int i = 0; i < 4; i++)
		if (isnan(PG_GETARG_FLOAT8(i)))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("loyalty cannot be told from NaN")));
	PG_RETURN_TEXT_P(cstring_to_text(kinds[buys][likes]));
}
