/*
 * limits_fit.c: likelihoods of the limits of limits.c and their gradients, written out.
 */
#include "models/limits.h"

#include "math/quadrature.h"
#include "math/special.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* Columns of FitData.by_x, and of by_time: ln(alpha + time), ln(beta + time). */
enum
{
	X_BUY,	  /* what only x decides in ln of the density of x purchases */
	X_BUY_1,  /* its slope in r or in the rate */
	X_STAY,	  /* ln of the chance to have stayed at all chances to leave */
	X_STAY_1, /* its slopes */
	X_STAY_2,
	X_ODDS /* ln of the odds to have left at the last of them instead */
};

/* Whether customers could leave right after their first purchase. */
static inline int
leaves_first(const PurchaseParams *m)
{
	return purchase_model_family(m->kind) != MODEL_BG_NBD;
}

/* Chances to leave at purchases, of a customer with x repeat purchases. */
static void
tabulate_leaving(const PurchaseParams *m, double chances, double *row)
{
	const double *leaving = m->p + leaving_at(m);
	double		  a = leaving[0];
	double		  b = leaving[1];

	row[X_STAY] = row[X_STAY_1] = row[X_STAY_2] = 0;
	row[X_ODDS] = -INFINITY;
	if (chances == 0 || (m->kind & LIMIT_LEAVING) == LIMIT_LEAVE_NEVER)
		return;
	switch (m->kind & LIMIT_LEAVING)
	{
		case LIMIT_LEAVE_ALIKE:
			row[X_STAY] = chances * log1p(-a);
			row[X_STAY_1] = -chances / (1 - a);
			row[X_ODDS] = log(a / (1 - a));
			break;
		case LIMIT_LEAVE_AT_ONCE:
			row[X_STAY] = log1p(-a);
			row[X_STAY_1] = -1 / (1 - a);
			if (chances == 1)
				row[X_ODDS] = log(a / (1 - a));
			break;
		default:
			row[X_STAY] = math_log_rising(b, chances) - math_log_rising(a + b, chances);
			row[X_STAY_1] = -math_digamma_rise(a + b, chances);
			row[X_STAY_2] = math_digamma_rise(b, chances) + row[X_STAY_1];
			row[X_ODDS] = log(a / (b + chances - 1));
	}
}

void
limit_tabulate(const PurchaseParams *m, FitData *data)
{
	bool		  pareto = purchase_model_family(m->kind) == MODEL_PARETO_NBD;
	const double *leaving = m->p + leaving_at(m);

	for (int i = 0; i < data->nxs; i++)
	{
		double *row = data->by_x[i];
		double	phases = m->k * data->xs[i];

		if (buys_alike(m))
		{
			row[X_BUY] = phases * log(m->p[0]);
			row[X_BUY_1] = phases / m->p[0];
		}
		else
		{
			row[X_BUY] = math_log_rising(m->p[0], phases) + m->p[0] * log(m->p[1]);
			row[X_BUY_1] = math_digamma_rise(m->p[0], phases) + log(m->p[1]);
		}
		row[X_BUY] -= data->xs[i] * math_lgamma(m->k);
		if (!pareto)
			tabulate_leaving(m, data->xs[i] + leaves_first(m), row);
	}
	for (int i = 0; i < data->ntimes; i++)
	{
		data->by_time[i][0] = buys_alike(m) ? 0 : log(m->p[1] + data->times[i]);
		data->by_time[i][1] = pareto ? log(leaving[1] + data->times[i]) : 0;
	}
}

/* One customer of a fit. */
typedef struct Row
{
	double		  phases;
	double		  t_x;
	double		  age;
	double		  u; /* age - t_x */
	const double *by_x;
	const double *by_last;
	const double *by_age;
} Row;

static Row
row_of(const PurchaseParams *m, const FitData *data, const FitRow *row)
{
	Row r = {m->k * data->xs[row->x], data->times[row->t_x],
			 data->times[row->age],	  data->times[row->age] - data->times[row->t_x],
			 data->by_x[row->x],	  data->by_time[row->t_x],
			 data->by_time[row->age]};

	return r;
}

