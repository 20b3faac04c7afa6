/*
 * log_rank.c: whether two survival curves are of one kind: the log-rank test of
 * Mantel (1966) and Peto and Peto (1972).
 *
 * On every day on which it happened to somebody, of n at risk, n1 of them of the
 * first curve, d would spread over both curves as n1 to n: with O and E the events
 * of the first curve seen and expected, and V the hypergeometric variance, summed
 * over the days, (O - E)^2 / V is chi-square with one degree of freedom.
 */
#include "crm.h"

#include <math.h>

#include "base/rows.h"
#include "retention/age_counts.h"

/* Customers at risk on a day, as one walks back from the last. */
typedef struct AtRisk
{
	const AgeCounts *curve;
	double			 n;
} AtRisk;

/* The events of a day, whose customers join those at risk. */
static double
step_back(AtRisk *at, int day)
{
	if (day >= at->curve->nages)
		return 0;
	at->n += (double) at->curve->ages[day].happened + (double) at->curve->ages[day].ended;
	return (double) at->curve->ages[day].happened;
}

/* (a, b) as (chi_square, p_value); both NULL if no day tells them apart. */
PG_FUNCTION_INFO_V1(crm_log_rank);
Datum
crm_log_rank(PG_FUNCTION_ARGS)
{
	AtRisk a = {PG_GETARG_AGE_COUNTS(0), 0};
	AtRisk b = {PG_GETARG_AGE_COUNTS(1), 0};
	double difference = 0;
	double variance = 0;
	Datum  values[2] = {0};
	bool   nulls[2] = {true, true};

	for (int day = Max(a.curve->nages, b.curve->nages) - 1; day >= 0; day--)
	{
		double of_a = step_back(&a, day);
		double of_b = step_back(&b, day);
		double d = of_a + of_b;
		double n = a.n + b.n;

		if (d == 0)
			continue;
		/* Written so that the curves can change places to the last bit. */
		difference += (of_a * b.n - of_b * a.n) / n;
		if (n > 1)
			variance += d * (a.n * b.n / (n * n)) * ((n - d) / (n - 1));
	}
	if (variance > 0)
	{
		double chi_square = difference * difference / variance;

		values[0] = Float8GetDatum(chi_square);
		values[1] = Float8GetDatum(erfc(sqrt(chi_square / 2)));
		nulls[0] = nulls[1] = false;
	}
	return row_result(fcinfo, values, nulls);
}
