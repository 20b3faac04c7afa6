/*
 * dirichlet_market.c: the NBD-Dirichlet of a market from the figures of its brands.
 */
#include "crm.h"

#include <float.h>
#include <math.h>

#include "base/decimal.h"
#include "base/shares.h"
#include "base/rows.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "models/dirichlet.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* The shares of an array argument. */
static double *
shares_of(FunctionCallInfo fcinfo, int arg, const char *name, int *n)
{
	Datum  *elements;
	bool   *nulls;
	double *shares;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(arg), FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &elements, &nulls, n);
	shares = palloc(sizeof(double) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("%s of a brand cannot be null", name)));
		shares[i] = CheckPart(DatumGetFloat8(elements[i]), name);
	}
	return shares;
}

/* The shape of the category's purchases; an error if buyers buy less than chance lets them. */
static double
CheckShape(double penetration, double rate)
{
	double shape;

	if (!(rate >= 1) || !isfinite(rate))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("purchases per buyer must be at least 1 and finite, not %s",
							   float8_text(rate))));
	if (!market_shape(penetration, penetration * rate, &shape))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s purchases per buyer are too few for a penetration of %s",
						float8_text(rate), float8_text(penetration)),
				 errdetail("If everybody bought at the same rate, buyers would buy %s times.",
						   float8_text(-log1p(-penetration) / penetration))));
	if (!(shape >= DBL_MIN && isfinite(shape)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a penetration of %s is too small", float8_text(penetration)),
				 errhint("Give the purchases of a longer time, and the penetrations in it.")));
	return shape;
}

/* (penetration, rate, shares, penetrations) -> mean, shape, diversity, diversity_all, by_brand. */
PG_FUNCTION_INFO_V1(crm_fit_dirichlet_market);
Datum
crm_fit_dirichlet_market(PG_FUNCTION_ARGS)
{
	double	penetration = CheckPart(PG_GETARG_FLOAT8(0), "penetration");
	double	rate = PG_GETARG_FLOAT8(1);
	double	shape = CheckShape(penetration, rate);
	int		n;
	int		npenetrations;
	double *shares = shares_of(fcinfo, 2, "share", &n);
	double *penetrations = shares_of(fcinfo, 3, "penetration", &npenetrations);
	Datum  *brands = palloc(sizeof(Datum) * Max(n, 1));
	double *diversity = palloc(sizeof(double) * Max(n, 1));
	double	sum = 0;
	double	weight = 0;
	Datum	values[5];
	bool	nulls[5] = {false};

	if (n == 0 || n != npenetrations)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("%d shares and %d penetrations of brands do not go together", n,
							   npenetrations)));
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (penetrations[i] > penetration)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("a brand's penetration of %s is above that of the category, %s",
								   float8_text(penetrations[i]), float8_text(penetration))));
		diversity[i] = market_diversity(penetration * rate, shape, shares[i], penetrations[i]);
		if (isnan(diversity[i]))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("%s purchases per buyer are too many", float8_text(rate)),
					 errhint("Give the purchases of a shorter time, and the penetrations in it.")));
		brands[i] = Float8GetDatum(diversity[i]);
		sum += shares[i] * diversity[i];
		weight += shares[i];
	}
	values[0] = Float8GetDatum(penetration * rate);
	values[1] = Float8GetDatum(shape);
	values[2] = Float8GetDatum(market_robust_mean(n, diversity, shares));
	values[3] = Float8GetDatum(sum / weight);
	values[4] =
		PointerGetDatum(construct_array(brands, n, FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}
