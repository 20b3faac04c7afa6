/*
 * aggregate.h: what the functions of aggregates ask of their caller.
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

#endif /* CRM_BASE_AGGREGATE_H */