/* ln(1 + e^odds), and the two chances. */
static double
either(double odds, double *alive, double *dead)
{
	double e = exp(-fabs(odds));

	*dead = (odds > 0 ? 1 : e) / (1 + e);
	*alive = (odds > 0 ? e : 1) / (1 + e);
	return fmax(odds, 0) + log1p(e);
}

/*
 * ln of the chance of fewer than k phases since the last purchase, relative to none, and its slopes
 * in the parameters of buying; what phase_sum() of beta_geometric.c is for a whole family.
 */
static double
log_silent(const PurchaseParams *m, const Row *c, double *slope)
{
	double w = m->p[0] + c->phases;
	double scale = buys_alike(m) ? 1 / m->p[0] : m->p[1] + c->age;
	double v = c->u / scale;
	double term = 1;
	double sum = 0;
	double by_w = 0;
	double by_v = 0;
	double rise = 0;

	slope[0] = slope[1] = 0;
	if (m->k == 1)
		return 0;
	for (int j = 0; j < m->k; j++)
	{
		sum += term;
		by_w += term * rise;
		by_v += term * j;
		if (buys_alike(m))
			term *= v / (j + 1);
		else
		{
			rise += 1 / (w + j);
			term *= (w + j) / (j + 1) * v;
		}
	}
	slope[0] = buys_alike(m) ? by_v / sum / m->p[0] : by_w / sum;
	slope[1] = buys_alike(m) ? 0 : -by_v / sum / scale;
	return log(sum);
}

/* What leaving at purchases adds to the gradient, given that the customer has left with this chance. */
static void
leaving_gradient(const PurchaseParams *m, const Row *c, double chances, double dead,
				 double *gradient)
{
	const double *leaving = m->p + leaving_at(m);

	switch (m->kind & LIMIT_LEAVING)
	{
		case LIMIT_LEAVE_ALIKE:
		case LIMIT_LEAVE_AT_ONCE:
			gradient[0] = c->by_x[X_STAY_1] + dead / (leaving[0] * (1 - leaving[0]));
			break;
		case LIMIT_LEAVE_NEVER:
			break;
		default:
			gradient[0] = c->by_x[X_STAY_1];
			gradient[1] = c->by_x[X_STAY_2];
			if (dead > 0)
			{
				gradient[0] += dead / leaving[0];
				gradient[1] -= dead / (leaving[1] + chances - 1);
			}
	}
}

/* ln L and its gradient where customers leave at purchases. */
static double
leave_at_purchases(const PurchaseParams *m, const Row *c, double *gradient)
{
	double w = m->p[0] + c->phases;
	double silent[2];
	double silence = log_silent(m, c, silent);
	double decay = buys_alike(m) ? m->p[0] * c->u : w * (c->by_age[0] - c->by_last[0]);
	double alive;
	double dead;
	double ll = c->by_x[X_BUY] + c->by_x[X_STAY] + silence -
				(buys_alike(m) ? m->p[0] * c->age : w * c->by_age[0]) +
				either(c->by_x[X_ODDS] + decay - silence, &alive, &dead);

	if (buys_alike(m))
		gradient[0] = c->by_x[X_BUY_1] - alive * (c->age - silent[0]) - dead * c->t_x;
	else
	{
		gradient[0] = c->by_x[X_BUY_1] - alive * (c->by_age[0] - silent[0]) - dead * c->by_last[0];
		gradient[1] = m->p[0] / m->p[1] - alive * (w / (m->p[1] + c->age) - silent[1]) -
					  dead * w / (m->p[1] + c->t_x);
	}
	leaving_gradient(m, c, c->phases / m->k + leaves_first(m), dead, gradient + leaving_at(m));
	return ll;
}

/*
 * ln of the odds to have left at a rate between the last purchase and now, the
 * integral over the time of leaving of the density of both, and its means; one or both of the two alike.
 */
