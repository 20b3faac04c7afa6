/*
 * rows.h: what functions that return rows share.
 */
#ifndef CRM_ROWS_H
#define CRM_ROWS_H

#include "crm.h"

#include "funcapi.h"

#define ROWS_MAX_COLUMNS 16

/* First call of a function that returns rows: keeps the row type and a zeroed state of its own. */
static inline FuncCallContext *
rows_start(FunctionCallInfo fcinfo, Size state_size)
{
	FuncCallContext *rows = SRF_FIRSTCALL_INIT();
	MemoryContext	 before = MemoryContextSwitchTo(rows->multi_call_memory_ctx);

	if (get_call_result_type(fcinfo, NULL, &rows->tuple_desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	rows->tuple_desc = BlessTupleDesc(rows->tuple_desc);
	rows->user_fctx = palloc0(state_size);
	MemoryContextSwitchTo(before);
	return rows;
}

/* A value that lives as long as the rows. */
static inline void *
rows_copy_varlena(FuncCallContext *rows, const void *value)
{
	void *copy = MemoryContextAlloc(rows->multi_call_memory_ctx, VARSIZE(value));

	memcpy(copy, value, VARSIZE(value));
	return copy;
}

/* A row of a function that returns them one by one. */
static inline Datum
rows_make(FuncCallContext *rows, Datum *values, bool *nulls)
{
	return HeapTupleGetDatum(heap_form_tuple(rows->tuple_desc, values, nulls));
}

/* Returns a row, made by then: SRF_RETURN_NEXT alone would count it before it is evaluated. */
static inline Datum
rows_next(FunctionCallInfo fcinfo, FuncCallContext *rows, Datum row)
{
	SRF_RETURN_NEXT(rows, row);
}

/* The row type of a function's result, which lives as long as the function's call site. */
static inline TupleDesc
row_type(FunctionCallInfo fcinfo)
{
	MemoryContext before = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	TupleDesc	  desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	desc = BlessTupleDesc(desc);
	MemoryContextSwitchTo(before);
	return desc;
}

/* The one row of a function that returns one; its type is looked up once a query. */
static inline Datum
row_result(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = row_type(fcinfo);
	return HeapTupleGetDatum(heap_form_tuple(fcinfo->flinfo->fn_extra, values, nulls));
}

#endif /* CRM_ROWS_H */
