/*
 * season.c: the season that purchases between first and last ones show; see season.h.
 *
 * Of n purchase days among the days of a group, the share q_b that falls in bin b is in proportion to e_b v_b: e_b days, and
 * v_b the chance that a day of the bin is a purchase day. For few purchases that is s_b. But a day counts once,
 * however often was bought on it, and days are drawn without putting back: to second order
 * v_b = (1 - e^(-m s_b))/m with m = (n - 2)/(sum of e s), which is s_b for n = 2 (J. Hajek 1964, Asymptotic theory of
 * rejective sampling: the chances of inclusion of a sample of fixed size). The season solves
 * purchases in b = sum over groups of n q_b, the score of the conditional likelihood, with its curvature for the errors.
 */
#include "models/season.h"

#include "math/symmetric.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define DAYS_PER_YEAR 365.2425
#define GROUPS_PER_CHECK 512
#define MAX_STEPS 60
#define LONGEST_STEP 1.0
#define STEP_AIM 1e-12
#define STEP_ENOUGH 1e-9

/* The equations at a point, and their slopes. */
typedef struct Equations
{
	double left[SEASON_MAX_BINS]; /* purchases less what s lets expect */
	double slope[SEASON_MAX_BINS][SEASON_MAX_BINS];
} Equations;

double
season_share(const SeasonYear *year, int bin)
{
	return (year->days[bin] + (bin == year->leap_bin ? 0.2425 : 0)) / DAYS_PER_YEAR;
}

double
season_days(const SeasonYear *year, const SeasonDay *day, int bin)
{
	double days = (day->year - 2000.0) * year->days[bin];

	if (bin == year->leap_bin)
		days += day->leaps;
	if (bin < day->bin)
		days += year->days[bin] + (bin == year->leap_bin && day->leap);
	else if (bin == day->bin)
		days += day->day;
	return days;
}

/* (1 - e^(-m s))/m, without cancellation. */
static double
chance_of_a_day(double s, double m)
{
	double u = m * s;

	if (fabs(u) < 1e-4)
		return s * (1 - u / 2 * (1 - u / 3));
	return -expm1(-u) / m;
}

/* Takes from the equations what n purchases, count times, let expect in so many days of each bin. */
static void
expect(Equations *e, int nbins, const double *s, const double *days, double n, double count)
{
	double at[SEASON_MAX_BINS];
	double q[SEASON_MAX_BINS];
	double clock = 0;
	double total = 0;
	double m;
	int	   nat = 0;
	int	   bins[SEASON_MAX_BINS];

	for (int b = 0; b < nbins; b++)
		clock += s[b] * days[b];
	m = (n - 2) / clock;
	for (int b = 0; b < nbins; b++)
		if (days[b] > 0)
		{
			bins[nat] = b;
			at[nat] = days[b] * chance_of_a_day(s[b], m);
			total += at[nat++];
		}
	for (int i = 0; i < nat; i++)
	{
		q[i] = at[i] / total;
		e->left[bins[i]] -= count * n * q[i];
		e->slope[bins[i]][bins[i]] += count * n * q[i];
	}
	for (int i = 0; i < nat; i++)
		for (int j = 0; j <= i; j++)
			e->slope[bins[i]][bins[j]] -= count * n * q[i] * q[j];
}

/* The equations for all groups and the prior; false if interrupted. */
static bool
equations(const SeasonData *data, const double *s, FitInterrupted interrupted, Equations *e)
{
	int	   nbins = data->year.nbins;
	double days[SEASON_MAX_BINS];

	memset(e, 0, sizeof(*e));
	for (int b = 0; b < nbins; b++)
	{
		days[b] = season_share(&data->year, b) * DAYS_PER_YEAR;
		e->left[b] = data->purchases[b] + SEASON_PRIOR * nbins * days[b] / DAYS_PER_YEAR;
	}
	expect(e, nbins, s, days, 2, SEASON_PRIOR * nbins / 2);
	for (int i = 0; i < data->ngroups; i++)
	{
		const SeasonGroup *group = &data->groups[i];

		if (i % GROUPS_PER_CHECK == 0 && interrupted())
			return false;
		for (int b = 0; b < nbins; b++)
			days[b] = season_days(&data->year, &group->until, b) -
					  season_days(&data->year, &group->from, b);
		expect(e, nbins, s, days, group->n, group->count);
	}
	return true;
}

/*
 * The inverse of the slopes. They say nothing about a common factor of s: that direction is given a slope of its own, and
 * what it comes to drops out where s is made to average 1.
 */
static bool
invert(int n, double m[][SEASON_MAX_BINS], double inverse[][SEASON_MAX_BINS])
{
	double common = 0;

	for (int i = 0; i < n; i++)
		common += m[i][i] / n / n;
	for (int i = 0; i < n; i++)
		for (int j = 0; j <= i; j++)
			m[i][j] += common;
	return symmetric_inverse(n, SEASON_MAX_BINS, m[0], inverse[0]);
}

/* Makes s average 1 over a year. */
static void
normalise(const SeasonYear *year, double *s)
{
	double mean = 0;

	for (int b = 0; b < year->nbins; b++)
		mean += season_share(year, b) * s[b];
	for (int b = 0; b < year->nbins; b++)
		s[b] /= mean;
}

/* Standard errors of ln s, of an s that averages 1: by the delta method from the covariance of unscaled ones. */
static void
errors(const SeasonYear *year, double inverse[][SEASON_MAX_BINS], SeasonFit *fit)
{
	for (int b = 0; b < year->nbins; b++)
	{
		double variance = 0;
		double slope[SEASON_MAX_BINS];

		for (int i = 0; i < year->nbins; i++)
			slope[i] = (i == b) - season_share(year, i) * fit->s[i];
		for (int i = 0; i < year->nbins; i++)
			for (int j = 0; j < year->nbins; j++)
				variance += slope[i] * slope[j] * inverse[i][j];
		fit->error[b] = sqrt(fmax(variance, 0));
	}
}

bool
fit_season(const SeasonData *data, FitInterrupted interrupted, SeasonFit *fit)
{
	int		  nbins = data->year.nbins;
	Equations e;
	double	  inverse[SEASON_MAX_BINS][SEASON_MAX_BINS];
	double	  longest = HUGE_VAL;

	memset(fit, 0, sizeof(*fit));
	for (int b = 0; b < nbins; b++)
		fit->s[b] = 1;
	for (int step = 0; step < MAX_STEPS && longest > STEP_AIM; step++)
	{
		if (!equations(data, fit->s, interrupted, &e))
			return false;
		if (!invert(nbins, e.slope, inverse))
			return true;
		longest = 0;
		for (int b = 0; b < nbins; b++)
		{
			double by = 0;

			for (int i = 0; i < nbins; i++)
				by += inverse[b][i] * e.left[i];
			longest = fmax(longest, fabs(by));
			fit->s[b] *= exp(fmin(fmax(by, -LONGEST_STEP), LONGEST_STEP));
		}
		normalise(&data->year, fit->s);
	}
	errors(&data->year, inverse, fit);
	fit->converged = longest < STEP_ENOUGH;
	return true;
}
