/*
 * gamma_gamma.h: the gamma-gamma model of spend per purchase.
 *
 * Fader & Hardie (2013), The gamma-gamma model of monetary value. A customer's
 * purchases are Gamma(p, nu), nu ~ Gamma(q, gamma), independent of how often he
 * buys. Plain C without PostgreSQL.
 */
#ifndef CRM_GAMMA_GAMMA_H
#define CRM_GAMMA_GAMMA_H

#define SPEND_PARAMS 3

/* p, q, gamma */
typedef struct SpendParams
{
	double p[SPEND_PARAMS];
} SpendParams;

/* A group of customers with x repeat purchases (an index) of mean amount z > 0. */
typedef struct SpendRow
{
	int	   x;
	int	   pad;
	double mean_spend;
	double count;
} SpendRow;

typedef struct SpendData
{
	int		  nrows;
	int		  nxs;
	SpendRow *rows;
	double	 *xs;
	double (*by_x)[3];
	double customers;
} SpendData;

/* ln L of a mean spend z over x purchases; eq. 1a. */
extern double gamma_gamma_log_likelihood(const SpendParams *m, double x, double z);

/* E[spend per purchase | x, z]; eq. 5. x = 0 gives the population mean, infinite if q <= 1. */
extern double gamma_gamma_expected(const SpendParams *m, double x, double z);

/* E[spend^2] of one future purchase, and E[(mean spend)^2], given x and z; infinite if px + q <= 2. */
extern void gamma_gamma_second_moments(const SpendParams *m, double x, double z, double *purchase,
									   double *mean);

extern void	  gamma_gamma_tabulate(const SpendParams *m, SpendData *data);
extern double gamma_gamma_fit_row(const SpendParams *m, const SpendData *data, const SpendRow *row,
								  double *gradient);

#endif /* CRM_GAMMA_GAMMA_H */
