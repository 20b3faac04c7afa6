/*
 * refresh.c: scoring customers anew in key order, a batch at a time, and
 * what a refresh needs to be exact while others write.
 */
#include "crm.h"

#include "access/xact.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "live/histories.h"
#include "live/owner.h"
#include "live/rescore.h"
#include "live/tracked.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/* ---- keys as text, which a procedure can hold on to between transactions ---- */

static Form_pg_attribute
key_attribute(Histories *histories, int key)
{
	Relation index = histories_index(histories);

	return TupleDescAttr(RelationGetDescr(histories_relation(histories)),
						 index->rd_index->indkey.values[key] - 1);
}

/*
 * Write and read values as text without loss, whatever the session prefers,
 * until become_caller puts its settings back.
 */
static void
use_lossless_text(void)
{
	static const char *const settings[][2] = {
		{"datestyle", "ISO"},
		{"intervalstyle", "postgres"},
		{"extra_float_digits", "3"},
	};

	for (int i = 0; i < (int) lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

static void
keys_from_text(Histories *histories, ArrayType *texts, Datum *keys)
{
	int	   nkeys = IndexRelationGetNumberOfKeyAttributes(histories_index(histories));
	Datum *elements;
	bool  *nulls;
	int	   n;

	deconstruct_array(texts, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	if (n != nkeys || array_contains_nulls(texts))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a position of %d values does not fit a key of %d columns", n, nkeys)));
	for (int i = 0; i < nkeys; i++)
	{
		Form_pg_attribute column = key_attribute(histories, i);
		Oid				  input;
		Oid				  parameter;

		getTypeInputInfo(column->atttypid, &input, &parameter);
		keys[i] = OidInputFunctionCall(input, TextDatumGetCString(elements[i]), parameter,
									   column->atttypmod);
	}
}

static Datum
keys_to_text(Histories *histories, const Datum *keys)
{
	int	  nkeys = IndexRelationGetNumberOfKeyAttributes(histories_index(histories));
	Datum texts[INDEX_MAX_KEYS];

	for (int i = 0; i < nkeys; i++)
	{
		Oid	 output;
		bool is_varlena;

		getTypeOutputInfo(key_attribute(histories, i)->atttypid, &output, &is_varlena);
		texts[i] = CStringGetTextDatum(OidOutputFunctionCall(output, keys[i]));
	}
	return PointerGetDatum(construct_array(texts, nkeys, TEXTOID, -1, false, TYPALIGN_INT));
}

/* ---- a batch ---- */

/* A batch of no customers would go on to the last. */
static inline void
CheckBatchSize(int32 customers)
{
	if (customers < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a batch of %d customers is out of range", customers),
						errdetail("It is at least 1.")));
}

/*
 * (histories, after text[], customers int [, why text]) -> (last text[], read,
 * written): score the next customers behind a key as of the day that the rules
 * name; why is what changes are recorded with, "refresh" if not given.
 */
PG_FUNCTION_INFO_V1(crm_rescore);
Datum
crm_rescore(PG_FUNCTION_ARGS)
{
	Oid			 relid;
	Tracked		*tracked;
	OwnerSwitch	 before;
	Histories	*histories;
	Datum		 keys[INDEX_MAX_KEYS];
	RescoreBatch batch = {0};
	TupleDesc	 desc;
	Datum		 values[3] = {0};
	bool		 nulls[3] = {0};
	const char	*why = "refresh";

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	CheckBatchSize(PG_GETARG_INT32(2));
	if (PG_NARGS() > 3 && !PG_ARGISNULL(3))
		why = text_to_cstring(PG_GETARG_TEXT_PP(3));
	relid = PG_GETARG_OID(0);
	tracked = tracked_by_histories(relid);
	CheckOwner(relid);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	before = become_owner(relid);
	use_lossless_text();
	/* Under the lock on the rules nobody begins to keep decisions any more. */
	LockRelationOid(tracked->scoring, RowExclusiveLock);
	tracked = tracked_by_histories(relid);
	histories = histories_open(tracked, why);
	if (!PG_ARGISNULL(1))
	{
		keys_from_text(histories, PG_GETARG_ARRAYTYPE_P(1), keys);
		batch.after = keys;
	}
	batch.limit = PG_GETARG_INT32(2);
	rescore_batch(histories, &batch);

	nulls[0] = batch.last == NULL;
	if (batch.last)
		values[0] = keys_to_text(histories, batch.last);
	values[1] = Int64GetDatum(batch.read);
	values[2] = Int64GetDatum(batch.written);
	histories_close(histories);
	become_caller(&before);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/*
 * (relation, command) -> the first column of its first row as text: run a
 * command as the owner of a relation, who may be trusted less than the caller
 * (a purchases view calls its owner's functions), as REFRESH MATERIALIZED VIEW
 * does.
 */
PG_FUNCTION_INFO_V1(crm_as_owner);
Datum
crm_as_owner(PG_FUNCTION_ARGS)
{
	Oid			  relid = PG_GETARG_OID(0);
	MemoryContext caller = CurrentMemoryContext;
	OwnerSwitch	  before;
	char		 *value;
	text		 *result = NULL;

	CheckOwner(relid);
	before = become_owner(relid);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(text_to_cstring(PG_GETARG_TEXT_PP(1)), false, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a command to run as owner must be a query of one row")));
	value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (value)
	{
		MemoryContext spi = MemoryContextSwitchTo(caller);

		result = cstring_to_text(value);
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	become_caller(&before);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(result);
}

/*
 * Wait for every transaction that has read the rules of a scoring table, and
 * still may write scores by them, without holding up those that come later.
 */
PG_FUNCTION_INFO_V1(crm_wait_for_writers);
Datum
crm_wait_for_writers(PG_FUNCTION_ARGS)
{
	Oid		relid = PG_GETARG_OID(0);
	LOCKTAG tag;

	CheckOwner(relid);
	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	WaitForLockers(tag, ShareRowExclusiveLock, false);
	PG_RETURN_VOID();
}

/* An error that says so if a procedure that commits is called where it cannot. */
PG_FUNCTION_INFO_V1(crm_check_commit_allowed);
Datum
crm_check_commit_allowed(PG_FUNCTION_ARGS)
{
	if (IsTransactionBlock())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("%s cannot run inside a transaction block",
						text_to_cstring(PG_GETARG_TEXT_PP(0))),
				 errdetail("It commits after every batch of customers."),
				 errhint("Call it alone, as one statement of a connection that commits each by "
						 "itself: autocommit in drivers, without BEGIN in psql.")));
	PG_RETURN_VOID();
}

/* The operator by which a type's default btree class tells equal values, as SQL writes it. */
PG_FUNCTION_INFO_V1(crm_equality);
Datum
crm_equality(PG_FUNCTION_ARGS)
{
	Oid				 oid = lookup_type_cache(PG_GETARG_OID(0), TYPECACHE_EQ_OPR)->eq_opr;
	HeapTuple		 tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(oid));
	Form_pg_operator op;
	char			*name;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("type %s has no equality operator", format_type_be(PG_GETARG_OID(0)))));
	op = (Form_pg_operator) GETSTRUCT(tuple);
	name = psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(op->oprnamespace)),
					NameStr(op->oprname));
	ReleaseSysCache(tuple);
	PG_RETURN_TEXT_P(cstring_to_text(name));
}
