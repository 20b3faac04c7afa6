/*
 * compare.h: the functions that a type's comparison operators and operator
 * classes call, all from one function that orders two arguments.
 */
#ifndef CRM_COMPARE_H
#define CRM_COMPARE_H

#include "crm.h"

#define COMPARISON_FUNCTION(name, result) \
	PG_FUNCTION_INFO_V1(name);            \
	Datum name(PG_FUNCTION_ARGS)          \
	{                                     \
		result;                           \
	}

/* crm_<type>_cmp, _eq, _ne, _lt, _le, _gt and _ge; order(fcinfo) is below, at or above 0. */
#define COMPARISON_FUNCTIONS(type, order)                                    \
	COMPARISON_FUNCTION(crm_##type##_cmp, PG_RETURN_INT32(order(fcinfo)))    \
	COMPARISON_FUNCTION(crm_##type##_eq, PG_RETURN_BOOL(order(fcinfo) == 0)) \
	COMPARISON_FUNCTION(crm_##type##_ne, PG_RETURN_BOOL(order(fcinfo) != 0)) \
	COMPARISON_FUNCTION(crm_##type##_lt, PG_RETURN_BOOL(order(fcinfo) < 0))  \
	COMPARISON_FUNCTION(crm_##type##_le, PG_RETURN_BOOL(order(fcinfo) <= 0)) \
	COMPARISON_FUNCTION(crm_##type##_gt, PG_RETURN_BOOL(order(fcinfo) > 0))  \
	COMPARISON_FUNCTION(crm_##type##_ge, PG_RETURN_BOOL(order(fcinfo) >= 0)) \
	StaticAssertDecl(true, "a declaration takes the semicolon")

#endif /* CRM_COMPARE_H */
