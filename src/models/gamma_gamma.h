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

/*
 * What is left of the model where parameters run to the edge: everybody spends alike (q and gamma grow
 * at a ratio), each customer pays a price of his own, always the same (p grows, gamma goes to 0), or
 * there is one price for all.
 */
typedef enum SpendModelKind
{
	SPEND_GAMMA_GAMMA = 0, /* p, q, v, where v stands for gamma */
	SPEND_ALIKE = 1,	   /* p, mean: Gamma(p, p/mean) */
	SPEND_OWN_PRICE = 2,   /* q, scale: the price is scale/Gamma(q, 1) */
	SPEND_ONE_PRICE = 3	   /* price */
} SpendModelKind;

#define SPEND_MODEL_KINDS 4

typedef struct SpendModelShape
{
	const char *name;
	const char *limit; /* what is special about a limit, in words; NULL for the family */
	int			nparams;
	const char *param_names[SPEND_PARAMS];
	int			money; /* which parameter is an amount, and so scales with the currency */
} SpendModelShape;

/* Of each kind. */
extern const SpendModelShape spend_shapes[SPEND_MODEL_KINDS];

/* Changes a kind's parameters to those of a customer with g'z = effect; by nothing, not in the last bit. */
extern void spend_apply(int kind, double *params, double effect);

/* The member of the family that is as good as a kind's parameters, as far as a double knows. */
extern SpendParams spend_whole(int kind, const double *params);

/* A group of customers with x repeat purchases (an index) of mean amount z > 0. */
typedef struct SpendRow
{
	int	   x;
	int	   pad;
	double mean_spend;
	double count;
} SpendRow;

/*
 * Rows of customers with equal covariates z, which pay exp(g'z) times as much: gamma, or the mean, the scale, the
 * price of a limit, is that many times as large.
 */
#define SPEND_COEFFICIENTS_MAX 8

typedef struct SpendGroup
{
	int	   nrows;
	double z[SPEND_COEFFICIENTS_MAX];
} SpendGroup;

typedef struct SpendData
{
	int		  nrows;
	int		  nxs;
	SpendRow *rows; /* of the groups one behind the other */
	double	 *xs;
	double (*by_x)[3];
	double		customers;
	int			ncoefficients;
	int			ngroups; /* 0 without covariates */
	SpendGroup *groups;
} SpendData;

/* ln L of a mean spend z over x purchases; eq. 1a. */
extern double gamma_gamma_log_likelihood(const SpendParams *m, double x, double z);

/* E[spend per purchase | x, z]; eq. 5. x = 0 gives the population mean, infinite if q <= 1. */
extern double gamma_gamma_expected(const SpendParams *m, double x, double z);

/* E[spend^2] of one future purchase, and E[(mean spend)^2], given x and z; infinite if px + q <= 2. */
extern void gamma_gamma_second_moments(const SpendParams *m, double x, double z, double *purchase,
									   double *mean);

/* Median of one future purchase, given x and z; where the mean is infinite. */
extern double gamma_gamma_median(const SpendParams *m, double x, double z);

/*
 * What the next purchases of a customer of x and z cost together, if 1, 2 .. of them have so many chances. norms is
 * filled by spend_ahead_norms and has room for as many as chances.
 */
typedef struct SpendAhead
{
	int			  kind;	  /* SpendModelKind */
	const double *params; /* of that kind */
	double		  x;
	double		  z;
	int			  n; /* chances[i] and norms[i] are of i purchases, i < n */
	const double *chances;
	double		 *norms;
} SpendAhead;

extern void spend_ahead_norms(const SpendAhead *ahead);

/* P(at least one purchase, and all together at most v > 0), for prices that are not known; slope: its slope by ln v. */
extern double spend_ahead_at_most(const SpendAhead *ahead, double v, double *slope);

/* What each of the next purchases of a customer of x and z costs for certain; 0 where that is not known. */
extern double spend_known_price(int kind, const double *params, double x, double z);

/* ln L of one group's customer and its gradient for the limits that have a density. */
extern double spend_limit_fit_row(int kind, const double *params, const SpendData *data,
								  const SpendRow *row, double *gradient);

extern void	  gamma_gamma_tabulate(const SpendParams *m, SpendData *data);
extern double gamma_gamma_fit_row(const SpendParams *m, const SpendData *data, const SpendRow *row,
								  double *gradient);

#endif /* CRM_GAMMA_GAMMA_H */
