/*
 * season.h: how a common season is found in purchases, free of growth and of customers who leave.
 *
 * Between her first and her last purchase a customer is there for certain. Given when these were and how many purchases
 * lie between, the model's parameters say nothing any more about when the latter were: were she to
 * buy at a rate lambda s(t), they are spread like s. So the season is estimated from the days strictly between, and neither
 * how many customers came when nor when they left matters (the conditional likelihood of a Poisson process).
 *
 * Plain C without PostgreSQL. A year is cut into bins, months or weeks, in each of which s is constant; s averages 1
 * over a year of 365.2425 days. 29 February is a second 28 February.
 */
#ifndef CRM_MODEL_SEASON_H
#define CRM_MODEL_SEASON_H

#include "models/fit_result.h"

#define SEASON_MAX_BINS 52

/*
 * The stated prior: so many more purchases a bin, made by a customer who is known to be there for a year, spread evenly over it.
 * A bin without purchases is shrunk by it.
 */
#define SEASON_PRIOR 0.5

/* How a year is cut: days of each bin of a plain year, and the bin of 28 and 29 February. */
typedef struct SeasonYear
{
	int		   nbins;
	int		   leap_bin;
	const int *days;
} SeasonYear;

/* Where a day lies in its year. */
typedef struct SeasonDay
{
	int	 year;
	int	 leaps; /* leap years from 2000 on before this year; negative before 2000 */
	int	 bin;
	int	 day;  /* of the bin, from 1 */
	bool leap; /* a leap year whose 29 February has been by the end of the day's bin */
} SeasonDay;

/* So many customers with n purchase days strictly between two days. */
typedef struct SeasonGroup
{
	double	  count;
	double	  n;
	SeasonDay from;	 /* the first purchase day */
	SeasonDay until; /* the day before the last one */
} SeasonGroup;

typedef struct SeasonData
{
	SeasonYear	 year;
	int			 ngroups;
	SeasonGroup *groups;
	double		 purchases[SEASON_MAX_BINS]; /* purchase days strictly between, by bin */
} SeasonData;

typedef struct SeasonFit
{
	bool   converged;
	double s[SEASON_MAX_BINS];
	double error[SEASON_MAX_BINS]; /* standard error of ln s */
} SeasonFit;

/* The share of a year that a bin is, leap years counted. */
extern double season_share(const SeasonYear *year, int bin);

/* Days of a bin from 2000 on until the end of a day; negative before. */
extern double season_days(const SeasonYear *year, const SeasonDay *day, int bin);

/* The season of the purchases; false if interrupted. */
extern bool fit_season(const SeasonData *data, FitInterrupted interrupted, SeasonFit *fit);

#endif /* CRM_MODEL_SEASON_H */
