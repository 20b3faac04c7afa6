/*
 * model.h: one small table of functions a purchase model; a new model is one new file.
 *
 * Buy-till-you-die models: a customer buys at random while alive, and dies
 * unseen. Plain C without PostgreSQL. Every time is in model units (unit_days
 * days each). x = repeat purchases, t_x = time from the first to the last
 * purchase, age = time from the first purchase until now.
 */
#ifndef CRM_MODEL_H
#define CRM_MODEL_H

#include <stdbool.h>

#include "math/random.h"

#define PURCHASE_PARAMS 4
#define PURCHASE_MAX_K 32

/* Parameters that a value may have; beyond, a fit only means "at the boundary". */
#define PARAM_MIN 1e-9
#define PARAM_MAX 1e12

/* One customer as the models see her: 0 <= t_x <= age, and t_x = 0 if and only if x = 0. */
typedef struct Btyd
{
	double x;
	double t_x;
	double age;
} Btyd;

/* Parameters in the order of the model's names; k = 1 but for Erlang-k gaps. */
typedef struct PurchaseParams
{
	int	   k;
	double p[PURCHASE_PARAMS];
	int	   kind; /* PurchaseModelKind; only limits look at it */
} PurchaseParams;

/* What a parameter measures: its range, and what a change of the unit of time does to it. */
typedef enum ParamUnit
{
	PARAM_NUMBER, /* positive */
	PARAM_TIME,	  /* positive, a time */
	PARAM_RATE,	  /* positive, so many a time */
	PARAM_SHARE	  /* between 0 and 1 */
} ParamUnit;

/* One group of equal customers: indexes into the tables of a FitData. */
typedef struct FitRow
{
	int	   x;
	int	   t_x;
	int	   age;
	int	   pad;
	double count;
} FitRow;

/*
 * What a fit runs over: groups of equal customers, the distinct x and the
 * distinct times (sorted), and for each of them a row that tabulate() fills for
 * the present parameters. log_gaps = sum of ln(gap) over all gaps between
 * purchases; only models with k > 1 look at it.
 */
#define X_COLUMNS 6
#define TIME_COLUMNS 4

typedef struct FitData
{
	int		nrows;
	int		nxs;
	int		ntimes;
	FitRow *rows;
	double *xs;
	double *times;
	double (*by_x)[X_COLUMNS];
	double (*by_time)[TIME_COLUMNS];
	int	   nodes;	  /* of quadrature, for models that need it: 16 to fit, 32 to report */
	double customers; /* sum of counts */
	double purchases; /* sum of count * x */
	double log_gaps;
	double log_season; /* sum of ln s over all repeat purchases: no parameter changes it */
} FitData;

/* A simulated customer: his traits, drawn once, and his clock. */
typedef struct SimulatedCustomer
{
	double rate;
	double dropout; /* lifetime, or probability to drop out after a purchase */
	double now;
	bool   alive;
	Rng	   rng;
} SimulatedCustomer;