static double
odds_of_leaving(const PurchaseParams *m, const Row *c, int nodes, DecayMeans *means)
{
	const double *leaving = m->p + leaving_at(m);
	double		  w = m->p[0] + c->phases;

	memset(means, 0, sizeof(*means));
	if (c->u <= 0)
		return -INFINITY;
	if (!(m->kind & LIMIT_LEAVE_ALIKE)) /* buys alike, leaves at a rate of her own: s, beta */
	{
		double B = leaving[1] + c->t_x;
		double integral = decay_exponential_means(leaving[0] + 1, B, m->p[0], c->u, nodes, means);

		return m->p[0] * c->u + leaving[0] * (c->by_age[1] - c->by_last[1]) +
			   log(leaving[0] / B * integral);
	}
	if (!buys_alike(m))
	{
		double A = m->p[1] + c->t_x;
		double integral = decay_exponential_means(w, A, leaving[0], c->u, nodes, means);

		return w * (c->by_age[0] - c->by_last[0]) + leaving[0] * c->u + log(leaving[0] * integral);
	}
	/* both rates are known: (e^(nu u) - 1) mu/nu, nu their sum */
	{
		double nu = m->p[0] + leaving[0];
		double n = nu * c->u;

		means->elapsed = n < 1e-4 ? c->u * (0.5 - n / 12) : 1 / nu - c->u / expm1(n);
		return log(leaving[0] / nu) + (n < 1 ? log(expm1(n)) : n + log1p(-exp(-n)));
	}
}

/* ln L and its gradient where customers leave at any moment. */
static double
leave_at_a_rate(const PurchaseParams *m, const Row *c, int nodes, double *gradient)
{
	const double *leaving = m->p + leaving_at(m);
	double		  w = m->p[0] + c->phases;
	DecayMeans	  means;
	double		  alive;
	double		  dead;
	double		  ll = c->by_x[X_BUY] + either(odds_of_leaving(m, c, nodes, &means), &alive, &dead);
	double		  until = alive * c->age + dead * (c->t_x + means.elapsed);
	double		 *g = gradient + leaving_at(m);

	if (buys_alike(m))
	{
		ll -= m->p[0] * c->age;
		gradient[0] = c->by_x[X_BUY_1] - until;
	}
	else
	{
		ll -= w * c->by_age[0];
		gradient[0] =
			c->by_x[X_BUY_1] - alive * c->by_age[0] - dead * (c->by_last[0] + means.log_A);
		gradient[1] = m->p[0] / m->p[1] - w * (alive / (m->p[1] + c->age) + dead * means.inverse_A);
	}
	if (m->kind & LIMIT_LEAVE_ALIKE)
	{
		ll -= leaving[0] * c->age;
		g[0] = dead / leaving[0] - until;
	}
	else
	{
		double s = leaving[0];
		double beta = leaving[1];

		/* where buying is alike, the means of the power are those of leaving */
		ll += s * (log(beta) - c->by_age[1]);
		g[0] = log(beta) - alive * c->by_age[1] + dead * (1 / s - c->by_last[1] - means.log_A);
		g[1] = s / beta - alive * s / (beta + c->age) - dead * (s + 1) * means.inverse_A;
	}
	return ll;
}

double
limit_fit_row(const PurchaseParams *m, const FitData *data, const FitRow *row, double *gradient)
{
	Row c = row_of(m, data, row);

	return purchase_model_family(m->kind) == MODEL_PARETO_NBD
			   ? leave_at_a_rate(m, &c, data->nodes, gradient)
			   : leave_at_purchases(m, &c, gradient);
}

/* A fit of one row. */
double
limit_log_likelihood(const PurchaseParams *m, Btyd c)
{
	double	times[2] = {c.t_x, c.age};
	double	by_x[1][X_COLUMNS];
	double	by_time[2][TIME_COLUMNS];
	double	gradient[PURCHASE_PARAMS];
	FitRow	row = {0, 0, 1, 0, 1};
	FitData data = {1, 1, 2, &row, &c.x, times, by_x, by_time, 32, 1, c.x, 0, 0};

	limit_tabulate(m, &data);
	return limit_fit_row(m, &data, &row, gradient);
}
