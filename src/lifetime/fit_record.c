/*
 * fit_record.c: text, binary and jsonb forms of how a model was fitted, and its parameters as rows.
 */
#include "crm.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "lifetime/fit_record.h"
#include "base/rows.h"
#include "utils/builtins.h"

static const char *const verdict_words[] = {"given",		  "converged",		"at_lower_bound",
											"at_upper_bound", "not_identified", "stalled",
											"nobody_lost",	  "few_renewals"};

#define VERDICTS ((int) lengthof(verdict_words))

/* The shortest text that reads back as the same number, whatever extra_float_digits is. */
void
append_float8(StringInfo out, double value)
{
	char text[32];
	int	 digits = 15;

	do
		snprintf(text, sizeof(text), "%.*g", digits, value);
	while (digits++ < 17 && strtod(text, NULL) != value);
	appendStringInfoString(out, text);
}

/* Every parameter is a positive number of a size that means something, a share below 1. */
void
CheckParameters(const ModelShape *shape, const double *params)
{
	for (int i = 0; i < shape->nparams; i++)
		if (shape->units != NULL && shape->units[i] == PARAM_SHARE)
		{
			if (!(params[i] > 0 && params[i] < 1))
				ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
								errmsg("parameter %s of %s is out of range: %g",
									   shape->param_names[i], shape->type_name, params[i]),
								errdetail("It lies between 0 and 1.")));
		}
		else if (!(params[i] >= PARAM_MIN && params[i] <= PARAM_MAX))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("parameter %s of %s is out of range: %g", shape->param_names[i],
							shape->type_name, params[i]),
					 errdetail("Parameters are positive, from %g to %g.", PARAM_MIN, PARAM_MAX)));
}

static inline int
covariances(const ModelShape *shape)
{
	return shape->nparams * (shape->nparams + 1) / 2;
}

bool
fit_verdict_at_bound(int verdict)
{
	return verdict == FIT_AT_LOWER_BOUND || verdict == FIT_AT_UPPER_BOUND;
}

const char *
fit_verdict_word(int verdict)
{
	return verdict_words[verdict];
}

/* A fit as input or the network gives it holds together. */
void
CheckModelFit(const ModelShape *shape, const ModelFit *fit)
{
	bool sound = fit->verdict >= 0 && fit->verdict < VERDICTS && fit->reserved == 0 &&
				 fit->bound >= 0 && fit->bound < shape->nparams &&
				 (fit->bound == 0 || fit_verdict_at_bound(fit->verdict)) && fit->customers >= 0 &&
				 fit->left_out >= 0 && fit->repeat_buyers >= 0 &&
				 fit->repeat_buyers <= fit->customers &&
				 fabs(fit->log_likelihood) <= LOG_LIKELIHOOD_MAX && isfinite(fit->gradient_norm) &&
				 fit->gradient_norm >= 0 && (fit->verdict == FIT_GIVEN) == (fit->customers == 0) &&
				 (fit->verdict != FIT_GIVEN ||
				  (fit->log_likelihood == 0 && fit->gradient_norm == 0 && fit->left_out == 0));

	for (int i = 0; sound && i < FIT_COVARIANCES; i++)
		sound =
			isfinite(fit->covariance[i]) &&
			(fit->covariance[i] == 0 || (fit->verdict == FIT_CONVERGED && i < covariances(shape)));
	for (int i = 0; sound && i < shape->nparams && fit->verdict == FIT_CONVERGED; i++)
		sound = fit->covariance[COVARIANCE_INDEX(i, i)] >= 0;
	if (!sound)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s holds a fit that cannot be", shape->type_name)));
}

/*
 * A parameter that ran to its bound, in a large unit, may lie beyond what a model holds; units as in ModelShape, or NULL. One that
 * the search came to and a model cannot hold is no answer: it is at its bound.
 */
void
clamp_parameters(FitResult *result, int nparams, const ParamUnit *units)
{
	for (int i = 0; i < nparams; i++)
	{
		double found = result->params[i];
		double most = units != NULL && units[i] == PARAM_SHARE ? 1 - PARAM_MIN : PARAM_MAX;

		result->params[i] = Min(Max(found, PARAM_MIN), most);
		if (result->params[i] == found || result->verdict != FIT_CONVERGED)
			continue;
		result->verdict = found > most ? FIT_AT_UPPER_BOUND : FIT_AT_LOWER_BOUND;
		result->bound = i;
	}
}

/* What a search came to; the caller counts customers. */
void
model_fit_set(ModelFit *fit, const FitResult *result, int nparams)
{
	fit->verdict = result->verdict;
	fit->bound = fit_verdict_at_bound(result->verdict) ? result->bound : 0;
	fit->log_likelihood = fmax(result->log_likelihood, -LOG_LIKELIHOOD_MAX);
	fit->gradient_norm = result->gradient_norm;
	for (int i = 0; i < nparams && result->verdict == FIT_CONVERGED; i++)
		for (int j = 0; j <= i; j++)
			fit->covariance[COVARIANCE_INDEX(i, j)] = result->covariance[i][j];
}

