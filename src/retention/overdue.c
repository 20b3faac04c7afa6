/*
 * overdue.c: how unusual a customer's present silence is against his own rhythm.
 *
 * The days to the next purchase are a gamma variable of the common shape k and
 * the customer's own rate. Of that rate, n gaps of sum S leave a gamma
 * distribution of shape A = a + k n and rate B = b + S, so the next gap is
 * longer than s with probability
 *   I_(B / (B + s))(A, k),
 * the regularised incomplete beta function: s is B times the ratio of a gamma
 * variable of shape k and one of shape A, and their share is beta distributed.
 */
#include "crm.h"

#include <math.h>

#include "executor/executor.h"
#include "base/shares.h"
#include "math/special.h"
#include "history/purchase_history.h"
#include "retention/rhythm.h"

#define DEFAULT_LEVEL 0.05

/* A customer's own gaps alone, taken as random buying. */
static const Rhythm no_rhythm = {1, 0, 0};

/* Far beyond what the aggregate rhythm finds; beyond these the digits of the answer are gone. */
#define PARAMETER_MIN 1e-60
#define PARAMETER_MAX 1e12

/* A parameter of a rhythm is a positive number of a size that means something. */
static double
CheckedParameter(HeapTupleHeader row, int number, const char *name)
{
	bool   null;
	Datum  value = GetAttributeByNum(row, number, &null);
	double parameter = null ? NAN : DatumGetFloat8(value);

	if (!(parameter >= PARAMETER_MIN && parameter <= PARAMETER_MAX))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						null ? errmsg("%s of a rhythm cannot be null", name)
							 : errmsg("%s %g of a rhythm is out of range", name, parameter),
						errdetail("The parameters of a rhythm are positive, from %g to %g.",
								  PARAMETER_MIN, PARAMETER_MAX)));
	return parameter;
}

static Rhythm
rhythm_argument(FunctionCallInfo fcinfo, int arg)
{
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(arg);
	Rhythm			r;

	r.shape = CheckedParameter(row, 1, "shape");
	r.a = CheckedParameter(row, 2, "a");
	r.b = CheckedParameter(row, 3, "b");
	return r;
}

/* Probability of a silence longer than the present one; false if nothing is known of any. */
static bool
overdue_probability(const PurchaseHistory *h, DateADT as_of, const Rhythm *r, double *p)
{
	int				   n = purchase_history_count_until(h, as_of);
	const PurchaseDay *first = purchase_history_first(h, n);
	const PurchaseDay *last = purchase_history_last(h, n);
	double			   silence;
	double			   a;
	double			   b;

	if (first == NULL)
		return false;
	a = r->a + r->shape * (purchase_history_days(h, n) - 1);
	b = r->b + ((double) last->day - first->day);
	silence = (double) as_of - last->day;
	if (a == 0)
		return false;
	*p = silence == 0
			 ? 1
			 : Min(1, math_beta_inc(a, r->shape, b / (b + silence), silence / (b + silence)));
	return true;
}

/* The same of (history, as_of [, rhythm]); false too if one of the first two is NULL. */
static bool
overdue_argument(FunctionCallInfo fcinfo, double *p)
{
	DateADT as_of;
	Rhythm	r;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return false;
	as_of = CheckFiniteDate(PG_GETARG_DATEADT(1), "as_of");
	r = PG_NARGS() > 2 && !PG_ARGISNULL(2) ? rhythm_argument(fcinfo, 2) : no_rhythm;
	return overdue_probability(PG_GETARG_PURCHASES_KNOWN(0, as_of), as_of, &r, p);
}

/* The probability, given the customer's rhythm, of a silence longer than the present one. */
PG_FUNCTION_INFO_V1(crm_overdue_p);
Datum
crm_overdue_p(PG_FUNCTION_ARGS)
{
	double p;

	if (!overdue_argument(fcinfo, &p))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(p);
}

/* Whether that probability is below a level, 0.05 by default. */
PG_FUNCTION_INFO_V1(crm_is_overdue);
Datum
crm_is_overdue(PG_FUNCTION_ARGS)
{
	double level;
	double p;

	if (PG_NARGS() > 3 && PG_ARGISNULL(3))
		PG_RETURN_NULL();
	level = CheckPart(PG_NARGS() > 3 ? PG_GETARG_FLOAT8(3) : DEFAULT_LEVEL, "level");
	if (!overdue_argument(fcinfo, &p))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(p < level);
}
