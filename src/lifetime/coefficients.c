/*
 * coefficients.c: the forms of coefficients of covariates behind a model, and what they need to know of a customer.
 *
 * The text form is that of the coefficients, and the rows of the covariance that they add, or which of them runs off:
 *   buying(channel 0.5) leaving(channel -0.1), covariance 1 2 3 4 5 6 7 8 9 10 11
 *   buying(channel 9.3), separated 1
 */
#include "crm.h"

#include <math.h>

#include "lifetime/coefficients.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/json.h"

void
coefficients_append_text(StringInfo out, const ModelCovariates *covariates, const ModelFit *fit,
						 int nparams)
{
	covariates_append_text(out, &covariates->coefficients);
	if (covariates->separated > 0)
		appendStringInfo(out, ", separated %d", covariates->separated);
	if (fit->verdict != FIT_CONVERGED || covariates->coefficients.n == 0)
		return;
	appendStringInfoString(out, ", covariance");
	for (int i = 0; i < covariances_added(covariates, nparams); i++)
	{
		appendStringInfoChar(out, ' ');
		append_float8(out, covariates->covariance[i]);
	}
}

/* Reads what coefficients_append_text writes. */
ModelCovariates *
coefficients_scan(Scanner *s, int nparams)
{
	ModelCovariates *covariates = coefficients_create();

	memcpy(&covariates->coefficients, covariates_scan(s), sizeof(Covariates));
	if (!scan_try_char(s, ','))
		return covariates;
	if (scan_try_word(s, "separated"))
	{
		int64 separated = scan_int64(s);

		covariates->separated = (int32) Min(Max(separated, -1), PG_INT16_MAX);
		return covariates;
	}
	scan_word(s, "covariance");
	for (int i = 0; i < covariances_added(covariates, nparams); i++)
		covariates->covariance[i] = scan_float8(s) + 0.0;
	return covariates;
}

void
coefficients_append_bytes(StringInfo out, const ModelCovariates *covariates, int nparams)
{
	covariates_append_bytes(out, &covariates->coefficients);
	pq_sendint32(out, covariates->separated);
	for (int i = 0; i < covariances_added(covariates, nparams); i++)
		pq_sendfloat8(out, covariates->covariance[i]);
}

/* Reads what coefficients_append_bytes writes. */
ModelCovariates *
coefficients_from_bytes(StringInfo message, int nparams)
{
	ModelCovariates *covariates = coefficients_create();

	memcpy(&covariates->coefficients, covariates_from_bytes(message), sizeof(Covariates));
	covariates->separated = pq_getmsgint(message, 4);
	for (int i = 0; i < covariances_added(covariates, nparams); i++)
		covariates->covariance[i] = pq_getmsgfloat8(message) + 0.0;
	return covariates;
}

/* ,"coefficients":{"buying.channel":0.5, ...} */
void
coefficients_append_json(StringInfo out, const ModelCovariates *covariates,
						 char *(*name)(const Covariates *, int) )
{
	appendStringInfoString(out, ",\"coefficients\":{");
	for (int i = 0; i < covariates_count(&covariates->coefficients); i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		escape_json(out, name(&covariates->coefficients, i));
		appendStringInfoChar(out, ':');
		append_float8(out, coefficient(covariates, i));
	}
	appendStringInfoChar(out, '}');
}

/* Coefficients as a fit finds them: variances are none below zero, and a fit that is no answer has none. */
void
CheckCoefficients(const ModelCovariates *covariates, const ModelFit *fit, int nparams,
				  const char *type_name)
{
	int	 n = covariates_count(&covariates->coefficients);
	bool sound = covariates->separated >= 0 && covariates->separated <= n &&
				 covariates->reserved == 0 &&
				 (covariates->separated == 0 || fit->verdict == FIT_NOT_IDENTIFIED);

	for (int i = 0; i < covariances_added(covariates, nparams); i++)
		sound = sound && isfinite(covariates->covariance[i]) &&
				(covariates->covariance[i] == 0 || fit->verdict == FIT_CONVERGED);
	for (int i = nparams; sound && i < nparams + n; i++)
		sound = coefficients_covariance(covariates, fit, nparams, i, i) >= 0;
	if (!sound)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s holds coefficients that cannot be", type_name)));
}

