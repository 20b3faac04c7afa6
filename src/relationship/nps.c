/*
 * nps.c: the net promoter score of survey answers from 0 to 10.
 *
 * Reichheld (2003), "The One Number You Need to Grow": promoters answer 9 or
 * 10, detractors 0 to 6; the score is the share of the first minus the share
 * of the second, in percent.
 */
#include "crm.h"

#include <math.h>

#include "base/aggregate.h"
#include "base/exact_sums.h"
#include "base/named_sums.h"
#include "base/rows.h"
#include "relationship/interaction_history.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

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

/* A score lies on the scale of the question: numbers between are means, which nobody has answered. */
static int
score_of_numeric(Datum score)
{
	Datum whole = DirectFunctionCall2(numeric_trunc, score, Int32GetDatum(0));

	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, whole, score)) ||
		numeric_is_nan(DatumGetNumeric(score)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("score %s is not on the scale",
						DatumGetCString(DirectFunctionCall1(numeric_out, score))),
				 errdetail("An answer is a whole number from 0 to %d. Rounding would make other "
						   "answers of it: 6.5 a 7, which detracts no more.",
						   MAX_SCORE),
				 errhint("Pass the answers themselves. Means of several are counted as they are, "
						 "unrounded, as double precision: score::float8.")));
	return DatumGetInt32(DirectFunctionCall1(numeric_int4, score));
}

/* The same of a numeric, which has to be a whole number. */
PG_FUNCTION_INFO_V1(crm_nps_transition_numeric);
Datum
crm_nps_transition_numeric(PG_FUNCTION_ARGS)
{
	ExactSums *state = exact_sums_state(fcinfo, NPS_SUMS);

	if (!PG_ARGISNULL(1))
	{
		int score = score_of_numeric(PG_GETARG_DATUM(1));

		CheckScore(score);
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
	if (!(promoters + passives + detractors < 9223372036854775808.0))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("number of answers is out of range")));
}

/*
 * (score, responses, promoters, passives, detractors, standard_error), score
 * and error in percent points; false without an answer. An answer is worth +1,
 * 0 or -1, so its variance is p + d - (p - d)^2 and that of the mean an n-th.
 */
static bool
nps_values(const ExactSums *state, Datum *values)
{
	double promoters = (double) exact_sums_get(state, NPS_PROMOTERS);
	double passives = (double) exact_sums_get(state, NPS_PASSIVES);
	double detractors = (double) exact_sums_get(state, NPS_DETRACTORS);
	double n = promoters + passives + detractors;
	double net = (promoters - detractors) / n;

	CheckCounts(promoters, passives, detractors);
	if (n == 0)
		return false;
	values[0] = Float8GetDatum(100 * (promoters - detractors) / n);
	values[1] = Int64GetDatum((int64) n);
	values[2] = Int64GetDatum((int64) promoters);
	values[3] = Int64GetDatum((int64) passives);
	values[4] = Int64GetDatum((int64) detractors);
	values[5] = Float8GetDatum(100 * sqrt(Max((promoters + detractors) / n - net * net, 0) / n));
	return true;
}

/* The net promoter score of a state; NULL without an answer. */
PG_FUNCTION_INFO_V1(crm_nps_final);
Datum
crm_nps_final(PG_FUNCTION_ARGS)
{
	Datum values[6];
	bool  nulls[6] = {false};

	if (!nps_values(exact_sums_argument(fcinfo, 0, NPS_SUMS), values))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}

/* A row more: question, score; one with a NULL is left out. */
PG_FUNCTION_INFO_V1(crm_nps_by_question_transition);
Datum
crm_nps_by_question_transition(PG_FUNCTION_ARGS)
{
	NamedSums *state;
	ExactSums *sums;
	text	  *question;

	if (state_row_has_null(fcinfo))
		return state_unchanged(fcinfo);
	CheckScore(PG_GETARG_INT32(2));
	state = named_sums_state(fcinfo, NPS_SUMS);
	question = PG_GETARG_TEXT_PP(1);
	state = named_sums_find(
		state, (SumsName){VARDATA_ANY(question), (int) VARSIZE_ANY_EXHDR(question), "", 0}, &sums);
	add_answer(sums, PG_GETARG_INT32(2));
	PG_RETURN_POINTER(state);
}

/* Where the rows of questions stand. */
typedef struct QuestionRows
{
	const NamedSums	 *scores;
	const NamedEntry *at;
} QuestionRows;

/* (scores) -> question and the columns of nps, a row a question that has an answer. */
PG_FUNCTION_INFO_V1(crm_question_scores);
Datum
crm_question_scores(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	QuestionRows	*state;

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, sizeof(QuestionRows));
		state = rows->user_fctx;
		state->scores = rows_copy_varlena(rows, named_sums_argument(fcinfo, 0, NPS_SUMS));
		state->at = named_first(state->scores);
	}
	rows = SRF_PERCALL_SETUP();
	state = rows->user_fctx;
	while (state->at < named_end(state->scores))
	{
		const NamedEntry *entry = state->at;
		SumsName		  name = named_of(entry);
		Datum			  values[7];
		bool			  nulls[7] = {false};

		state->at = named_next(entry);
		if (!nps_values(&entry->sums, values + 1))
			continue;
		values[0] = PointerGetDatum(cstring_to_text_with_len(name.first, name.first_len));
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}
