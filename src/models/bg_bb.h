/*
 * bg_bb.h: the BG/BB model of customers who can buy at given occasions: donors, visitors of fairs, season tickets.
 *
 * Plain C without PostgreSQL. At each occasion a customer who is still one buys with a probability of
 * her own, beta(alpha, beta), and before each she leaves with another, beta(gamma, delta). x = occasions at
 * which she bought, last = the last of them (0 if none), n = occasions so far. Fader, Hardie and Shang
 * (2010), Customer-base analysis in a discrete-time noncontractual setting.
 */
#ifndef CRM_BG_BB_H
#define CRM_BG_BB_H

#include "models/fit_result.h"

#define BG_BB_PARAMS 4

extern const FitShape bg_bb_shape;

/* Customers of one kind: 0 <= x <= last <= n, and last = 0 if and only if x = 0. */
typedef struct BgBbRow
{
	int	   x;
	int	   last;
	int	   n;
	double count;
} BgBbRow;

/* Log-likelihood of one customer of a row and, unless it is NULL, its gradient. */
extern double bg_bb_log_likelihood(const double *params, const BgBbRow *row, double *gradient);

/* P(still a customer at the occasion `ahead` from now), 0: at the last one. */
extern double bg_bb_p_alive(const double *params, const BgBbRow *row, int ahead);

/* E[purchases at the next `ahead` occasions]; takes a time in proportion to ahead. */
extern double bg_bb_expected(const double *params, const BgBbRow *row, int ahead);

/*
 * E[purchases at all occasions to come], the next one discounted by 1 + rate, the one behind it by (1 + rate)^2, and so on;
 * infinite if rate is 0 and gamma at most 1.
 */
extern double bg_bb_discounted(const double *params, const BgBbRow *row, double rate);

#endif /* CRM_BG_BB_H */
