/*
 * beta_geometric_fit.c: the likelihood of many customers and its gradient, on tables
 * of what repeats; notation as in beta_geometric.c.
 */
#include "models/beta_geometric.h"

#include "math/special.h"

#include <math.h>

/* Columns of FitData.by_x and by_time. */
enum
{
	X_LOG, /* everything in ln L of one who is alive that only x decides */
	X_R,   /* psi(r + kx) - psi(r) */
	X_A,   /* -(psi(a + b + m + 1) - psi(a + b)) */
	X_B,   /* psi(b + m) - psi(b), plus X_A */
	X_ODDS /* ln(a/(b + m)) */
};

void
bg_tabulate(const PurchaseParams *params, FitData *data, int first)
{
	double r = params->p[0];
	double a = params->p[2];
	double b = params->p[3];

	for (int i = 0; i < data->nxs; i++)
	{
		double	x = data->xs[i];
		double	m = times_stayed(x, first);
		double *row = data->by_x[i];

		row[X_LOG] =
			math_log_rising(r, params->k * x) + r * log(params->p[1]) - x * math_lgamma(params->k);
		row[X_R] = math_digamma_rise(r, params->k * x) + log(params->p[1]);
		row[X_A] = row[X_B] = 0;
		row[X_ODDS] = -INFINITY;
		if (m >= 0)
		{
			row[X_LOG] += math_log_rising(b, m) + log(b + m) - math_log_rising(a + b, m + 1);
			row[X_A] = -math_digamma_rise(a + b, m + 1);
			row[X_B] = math_digamma_rise(b, m) + row[X_A];
			row[X_ODDS] = log(a / (b + m));
		}
	}
	for (int i = 0; i < data->ntimes; i++)
		data->by_time[i][0] = log(params->p[1] + data->times[i]);
}

/* ln L of one group's customer, and its gradient: a mean of the gradients of the two summands. */
double
bg_fit_row(const PurchaseParams *params, const FitData *data, const FitRow *row, double *gradient,
		   int first)
{
	double		  r = params->p[0];
	double		  alpha = params->p[1];
	double		  x = data->xs[row->x];
	double		  w = r + params->k * x;
	const double *by_x = data->by_x[row->x];
	double		  log_age = data->by_time[row->age][0];
	double		  inverse_age = 1 / (alpha + data->times[row->age]);
	double		  ll = by_x[X_LOG] - w * log_age;
	double		  silent_r = 0; /* d/dr and d/dalpha of ln phase_sum */
	double		  silent_alpha = 0;
	double		  log_silent = 0;
	double		  alive = 1;
	double		  dead = 0;

	if (params->k > 1)
	{
		double v = (data->times[row->age] - data->times[row->t_x]) * inverse_age;
		double term = 1;
		double sum = 0;
		double by_w = 0;
		double by_v = 0;
		double rise = 0;

		for (int j = 0; j < params->k; j++)
		{
			sum += term;
			by_w += term * rise;
			by_v += term * j;
			rise += 1 / (w + j);
			term *= (w + j) / (j + 1) * v;
		}
		log_silent = log(sum);
		silent_r = by_w / sum;
		silent_alpha = -by_v / sum * inverse_age;
	}
	ll += log_silent;

	gradient[2] = by_x[X_A];
	gradient[3] = by_x[X_B];
	if (times_stayed(x, first) >= 0)
	{
		double log_last = data->by_time[row->t_x][0];
		double inverse_last = 1 / (alpha + data->times[row->t_x]);
		double odds = by_x[X_ODDS] + w * (log_age - log_last) - log_silent;
		double e = exp(-fabs(odds));

		ll += fmax(odds, 0) + log1p(e);
		dead = (odds > 0 ? 1 : e) / (1 + e);
		alive = (odds > 0 ? e : 1) / (1 + e);
		gradient[0] = -dead * log_last;
		gradient[1] = -dead * w * inverse_last;
		gradient[2] += dead / params->p[2];
		gradient[3] += alive / (params->p[3] + times_stayed(x, first));
	}
	else
		gradient[0] = gradient[1] = 0;
	gradient[0] += by_x[X_R] - alive * (log_age - silent_r);
	gradient[1] += r / alpha - alive * (w * inverse_age - silent_alpha);
	return ll;
}
