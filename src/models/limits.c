/*
 * limits.c: what is left of the families where parameters run to 0 or beyond any size.
 *
 * Data of regular buyers, of few customers or of a shop that nobody leaves are
 * likeliest at the edge of a family: everybody buys at the same rate (r and alpha
 * grow at a ratio), leaves with the same probability or at the same rate (a and b,
 * s and beta grow), a share leaves at the first chance and the others never (they go to 0),
 * or nobody leaves (a or s to 0, b or beta beyond any size). Each of these
 * is a model of its own, in the parameters that are left.
 *
 * Likelihoods and their gradients are in limits_fit.c. Predictions are those of the
 * family with parameters so large, or so small, that a double knows no difference:
 * its formulas are written without cancellation at any size (beta_geometric.c, pareto_nbd.c).
 */
#include "models/limits.h"

#define BEYOND_ANY_SIZE 0x1p60
#define NEXT_TO_NOTHING 0x1p-900

/* The member of the family that is as good as the limit; returns the family. */
static const PurchaseModelOps *
family_of(const PurchaseParams *m, PurchaseParams *whole)
{
	const double *leaving = m->p + leaving_at(m);
	int			  family = purchase_model_family(m->kind);

	whole->k = m->k;
	whole->kind = family;
	whole->p[0] = buys_alike(m) ? BEYOND_ANY_SIZE : m->p[0];
	whole->p[1] = buys_alike(m) ? BEYOND_ANY_SIZE / m->p[0] : m->p[1];
	switch (m->kind & LIMIT_LEAVING)
	{
		case LIMIT_LEAVE_ALIKE:
			whole->p[2] =
				family == MODEL_PARETO_NBD ? BEYOND_ANY_SIZE : BEYOND_ANY_SIZE * leaving[0];
			whole->p[3] = family == MODEL_PARETO_NBD ? BEYOND_ANY_SIZE / leaving[0]
													 : BEYOND_ANY_SIZE * (1 - leaving[0]);
			break;
		case LIMIT_LEAVE_AT_ONCE:
			whole->p[2] = NEXT_TO_NOTHING * leaving[0];
			whole->p[3] = NEXT_TO_NOTHING * (1 - leaving[0]);
			break;
		case LIMIT_LEAVE_NEVER:
			whole->p[2] = 0;
			whole->p[3] = 1;
			break;
		default:
			whole->p[2] = leaving[0];
			whole->p[3] = leaving[1];
	}
	return purchase_model_ops(family);
}

static double
limit_p_alive(const PurchaseParams *m, Btyd c)
{
	PurchaseParams whole;

	return family_of(m, &whole)->p_alive(&whole, c);
}

static double
limit_p_alive_after(const PurchaseParams *m, Btyd c, double t)
{
	PurchaseParams whole;

	return family_of(m, &whole)->p_alive_after(&whole, c, t);
}

static double
limit_expected(const PurchaseParams *m, Btyd c, double t, double *second)
{
	PurchaseParams whole;

	return family_of(m, &whole)->expected(&whole, c, t, second);
}

static double
limit_discounted(const PurchaseParams *m, Btyd c, double t, double delta)
{
	PurchaseParams whole;

	return family_of(m, &whole)->discounted(&whole, c, t, delta);
}

static double
limit_next_purchase(const PurchaseParams *m, Btyd c, double q)
{
	PurchaseParams whole;

	return family_of(m, &whole)->next_purchase(&whole, c, q);
}

static double
limit_probability(const PurchaseParams *m, double n, double t)
{
	PurchaseParams whole;

	return family_of(m, &whole)->probability(&whole, n, t);
}

static double
limit_p_purchases(const PurchaseParams *m, Btyd c, double n, double t)
{
	PurchaseParams whole;

	return family_of(m, &whole)->p_purchases(&whole, c, n, t);
}

static void
limit_p_purchases_below(const PurchaseParams *m, Btyd c, int count, double t, double *p)
{
	PurchaseParams whole;

	family_of(m, &whole)->p_purchases_below(&whole, c, count, t, p);
}

static void
limit_simulate(const PurchaseParams *m, SimulatedCustomer *customer)
{
	PurchaseParams whole;

	family_of(m, &whole)->simulate(&whole, customer);
}

static double
limit_simulate_next(const PurchaseParams *m, SimulatedCustomer *customer)
{
	PurchaseParams whole;

	return family_of(m, &whole)->simulate_next(&whole, customer);
}

