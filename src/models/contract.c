/*
 * contract.c: survival, likelihood and discounted lifetimes of the contract models.
 */
#include "models/contract.h"

#include "math/gauss_legendre.h"
#include "math/special.h"

#include <math.h>
#include <stddef.h>

const FitShape contract_shapes[CONTRACT_MODEL_KINDS] = {
	{"beta_geometric", 2, {"gamma", "delta"}, NULL},
	{"beta_discrete_weibull", 3, {"gamma", "delta", "c"}, NULL},
	{"exponential_gamma", 2, {"s", "beta"}, NULL},
	{"geometric", 1, {"p"}, "everybody leaves with the same probability"},
	{"discrete_weibull",
	 2,
	 {"p", "c"},
	 "everybody leaves with the same probability at the same age"},
	{"exponential", 1, {"mu"}, "everybody leaves at the same rate"},
	{"leave_at_once", 1, {"share"}, "a share leaves at the first renewal, and the others never"}};

/* Terms that are added one by one before the rest becomes an integral. */
#define FIRST_TERMS 256

/* Periods as the beta function sees them: t^c. */
static double
stretched(int kind, const double *params, double t)
{
	return kind == CONTRACT_BETA_DISCRETE_WEIBULL ? pow(t, params[2])
		   : kind == CONTRACT_DISCRETE_WEIBULL	  ? pow(t, params[1])
												  : t;
}

/* Of customers who are alike, -ln P(one stays a stretched period). */
static double
leaving_rate(int kind, const double *params)
{
	return kind == CONTRACT_EXPONENTIAL ? params[0] : -log1p(-params[0]);
}

double
contract_log_survival(int kind, const double *params, double from, double more)
{
	if (kind == CONTRACT_EXPONENTIAL_GAMMA)
		return -params[0] * log1p(more / (params[1] + from));
	if (kind == CONTRACT_LEAVE_AT_ONCE)
		return from == 0 && more > 0 ? log1p(-params[0]) : 0;
	if (kind >= CONTRACT_GEOMETRIC)
		return -leaving_rate(kind, params) *
			   (kind == CONTRACT_DISCRETE_WEIBULL
					? stretched(kind, params, from + more) - stretched(kind, params, from)
					: more);
	return math_log_rising(params[1] + stretched(kind, params, from), params[0]) -
		   math_log_rising(params[1] + stretched(kind, params, from + more), params[0]);
}

/* d ln S(t) by the parameters. */
static void
survival_gradient(int kind, const double *params, double t, double *gradient)
{
	double m = stretched(kind, params, t);
	double both = params[0] + params[1];

	if (kind == CONTRACT_LEAVE_AT_ONCE)
	{
		gradient[0] = t > 0 ? -1 / (1 - params[0]) : 0;
		return;
	}
	if (kind >= CONTRACT_GEOMETRIC)
	{
		gradient[0] = kind == CONTRACT_EXPONENTIAL ? -m : -m / (1 - params[0]);
		gradient[1] = kind == CONTRACT_DISCRETE_WEIBULL && t > 1
						  ? -leaving_rate(kind, params) * m * log(t)
						  : 0;
		return;
	}
	if (kind == CONTRACT_EXPONENTIAL_GAMMA)
	{
		gradient[0] = -log1p(t / params[1]);
		gradient[1] = params[0] * t / (params[1] * (params[1] + t));
		return;
	}
	gradient[0] = -math_digamma_rise(both, m);
	gradient[1] = math_digamma_rise(params[1], m) + gradient[0];
	gradient[2] = kind == CONTRACT_BETA_DISCRETE_WEIBULL && t > 1
					  ? -math_digamma_rise(params[1] + m, params[0]) * m * log(t)
					  : 0;
}

double
contract_fit_row(int kind, const double *params, const ContractRow *row, double *gradient)
{
	int	   n = contract_shapes[kind].nparams;
	double value = 0;
	double at[CONTRACT_PARAMS];

	survival_gradient(kind, params, row->age, at);
	for (int i = 0; i < n; i++)
		gradient[i] = row->running * at[i];
	if (row->running > 0)
		value = row->running * contract_log_survival(kind, params, 0, row->age);
	if (row->lost > 0)
	{
		/* S(t - 1) - S(t) = S(t - 1) (1 - kept) */
		double step = contract_log_survival(kind, params, row->age - 1, 1);
		double leaves = -expm1(step);
		double before[CONTRACT_PARAMS];

		survival_gradient(kind, params, row->age - 1, before);
		value += row->lost * (contract_log_survival(kind, params, 0, row->age - 1) + log(leaves));
		for (int i = 0; i < n; i++)
			gradient[i] += row->lost * (before[i] - exp(step) / leaves * (at[i] - before[i]));
	}
	return value;
}