/* What a search came to, of coefficients whose names are known. */
void
coefficients_set(ModelCovariates *covariates, const FitResult *result, int nparams, int separated)
{
	int n = nparams + covariates_count(&covariates->coefficients);

	covariates_set_numbers(&covariates->coefficients, result->params + nparams);
	covariates->separated = separated + 1;
	for (int i = nparams; i < n && result->verdict == FIT_CONVERGED; i++)
		for (int j = 0; j <= i; j++)
			covariates->covariance[COVARIANCE_INDEX(i, j) - covariances_of(nparams)] =
				result->covariance[i][j];
}

/* A coefficient by its place among the numbers of covariates. */
double
coefficient(const ModelCovariates *covariates, int i)
{
	double numbers[COEFFICIENTS_MAX];

	covariates_numbers(&covariates->coefficients, numbers);
	return numbers[i];
}

/* What is to become the model of a customer is one of customers with covariates. */
void
CheckHasCovariates(const ModelCovariates *covariates)
{
	if (covariates == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the model has no covariates"),
				 errhint("It predicts for every customer as it is.")));
}

/* A customer's numbers for each coefficient: of the model's names, and of all that it asks for. */
void
customer_numbers(const ModelCovariates *covariates, const Covariates *c, double *numbers)
{
	Covariates of_model = covariates->coefficients;

	if (of_model.n > 0 && (of_model.n != c->n || (of_model.sets & ~c->sets) != 0 ||
						   memcmp(of_model.names, c->names, sizeof(c->names)) != 0))
	{
		StringInfoData names;

		initStringInfo(&names);
		covariates_append_text(&names, &covariates->coefficients);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the model has other covariates"),
				 errdetail("Its coefficients are %s.", names.data)));
	}
	memcpy(of_model.buying, c->buying, sizeof(c->buying));
	memcpy(of_model.leaving, c->leaving, sizeof(c->leaving));
	covariates_numbers(&of_model, numbers);
}

/* The reason of a fit, and which coefficient runs off if one does. */
char *
coefficients_reason(const ModelCovariates *covariates, char *reason,
					char *(*name)(const Covariates *, int) )
{
	if (covariates == NULL || covariates->separated == 0)
		return reason;
	return psprintf(
		"%s: coefficient %s runs off, since the covariate tells customers apart who do from those "
		"who do not",
		reason, name(&covariates->coefficients, covariates->separated - 1));
}

/* The next row of (name, estimate, standard_error) of a model, coefficients behind the parameters; the error is NULL unless a fit converged. */
Datum
estimate_rows(FunctionCallInfo fcinfo, FuncCallContext *rows, const ModelShape *shape,
			  const double *params, const ModelFit *fit, const ModelCovariates *covariates,
			  char *(*name)(const Covariates *, int) )
{
	int	  i = rows->call_cntr;
	int	  beyond = i - shape->nparams;
	Datum values[3];
	bool  nulls[3] = {false, false, fit->verdict != FIT_CONVERGED};

	if (beyond >= (covariates == NULL ? 0 : covariates_count(&covariates->coefficients)))
		SRF_RETURN_DONE(rows);
	values[0] = CStringGetTextDatum(beyond < 0 ? shape->param_names[i]
											   : name(&covariates->coefficients, beyond));
	values[1] = Float8GetDatum(beyond < 0 ? params[i] : coefficient(covariates, beyond));
	values[2] =
		Float8GetDatum(sqrt(coefficients_covariance(covariates, fit, shape->nparams, i, i)));
	return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
}