/* The verdict as a sentence without its full stop. */
char *
model_fit_reason(const ModelShape *shape, const ModelFit *fit)
{
	switch ((FitVerdict) fit->verdict)
	{
		case FIT_GIVEN:
			return pstrdup("The parameters were given, not fitted");
		case FIT_CONVERGED:
			if (shape->limit != NULL)
				return psprintf("The fit converged where %s", shape->limit);
			return pstrdup("The fit converged");
		case FIT_AT_LOWER_BOUND:
			return psprintf("The data fit best as parameter %s goes to zero",
							shape->param_names[fit->bound]);
		case FIT_AT_UPPER_BOUND:
			return psprintf("The data fit best as parameter %s grows without end",
							shape->param_names[fit->bound]);
		case FIT_NOT_IDENTIFIED:
			return pstrdup("The data do not tell the parameters apart");
		case FIT_STALLED:
			return psprintf("The search ended at a gradient of %g, which is not zero",
							fit->gradient_norm);
		case FIT_NOBODY_LOST:
			return pstrdup("Nobody was lost yet, so nothing is known of how customers leave");
		case FIT_FEW_RENEWALS:
			return psprintf("Fewer than %d renewals were seen, which do not tell %d parameters "
							"apart",
							shape->nparams, shape->nparams);
	}
	pg_unreachable();
}

/* " fitted (customers 9, ..., converged, covariance 1 2 3)"; nothing for given parameters. */
void
model_fit_append_text(StringInfo out, const ModelShape *shape, const ModelFit *fit)
{
	if (fit->verdict == FIT_GIVEN)
		return;
	appendStringInfo(out,
					 " fitted (customers " INT64_FORMAT ", repeat_buyers " INT64_FORMAT
					 ", left_out " INT64_FORMAT ", log_likelihood ",
					 fit->customers, fit->repeat_buyers, fit->left_out);
	append_float8(out, fit->log_likelihood);
	appendStringInfoString(out, ", gradient_norm ");
	append_float8(out, fit->gradient_norm);
	appendStringInfo(out, ", %s", verdict_words[fit->verdict]);
	if (fit_verdict_at_bound(fit->verdict))
		appendStringInfo(out, " %s", shape->param_names[fit->bound]);
	if (fit->verdict == FIT_CONVERGED)
	{
		appendStringInfoString(out, ", covariance");
		for (int i = 0; i < covariances(shape); i++)
		{
			appendStringInfoChar(out, ' ');
			append_float8(out, fit->covariance[i]);
		}
	}
	appendStringInfoChar(out, ')');
}

int16
fit_verdict_scan(Scanner *s)
{
	for (int i = FIT_CONVERGED; i < VERDICTS; i++)
		if (scan_try_word(s, verdict_words[i]))
			return i;
	scan_error(s, "converged, at_lower_bound, at_upper_bound, not_identified, stalled, nobody_lost "
				  "or few_renewals");
	pg_unreachable();
}

/* Reads what model_fit_append_text writes. */
void
model_fit_scan(Scanner *s, const ModelShape *shape, ModelFit *fit)
{
	memset(fit, 0, sizeof(*fit));
	if (!scan_try_word(s, "fitted"))
		return;
	scan_char(s, '(');
	scan_word(s, "customers");
	fit->customers = scan_int64(s);
	scan_char(s, ',');
	scan_word(s, "repeat_buyers");
	fit->repeat_buyers = scan_int64(s);
	scan_char(s, ',');
	scan_word(s, "left_out");
	fit->left_out = scan_int64(s);
	scan_char(s, ',');
	scan_word(s, "log_likelihood");
	fit->log_likelihood = scan_float8(s) + 0.0;
	scan_char(s, ',');
	scan_word(s, "gradient_norm");
	fit->gradient_norm = scan_float8(s) + 0.0;
	scan_char(s, ',');
	fit->verdict = fit_verdict_scan(s);
	if (fit_verdict_at_bound(fit->verdict))
	{
		while (fit->bound < shape->nparams && !scan_try_word(s, shape->param_names[fit->bound]))
			fit->bound++;
		if (fit->bound == shape->nparams)
			scan_error(s, "the name of a parameter");
	}
	if (fit->verdict == FIT_CONVERGED)
	{
		scan_char(s, ',');
		scan_word(s, "covariance");
		for (int i = 0; i < covariances(shape); i++)
			fit->covariance[i] = scan_float8(s) + 0.0;
	}
	scan_char(s, ')');
}

