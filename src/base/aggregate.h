/*
 * aggregate.h: what the functions of aggregates ask of their caller, and give back.
 */
#ifndef CRM_BASE_AGGREGATE_H
#define CRM_BASE_AGGREGATE_H

#include "crm.h"

#include "fmgr.h"
#include "utils/lsyscache.h"

/* A function that may change its state in place is called by an aggregate; returns the aggregate's memory. */
static inline MemoryContext
CheckInAggregate(FunctionCallInfo fcinfo)
{
	MemoryContext context = NULL;

	if (unlikely(!AggCheckCallContext(fcinfo, &context)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function %s is a part of an aggregate and cannot be called by itself",
						get_func_name(fcinfo->flinfo->fn_oid))));
	return context;
}

/* A state as a result: NULL as long as there is none. */
static inline Datum
state_or_null(FunctionCallInfo fcinfo, void *state)
{
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/* The state as it came, for a row that is left out. */
static inline Datum
state_unchanged(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* Whether an argument behind the state is NULL: such rows are left out, as aggregates do. */
static inline bool
state_row_has_null(FunctionCallInfo fcinfo)
{
	for (int i = 1; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i))
			return true;
	return false;
}

#endif /* CRM_BASE_AGGREGATE_H */
