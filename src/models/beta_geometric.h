/*
 * beta_geometric.h: what BG/NBD, MBG/NBD and MBG/CNBD-k have in common.
 *
 * While alive a customer goes through phases at rate lambda ~ Gamma(r, alpha);
 * every k-th phase ends in a purchase. After a purchase he drops out with
 * probability p ~ Beta(a, b). The models differ in k and in whether he may drop
 * out after his first purchase:
 *
 *   BG/NBD      k = 1, not after the first    Fader, Hardie & Lee (2005)
 *   MBG/NBD     k = 1, after the first too    Batislam, Denizel & Filiztekin (2007)
 *   MBG/CNBD-k  k >= 1, after the first too   Reutterer, Platzer & Schroeder (2021)
 */
#ifndef CRM_BETA_GEOMETRIC_H
#define CRM_BETA_GEOMETRIC_H

#include "models/model.h"

#include <stddef.h>

/* Each takes first: 1 if the customer may drop out after his first purchase, else 0. */
extern double bg_log_likelihood(const PurchaseParams *params, Btyd c, int first);
extern double bg_p_alive(const PurchaseParams *params, Btyd c, int first);
extern double bg_p_alive_after(const PurchaseParams *params, Btyd c, double t, int first);
extern double bg_expected(const PurchaseParams *params, Btyd c, double t, double *second,
						  int first);
extern double bg_discounted(const PurchaseParams *params, Btyd c, double t, double delta,
							int first);
extern double bg_next_purchase(const PurchaseParams *params, Btyd c, double q, int first);
extern double bg_probability(const PurchaseParams *params, double n, double t, int first);
extern double bg_p_purchases(const PurchaseParams *params, Btyd c, double n, double t, int first);
extern void	  bg_p_purchases_below(const PurchaseParams *params, Btyd c, int count, double t,
								   double *p, int first);
extern void	  bg_tabulate(const PurchaseParams *params, FitData *data, int first);
extern double bg_fit_row(const PurchaseParams *params, const FitData *data, const FitRow *row,
						 double *gradient, int first);
extern void	  bg_simulate(const PurchaseParams *params, SimulatedCustomer *customer, int first);
extern double bg_simulate_next(const PurchaseParams *params, SimulatedCustomer *customer);

/* ---- what the files of the family share ---- */

/* From this shape on a rate is known as well as a double can say: everybody buys alike. */
#define RATE_POINT 1e15

/* The series of a future is summed up to about this many terms; beyond, quadrature. */
#define SERIES_TERMS 1000
#define SERIES_LIMIT 1200

/* What is known of one customer who is alive: everything that a prediction needs. */
typedef struct BgAlive
{
	int	   k;
	double shape; /* w */
	double scale; /* alpha + age */
	double since; /* u */
	double a;	  /* p ~ Beta(a, b) for one who is alive now */
	double b;
	double phase[PURCHASE_MAX_K]; /* probability that j phases are over */
} BgAlive;

extern BgAlive bg_alive_now(const PurchaseParams *params, Btyd c, int first);

/* Sum of (w)_j/j! v^j for j < k: the chance of fewer than k phases, relative to none; fills its terms if asked for. */
extern double bg_phase_sum(int k, double w, double v, double *terms);

/* Whether the purchases of the time t can be counted one by one, in at most about SERIES_TERMS phases. */
extern bool bg_series_is_short(const BgAlive *now, double t);

/* E[purchases in the time t from now] of one who is alive. */
extern double bg_expected_alive(const BgAlive *now, double t);

/* Number of times that the customer is known to have stayed; -1 where he had no chance to leave. */
static inline double
times_stayed(double x, int first)
{
	return first ? x : x - 1;
}

/* ---- the table of functions of one member of the family ---- */

#define BETA_GEOMETRIC_MODEL(prefix, kind, sql_name, paper_name, takes_k, first)                   \
	static double prefix##_log_likelihood(const PurchaseParams *m, Btyd c)                         \
	{                                                                                              \
		return bg_log_likelihood(m, c, first);                                                     \
	}                                                                                              \
	static double prefix##_p_alive(const PurchaseParams *m, Btyd c)                                \
	{                                                                                              \
		return bg_p_alive(m, c, first);                                                            \
	}                                                                                              \
	static double prefix##_p_alive_after(const PurchaseParams *m, Btyd c, double t)                \
	{                                                                                              \
		return bg_p_alive_after(m, c, t, first);                                                   \
	}                                                                                              \
	static double prefix##_expected(const PurchaseParams *m, Btyd c, double t, double *second)     \
	{                                                                                              \
		return bg_expected(m, c, t, second, first);                                                \
	}                                                                                              \
	static double prefix##_discounted(const PurchaseParams *m, Btyd c, double t, double delta)     \
	{                                                                                              \
		return bg_discounted(m, c, t, delta, first);                                               \
	}                                                                                              \
	static double prefix##_next_purchase(const PurchaseParams *m, Btyd c, double q)                \
	{                                                                                              \
		return bg_next_purchase(m, c, q, first);                                                   \
	}                                                                                              \
	static double prefix##_probability(const PurchaseParams *m, double n, double t)                \
	{                                                                                              \
		return bg_probability(m, n, t, first);                                                     \
	}                                                                                              \
	static double prefix##_p_purchases(const PurchaseParams *m, Btyd c, double n, double t)        \
	{                                                                                              \
		return bg_p_purchases(m, c, n, t, first);                                                  \
	}                                                                                              \
	static void prefix##_p_purchases_below(const PurchaseParams *m, Btyd c, int count, double t,   \
										   double *p)                                              \
	{                                                                                              \
		bg_p_purchases_below(m, c, count, t, p, first);                                            \
	}                                                                                              \
	static void prefix##_tabulate(const PurchaseParams *m, FitData *data)                          \
	{                                                                                              \
		bg_tabulate(m, data, first);                                                               \
	}                                                                                              \
	static double prefix##_fit_row(const PurchaseParams *m, const FitData *data,                   \
								   const FitRow *row, double *gradient)                            \
	{                                                                                              \
		return bg_fit_row(m, data, row, gradient, first);                                          \
	}                                                                                              \
	static void prefix##_simulate(const PurchaseParams *m, SimulatedCustomer *customer)            \
	{                                                                                              \
		bg_simulate(m, customer, first);                                                           \
	}                                                                                              \
	const PurchaseModelOps prefix##_ops = {kind,                                                   \
										   sql_name,                                               \
										   paper_name,                                             \
										   NULL,                                                   \
										   takes_k,                                                \
										   4,                                                      \
										   {"r", "alpha", "a", "b"},                               \
										   {PARAM_NUMBER, PARAM_TIME, PARAM_NUMBER, PARAM_NUMBER}, \
										   prefix##_log_likelihood,                                \
										   prefix##_p_alive,                                       \
										   prefix##_p_alive_after,                                 \
										   prefix##_expected,                                      \
										   prefix##_discounted,                                    \
										   prefix##_next_purchase,                                 \
										   prefix##_probability,                                   \
										   prefix##_p_purchases,                                   \
										   prefix##_p_purchases_below,                             \
										   prefix##_tabulate,                                      \
										   prefix##_fit_row,                                       \
										   prefix##_simulate,                                      \
										   bg_simulate_next}

#endif /* CRM_BETA_GEOMETRIC_H */
