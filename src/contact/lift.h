/*
 * lift.h: the two groups that the state of lift holds.
 */
#ifndef CRM_LIFT_H
#define CRM_LIFT_H

#include "crm.h"

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

#endif /* CRM_LIFT_H */