typedef struct PurchaseModelOps
{
	int kind; /* PurchaseModelKind */
	const char
		*name; /* in text forms; limits of a family share it and differ in their parameters */
	const char *title; /* as the papers write it */
	const char *limit; /* what is special about a limit, in words; NULL for a whole family */
	bool		has_k;
	int			nparams;
	const char *param_names[PURCHASE_PARAMS];
	ParamUnit	units[PURCHASE_PARAMS];

	/* ln L of (x, t_x, age), without the term of the gaps that only k > 1 has */
	double (*log_likelihood)(const PurchaseParams *, Btyd);
	/* P(alive now) */
	double (*p_alive)(const PurchaseParams *, Btyd);
	/* P(alive a time t from now) */
	double (*p_alive_after)(const PurchaseParams *, Btyd, double t);
	/* E[purchases within t from now]; t finite. second, if given: E[purchases^2] */
	double (*expected)(const PurchaseParams *, Btyd, double t, double *second);
	/* E[sum of e^(-delta time) over purchases within t from now]; t may be infinite if delta > 0 */
	double (*discounted)(const PurchaseParams *, Btyd, double t, double delta);
	/* time by which a customer alive now has bought again with probability q; may be infinite */
	double (*next_purchase)(const PurchaseParams *, Btyd, double q);
	/* P(a new customer makes exactly n repeat purchases within t) */
	double (*probability)(const PurchaseParams *, double n, double t);

	/* P(exactly n purchases within t from now) */
	double (*p_purchases)(const PurchaseParams *, Btyd, double n, double t);
	/* the same of 0 to count - 1 purchases, at a fraction of the time: p has room for count */
	void (*p_purchases_below)(const PurchaseParams *, Btyd, int count, double t, double *p);

	/* fills by_x and by_time */
	void (*tabulate)(const PurchaseParams *, FitData *);
	/* ln L of one group's customer and its gradient by the parameters themselves */
	double (*fit_row)(const PurchaseParams *, const FitData *, const FitRow *, double *gradient);

	/* draws traits and starts the clock at 0, the first purchase; rng must be seeded */
	void (*simulate)(const PurchaseParams *, SimulatedCustomer *);
	/* the next purchase's time, or infinity */
	double (*simulate_next)(const PurchaseParams *, SimulatedCustomer *);
} PurchaseModelOps;

/*
 * A kind is a family, and to which of its limits it has gone: parameters
 * that run to 0 or beyond any size leave models of fewer parameters, which are
 * models of their own (limits.c).
 */
typedef enum PurchaseModelKind
{
	MODEL_BG_NBD = 1,
	MODEL_MBG_NBD = 2,
	MODEL_PARETO_NBD = 3,
	MODEL_MBG_CNBD_K = 4,

	LIMIT_BUY_ALIKE = 16,	  /* everybody buys at the same rate */
	LIMIT_LEAVE_ALIKE = 32,	  /* everybody leaves with the same probability or at the same rate */
	LIMIT_LEAVE_AT_ONCE = 64, /* a share leaves at the first chance, the others never */
	LIMIT_LEAVE_NEVER = 96,	  /* nobody leaves */

	MODEL_NBD = MODEL_MBG_NBD + LIMIT_LEAVE_NEVER,
	MODEL_POISSON = MODEL_NBD + LIMIT_BUY_ALIKE,
	MODEL_CNBD_K = MODEL_MBG_CNBD_K + LIMIT_LEAVE_NEVER,
	MODEL_ERLANG_K = MODEL_CNBD_K + LIMIT_BUY_ALIKE
} PurchaseModelKind;

#define PURCHASE_FAMILIES 4
#define LIMIT_LEAVING 96 /* the bits that say how customers leave */

/* The families are kinds 1 to PURCHASE_FAMILIES. */
static inline int
purchase_model_family(int kind)
{
	return kind & 15;
}

extern const PurchaseModelOps bg_nbd_ops;
extern const PurchaseModelOps mbg_nbd_ops;
extern const PurchaseModelOps pareto_nbd_ops;
extern const PurchaseModelOps mbg_cnbd_k_ops;

/* The limits of all families, one behind the other. */
#define PURCHASE_LIMITS 22
extern const PurchaseModelOps purchase_limits[PURCHASE_LIMITS];

/* All models: the families first. */
#define PURCHASE_MODELS (PURCHASE_FAMILIES + PURCHASE_LIMITS)
extern const PurchaseModelOps *purchase_model_at(int index);

/* The table of a kind, or NULL. */
extern const PurchaseModelOps *purchase_model_ops(int kind);

/* Schwarz' criterion of a fit: free parameters count, and k does. */
extern double purchase_model_bic(int kind, double log_likelihood, double customers);

/* A distribution is walked from its first chance, which must not vanish: e to the minus this is well above DBL_MIN. */
#define WALK_LIMIT 600

/*
 * Whether a choice may take a model. Not BG/NBD, for which every one-time buyer is a
 * customer for certain; not purchases in a rhythm that nobody leaves, for which whoever has been silent longest buys
 * soonest.
 */
extern bool purchase_model_may_be_chosen(int kind, int k);

#endif /* CRM_MODEL_H */