#define LIMIT_FUNCTIONS                                                                         \
	limit_log_likelihood, limit_p_alive, limit_p_alive_after, limit_expected, limit_discounted, \
		limit_next_purchase, limit_probability, limit_p_purchases, limit_p_purchases_below,     \
		limit_tabulate, limit_fit_row, limit_simulate, limit_simulate_next

#define BUY_ALIKE "everybody buys at the same rate"
#define LEAVE_AT_ONCE "a share leaves at the first chance and the others never"
#define LEAVE_NEVER "nobody is seen to leave"

const PurchaseModelOps purchase_limits[PURCHASE_LIMITS] = {
	{MODEL_BG_NBD + LIMIT_BUY_ALIKE,
	 "bg_nbd",
	 "BG/NBD",
	 BUY_ALIKE,
	 false,
	 3,
	 {"rate", "a", "b"},
	 {PARAM_RATE, PARAM_NUMBER, PARAM_NUMBER},
	 LIMIT_FUNCTIONS},
	{MODEL_BG_NBD + LIMIT_LEAVE_ALIKE,
	 "bg_nbd",
	 "BG/NBD",
	 "everybody leaves with the same probability",
	 false,
	 3,
	 {"r", "alpha", "p"},
	 {PARAM_NUMBER, PARAM_TIME, PARAM_SHARE},
	 LIMIT_FUNCTIONS},
	{MODEL_BG_NBD + LIMIT_LEAVE_ALIKE + LIMIT_BUY_ALIKE,
	 "bg_nbd",
	 "BG/NBD",
	 BUY_ALIKE ", and leaves with the same probability",
	 false,
	 2,
	 {"rate", "p"},
	 {PARAM_RATE, PARAM_SHARE},
	 LIMIT_FUNCTIONS},
	{MODEL_BG_NBD + LIMIT_LEAVE_AT_ONCE,
	 "bg_nbd",
	 "BG/NBD",
	 LEAVE_AT_ONCE,
	 false,
	 3,
	 {"r", "alpha", "share"},
	 {PARAM_NUMBER, PARAM_TIME, PARAM_SHARE},
	 LIMIT_FUNCTIONS},
	{MODEL_BG_NBD + LIMIT_LEAVE_AT_ONCE + LIMIT_BUY_ALIKE,
	 "bg_nbd",
	 "BG/NBD",
	 BUY_ALIKE ", and " LEAVE_AT_ONCE,
	 false,
	 2,
	 {"rate", "share"},
	 {PARAM_RATE, PARAM_SHARE},
	 LIMIT_FUNCTIONS},
	{MODEL_MBG_NBD + LIMIT_BUY_ALIKE,
	 "mbg_nbd",
	 "MBG/NBD",
	 BUY_ALIKE,
	 false,
	 3,
	 {"rate", "a", "b"},
	 {PARAM_RATE, PARAM_NUMBER, PARAM_NUMBER},
	 LIMIT_FUNCTIONS},
	{MODEL_MBG_NBD + LIMIT_LEAVE_ALIKE,
	 "mbg_nbd",
	 "MBG/NBD",
	 "everybody leaves with the same probability",
	 false,
	 3,
	 {"r", "alpha", "p"},
	 {PARAM_NUMBER, PARAM_TIME, PARAM_SHARE},
	 LIMIT_FUNCTIONS},
	{MODEL_MBG_NBD + LIMIT_LEAVE_ALIKE + LIMIT_BUY_ALIKE,
	 "mbg_nbd",
	 "MBG/NBD",
	 BUY_ALIKE ", and leaves with the same probability",
	 false,
	 2,
	 {"rate", "p"},
	 {PARAM_RATE, PARAM_SHARE},
	 LIMIT_FUNCTIONS},
	{MODEL_MBG_NBD + LIMIT_LEAVE_AT_ONCE,
	 "mbg_nbd",
	 "MBG/NBD",
	 LEAVE_AT_ONCE,
	 false,
	 3,
	 {"r", "alpha", "share"},
	 {PARAM_NUMBER, PARAM_TIME, PARAM_SHARE},
	 LIMIT_FUNCTIONS},
	{MODEL_MBG_NBD + LIMIT_LEAVE_AT_ONCE + LIMIT_BUY_ALIKE,
	 "mbg_nbd",
	 "MBG/NBD",
	 BUY_ALIKE ", and " LEAVE_AT_ONCE,
	 false,
	 2,
	 {"rate", "share"},
	 {PARAM_RATE, PARAM_SHARE},
	 LIMIT_FUNCTIONS},
	{MODEL_PARETO_NBD + LIMIT_BUY_ALIKE,
	 "pareto_nbd",
	 "Pareto/NBD",
	 BUY_ALIKE,
	 false,
	 3,
	 {"rate", "s", "beta"},
	 {PARAM_RATE, PARAM_NUMBER, PARAM_TIME},
	 LIMIT_FUNCTIONS},
	{MODEL_PARETO_NBD + LIMIT_LEAVE_ALIKE,
	 "pareto_nbd",
	 "Pareto/NBD",
	 "everybody leaves at the same rate",
	 false,
	 3,
	 {"r", "alpha", "mu"},
	 {PARAM_NUMBER, PARAM_TIME, PARAM_RATE},
	 LIMIT_FUNCTIONS},
	{MODEL_PARETO_NBD + LIMIT_LEAVE_ALIKE + LIMIT_BUY_ALIKE,
	 "pareto_nbd",
	 "Pareto/NBD",
	 BUY_ALIKE ", and leaves at the same rate",
	 false,
	 2,
	 {"rate", "mu"},
	 {PARAM_RATE, PARAM_RATE},
	 LIMIT_FUNCTIONS},
	{MODEL_MBG_CNBD_K + LIMIT_BUY_ALIKE,
	 "mbg_cnbd_k",
	 "MBG/CNBD-k",
	 BUY_ALIKE,
	 true,
	 3,
	 {"rate", "a", "b"},
	 {PARAM_RATE, PARAM_NUMBER, PARAM_NUMBER},
	 LIMIT_FUNCTIONS},
	{MODEL_MBG_CNBD_K + LIMIT_LEAVE_ALIKE,
	 "mbg_cnbd_k",
	 "MBG/CNBD-k",
	 "everybody leaves with the same probability",
	 true,
	 3,
	 {"r", "alpha", "p"},
	 {PARAM_NUMBER, PARAM_TIME, PARAM_SHARE},
	 LIMIT_FUNCTIONS},
	{MODEL_MBG_CNBD_K + LIMIT_LEAVE_ALIKE + LIMIT_BUY_ALIKE,
	 "mbg_cnbd_k",
	 "MBG/CNBD-k",
	 BUY_ALIKE ", and leaves with the same probability",
	 true,
	 2,
	 {"rate", "p"},
	 {PARAM_RATE, PARAM_SHARE},
	 LIMIT_FUNCTIONS},
	{MODEL_MBG_CNBD_K + LIMIT_LEAVE_AT_ONCE,
	 "mbg_cnbd_k",
	 "MBG/CNBD-k",
	 LEAVE_AT_ONCE,
	 true,
	 3,
	 {"r", "alpha", "share"},
	 {PARAM_NUMBER, PARAM_TIME, PARAM_SHARE},
	 LIMIT_FUNCTIONS},
	{MODEL_MBG_CNBD_K + LIMIT_LEAVE_AT_ONCE + LIMIT_BUY_ALIKE,
	 "mbg_cnbd_k",
	 "MBG/CNBD-k",
	 BUY_ALIKE ", and " LEAVE_AT_ONCE,
	 true,
	 2,
	 {"rate", "share"},
	 {PARAM_RATE, PARAM_SHARE},
	 LIMIT_FUNCTIONS},
	{MODEL_NBD,
	 "nbd",
	 "NBD",
	 LEAVE_NEVER,
	 false,
	 2,
	 {"r", "alpha"},
	 {PARAM_NUMBER, PARAM_TIME},
	 LIMIT_FUNCTIONS},
	{MODEL_POISSON,
	 "poisson",
	 "Poisson",
	 BUY_ALIKE ", and " LEAVE_NEVER,
	 false,
	 1,
	 {"rate"},
	 {PARAM_RATE},
	 LIMIT_FUNCTIONS},
	{MODEL_CNBD_K,
	 "cnbd_k",
	 "CNBD-k",
	 LEAVE_NEVER,
	 true,
	 2,
	 {"r", "alpha"},
	 {PARAM_NUMBER, PARAM_TIME},
	 LIMIT_FUNCTIONS},
	{MODEL_ERLANG_K,
	 "erlang_k",
	 "Erlang-k",
	 BUY_ALIKE ", and " LEAVE_NEVER,
	 true,
	 1,
	 {"rate"},
	 {PARAM_RATE},
	 LIMIT_FUNCTIONS},
};
