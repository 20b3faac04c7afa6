/*
 * lift.h: the two groups that the state of lift holds.
 */
#ifndef CRM_LIFT_H
#define CRM_LIFT_H

#include "crm.h"

#include "base/exact_sums.h"

#define LIFT_MAX_CUSTOMERS \
	INT64CONST(100000000000000) /* of a group: 10000 of them are a bigint still */

/*
 * The sums of a group, for lift: how many values and their sum in units of
 * 2^-60, for the mean; for the variance their sum in units of 2^-40, and the sum
 * of the squares of these X. With X = a 2^45 + b, 0 <= b < 2^45, that is the
 * sums of a^2, a b and b^2, none of which can overflow.
 */
enum
{
	LIFT_COUNT,
	LIFT_FINE_SUM,
	LIFT_SUM,
	LIFT_HIGH_HIGH,
	LIFT_HIGH_LOW,
	LIFT_LOW_LOW,
	LIFT_GROUP_SUMS
};

/*
 * With what customers did before, x, beside what they did since, y, a group has
 * more sums, of those whose x is known: how many, y, x, x x as above, and x y with
 * X = c 2^45 + d: of a c, a d + b c and b d.
 */
enum
{
	BEFORE_COUNT = LIFT_GROUP_SUMS,
	BEFORE_VALUE,
	BEFORE_SUM,
	BEFORE_SQUARE,
	BEFORE_PRODUCT = BEFORE_SQUARE + 3,
	BEFORE_GROUP_SUMS = BEFORE_PRODUCT + 3
};

/* What is known of the past of one group: of those whose past is known. */
typedef struct Past
{
	double n;
	double sum;
	double value_mean;
	double xx; /* sums of products of deviations within the group */
	double xy;
} Past;

/* What is known of one group. */
typedef struct LiftGroup
{
	double n;
	double mean;
	double mean_variance; /* of the mean: s^2 / n, with n - 1 in s^2 */
} LiftGroup;

typedef struct LiftGroups
{
	LiftGroup treated;
	LiftGroup control;
} LiftGroups;

extern void		  lift_add_value(ExactSums *state, int group, double value);
extern void		  lift_add_before(ExactSums *state, int group, double value, double before);
extern LiftGroup  lift_read_group(const ExactSums *s, int group);
extern Past		  lift_read_past(const ExactSums *s, int group);
extern LiftGroup  lift_adjusted(LiftGroup g, const Past *past, double slope, double mean_before);
extern LiftGroups lift_groups(FunctionCallInfo fcinfo);
extern LiftGroups lift_groups_before(FunctionCallInfo fcinfo);

/* Degrees of freedom of the difference of two means: Welch (1947). */
static inline double
welch_degrees(const LiftGroup *a, const LiftGroup *b)
{
	double sum = a->mean_variance + b->mean_variance;

	return sum * sum /
		   (a->mean_variance * a->mean_variance / (a->n - 1) +
			b->mean_variance * b->mean_variance / (b->n - 1));
}

/* A difference over strata: weighted by their share of the customers, the variances by its square. */
typedef struct OverStrata
{
	double difference;
	double variance;
	double under; /* of the degrees of freedom */
} OverStrata;

static inline void
over_strata_add(OverStrata *over, double weight, double difference, double variance, double degrees)
{
	double part = weight * weight * variance;

	over->difference += weight * difference;
	over->variance += part;
	if (part > 0)
		over->under += part * part / degrees;
}

/* Degrees of freedom of Satterthwaite (1946); 0 for none. */
static inline double
over_strata_degrees(const OverStrata *over)
{
	return over->under > 0 ? over->variance * over->variance / over->under : 0;
}

extern double p_of_t(double t, double degrees);
extern void	  holm_adjust(double *p, int n);

#endif /* CRM_LIFT_H */
