/*
 * rfm_score.c: the score of one customer on a scale, and why.
 */
#include "crm.h"

#include "scoring/rfm_scale.h"
#include "base/rows.h"
#include "utils/builtins.h"

/* The scores that a scale gives three measures. */
static inline Rfm
score_of_measures(const RfmScale *scale, const RfmMeasures *m)
{
	int rfm = scale->bins;

	for (int i = 0; i < RFM_MEASURES; i++)
		rfm = rfm * 10 + rfm_scale_score(scale, i, m->values[i]);
	return rfm;
}

/* The score of a customer on a finite day; false without a purchase by then. */
bool
rfm_score_of(const RfmScale *scale, PurchaseHistory *history, DateADT as_of, Rfm *rfm)
{
	RfmMeasures m;

	if (!rfm_measure_history(history, CheckFiniteDate(as_of, "as_of"), &m))
		return false;
	*rfm = score_of_measures(scale, &m);
	return true;
}

/* The score of what the reader finds in the arguments after the scale; NULL if nothing. */
static inline Datum
score(FunctionCallInfo fcinfo, RfmReader read)
{
	RfmMeasures m;

	if (PG_ARGISNULL(0) || !read(fcinfo, 1, &m))
		PG_RETURN_NULL();
	PG_RETURN_RFM(score_of_measures(PG_GETARG_RFM_SCALE(0), &m));
}

/* (scale, history, as_of): recency, orders and spend until as_of; NULL without a purchase by then. */
PG_FUNCTION_INFO_V1(crm_rfm_score_history);
Datum
crm_rfm_score_history(PG_FUNCTION_ARGS)
{
	return score(fcinfo, rfm_read_history);
}

/* (scale, int, bigint, numeric) */
PG_FUNCTION_INFO_V1(crm_rfm_score_numeric);
Datum
crm_rfm_score_numeric(PG_FUNCTION_ARGS)
{
	return score(fcinfo, rfm_read_numeric);
}

/* (scale, float8, float8, float8) */
PG_FUNCTION_INFO_V1(crm_rfm_score_float8);
Datum
crm_rfm_score_float8(PG_FUNCTION_ARGS)
{
	return score(fcinfo, rfm_read_float8);
}

/* What an explanation keeps between its rows. */
typedef struct Explanation
{
	RfmScale   *scale; /* NULL if there is nothing to explain */
	RfmMeasures m;
} Explanation;

/* Reads the arguments, which the rows outlive. */
static void
start_explanation(FunctionCallInfo fcinfo, RfmReader read)
{
	FuncCallContext *rows = rows_start(fcinfo, sizeof(Explanation));
	Explanation		*e = rows->user_fctx;

	if (!PG_ARGISNULL(0) && read(fcinfo, 1, &e->m))
		e->scale = rows_copy_varlena(rows, PG_GETARG_RFM_SCALE(0));
}

/* One measure as (measure, value, lower_cut, upper_cut, score): lower_cut < value <= upper_cut. */
static Datum
explanation_row(FuncCallContext *rows, RfmMeasure measure)
{
	Explanation	 *e = rows->user_fctx;
	int64		  value = e->m.values[measure];
	const RfmCut *cuts = rfm_scale_cuts(e->scale, measure);
	int			  below = rfm_scale_cuts_below(e->scale, measure, value);
	Datum		  values[5] = {0};
	bool		  nulls[5] = {false};

	values[0] = CStringGetTextDatum(rfm_measure_names[measure]);
	values[1] = DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(amount_to_numeric(value)));
	nulls[2] = below == 0;
	if (!nulls[2])
		values[2] = NumericGetDatum(rfm_cut_to_numeric(&cuts[below - 1]));
	nulls[3] = below == e->scale->bins - 1;
	if (!nulls[3])
		values[3] = NumericGetDatum(rfm_cut_to_numeric(&cuts[below]));
	values[4] = Int32GetDatum(rfm_scale_score(e->scale, measure, value));
	return rows_make(rows, values, nulls);
}

/* Three rows, or none where the score is NULL. */
static inline Datum
explain(FunctionCallInfo fcinfo, RfmReader read)
{
	FuncCallContext *rows;

	if (SRF_IS_FIRSTCALL())
		start_explanation(fcinfo, read);
	rows = SRF_PERCALL_SETUP();
	if (((Explanation *) rows->user_fctx)->scale != NULL && rows->call_cntr < RFM_MEASURES)
		return rows_next(fcinfo, rows, explanation_row(rows, rows->call_cntr));
	SRF_RETURN_DONE(rows);
}

PG_FUNCTION_INFO_V1(crm_rfm_explain_history);
Datum
crm_rfm_explain_history(PG_FUNCTION_ARGS)
{
	return explain(fcinfo, rfm_read_history);
}

PG_FUNCTION_INFO_V1(crm_rfm_explain_numeric);
Datum
crm_rfm_explain_numeric(PG_FUNCTION_ARGS)
{
	return explain(fcinfo, rfm_read_numeric);
}

PG_FUNCTION_INFO_V1(crm_rfm_explain_float8);
Datum
crm_rfm_explain_float8(PG_FUNCTION_ARGS)
{
	return explain(fcinfo, rfm_read_float8);
}