void
model_fit_send(StringInfo out, const ModelShape *shape, const ModelFit *fit)
{
	pq_sendint16(out, fit->verdict);
	pq_sendint16(out, fit->bound);
	pq_sendint64(out, fit->customers);
	pq_sendint64(out, fit->repeat_buyers);
	pq_sendint64(out, fit->left_out);
	pq_sendfloat8(out, fit->log_likelihood);
	pq_sendfloat8(out, fit->gradient_norm);
	for (int i = 0; i < covariances(shape); i++)
		pq_sendfloat8(out, fit->covariance[i]);
}

void
model_fit_recv(StringInfo message, const ModelShape *shape, ModelFit *fit)
{
	memset(fit, 0, sizeof(*fit));
	fit->verdict = pq_getmsgint(message, 2);
	fit->bound = pq_getmsgint(message, 2);
	fit->customers = pq_getmsgint64(message);
	fit->repeat_buyers = pq_getmsgint64(message);
	fit->left_out = pq_getmsgint64(message);
	/* no minus zero: equal models have equal bytes */
	fit->log_likelihood = pq_getmsgfloat8(message) + 0.0;
	fit->gradient_norm = pq_getmsgfloat8(message) + 0.0;
	for (int i = 0; i < covariances(shape); i++)
		fit->covariance[i] = pq_getmsgfloat8(message) + 0.0;
}

/* The members of the fit within a json object, each behind a comma. */
void
model_fit_append_json(StringInfo out, const ModelShape *shape, const ModelFit *fit)
{
	appendStringInfo(out, ",\"fit\":\"%s\"", verdict_words[fit->verdict]);
	if (fit_verdict_at_bound(fit->verdict))
		appendStringInfo(out, ",\"at_bound\":\"%s\"", shape->param_names[fit->bound]);
	if (fit->verdict == FIT_GIVEN)
		return;
	appendStringInfo(out,
					 ",\"customers\":" INT64_FORMAT ",\"repeat_buyers\":" INT64_FORMAT
					 ",\"left_out\":" INT64_FORMAT ",\"log_likelihood\":",
					 fit->customers, fit->repeat_buyers, fit->left_out);
	append_float8(out, fit->log_likelihood);
	appendStringInfoString(out, ",\"gradient_norm\":");
	append_float8(out, fit->gradient_norm);
	if (fit->verdict != FIT_CONVERGED)
		return;
	appendStringInfoString(out, ",\"covariance\":[");
	for (int i = 0; i < shape->nparams; i++)
	{
		appendStringInfoString(out, i > 0 ? ",[" : "[");
		for (int j = 0; j < shape->nparams; j++)
		{
			if (j > 0)
				appendStringInfoChar(out, ',');
			append_float8(out, fit->covariance[COVARIANCE_INDEX(Max(i, j), Min(i, j))]);
		}
		appendStringInfoChar(out, ']');
	}
	appendStringInfoChar(out, ']');
}

/* The log-likelihood that a fit reached; NULL for given parameters. */
Datum
model_log_likelihood(FunctionCallInfo fcinfo, const ModelFit *fit)
{
	if (fit->verdict == FIT_GIVEN)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(fit->log_likelihood);
}

/* Akaike's criterion of a fit of so many parameters; NULL for given ones. */
Datum
model_aic(FunctionCallInfo fcinfo, const ModelFit *fit, int estimated)
{
	if (fit->verdict == FIT_GIVEN)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(2 * estimated - 2 * fit->log_likelihood);
}

/* Schwarz' criterion, likewise. */
Datum
model_bic(FunctionCallInfo fcinfo, const ModelFit *fit, int estimated)
{
	if (fit->verdict == FIT_GIVEN)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(estimated * log((double) fit->customers) - 2 * fit->log_likelihood);
}

typedef struct ParameterRows
{
	double	 params[FIT_MAX_PARAMS];
	ModelFit fit;
} ParameterRows;

/* Rows of (name, estimate, standard_error); the error is NULL unless a fit converged. */
Datum
model_parameters(FunctionCallInfo fcinfo, const ModelShape *shape, const double *params,
				 const ModelFit *fit)
{
	FuncCallContext *rows;
	ParameterRows	*state;
	Datum			 values[3];
	bool			 nulls[3] = {false, false, false};
	int				 i;

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, sizeof(ParameterRows));
		state = rows->user_fctx;
		state->fit = *fit;
		memcpy(state->params, params, shape->nparams * sizeof(double));
	}
	rows = SRF_PERCALL_SETUP();
	state = rows->user_fctx;
	i = rows->call_cntr;
	if (i >= shape->nparams)
		SRF_RETURN_DONE(rows);
	values[0] = CStringGetTextDatum(shape->param_names[i]);
	values[1] = Float8GetDatum(state->params[i]);
	values[2] = Float8GetDatum(sqrt(state->fit.covariance[COVARIANCE_INDEX(i, i)]));
	nulls[2] = state->fit.verdict != FIT_CONVERGED;
	return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
}