/* S falls as t^-(gamma c), or t^-s; of customers who are alike faster than any power, of a share that never leaves not at all. */
bool
contract_lifetime_is_finite(int kind, const double *params)
{
	if (kind == CONTRACT_LEAVE_AT_ONCE)
		return false;
	if (kind >= CONTRACT_GEOMETRIC)
		return true;
	return params[0] * (kind == CONTRACT_BETA_DISCRETE_WEIBULL ? params[2] : 1) > 1;
}

/* A term of the sum, t^power (1 + rate)^-t S(from + t) / S(from), from its parts. */
typedef struct Terms
{
	int			  kind;
	const double *params;
	double		  from;
	double		  log_rate; /* ln (1 + rate) */
	int			  power;	/* 0 or 1 */
} Terms;

static double
term(const Terms *f, double t)
{
	double log_term = contract_log_survival(f->kind, f->params, f->from, t) - f->log_rate * t;

	return exp(log_term) * (f->power == 0 ? 1 : t);
}

/* The integral of the terms from a on, in panels of ln t: Gauss and Legendre, 32 nodes each. */
static double
integral_from(const Terms *f, double a)
{
	const double width = 0.5;
	double		 total = 0;

	for (double u = log(a); u < 700; u += width)
	{
		double panel = 0;

		for (int i = 0; i < 32; i++)
		{
			double t = exp(u + width * gauss_legendre_32[i].at);

			panel += gauss_legendre_32[i].weight * t * term(f, t);
		}
		total += panel * width;
		if (panel <= 1e-17 * total)
			break;
	}
	return total;
}

/* The sum over t >= first: its first terms, and Euler's and Maclaurin's formula for the rest. */
static double
sum_of_terms(const Terms *f, int first)
{
	const double n = first + FIRST_TERMS;
	double		 total = 0;
	double		 at_n = term(f, n);
	double		 t = f->from + n;
	double		 slope; /* of the log of a term */
	double		 bend;	/* of that slope, as if it fell as 1/t */
	double		 leaving;
	double		 m = stretched(f->kind, f->params, t);

	for (int i = FIRST_TERMS - 1; i >= 0; i--)
		total += term(f, first + i);
	if (at_n <= 1e-18 * total)
		return total;
	leaving = m / t *
			  (f->kind >= CONTRACT_GEOMETRIC ? leaving_rate(f->kind, f->params)
											 : math_digamma_rise(f->params[1] + m, f->params[0]));
	if (f->kind == CONTRACT_BETA_DISCRETE_WEIBULL)
		leaving *= f->params[2];
	if (f->kind == CONTRACT_DISCRETE_WEIBULL)
		leaving *= f->params[1];
	slope = -leaving - f->log_rate + f->power / n;
	bend = leaving / t - f->power / (n * n);
	return total + integral_from(f, n) + at_n / 2 - at_n * slope / 12 +
		   at_n * (slope * slope * slope + 3 * slope * bend) / 720;
}

double
contract_lifetime(int kind, const double *params, double from, double rate)
{
	Terms f = {kind, params, from, log1p(rate), 0};

	if (rate == 0 && !contract_lifetime_is_finite(kind, params))
		return INFINITY;
	if (kind == CONTRACT_EXPONENTIAL_GAMMA)
	{
		double scale = params[1] + from;

		return rate == 0 ? scale / (params[0] - 1)
						 : scale * math_expint_scaled(params[0], f.log_rate * scale);
	}
	if (kind == CONTRACT_LEAVE_AT_ONCE)
		return 1 + exp(contract_log_survival(kind, params, from, 1)) / rate;
	if (kind == CONTRACT_EXPONENTIAL)
		return 1 / (params[0] + f.log_rate);
	if (kind == CONTRACT_GEOMETRIC)
		return (1 + rate) / (rate + params[0]);
	if (kind == CONTRACT_BETA_GEOMETRIC && rate == 0)
		return (params[0] + params[1] + from - 1) / (params[0] - 1);
	return sum_of_terms(&f, 0);
}

double
contract_elasticity(int kind, const double *params, double from, double rate)
{
	Terms weighted = {kind, params, from, log1p(rate), 1};
	Terms plain = {kind, params, from, log1p(rate), 0};

	if (kind == CONTRACT_LEAVE_AT_ONCE)
		return 1 + 1 / rate;

	return sum_of_terms(&weighted, 1) / sum_of_terms(&plain, 1);
}
