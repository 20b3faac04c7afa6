/*
 * refill.c: what all customers bought, told anew: each row of histories is
 * compared, scored and written at most once.
 */
#include "crm.h"

#include "access/table.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "live/catalog.h"
#include "live/histories.h"
#include "live/owner.h"
#include "live/tracked.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#define CUSTOMERS_AT_ONCE 1000

/* Open a table that says it has all customers, by the columns and types of the histories. */
static Relation
open_fresh(Histories *histories, Oid relid)
{
	const HistoriesLayout *layout = histories_layout_of(histories);
	TupleDesc			   desc = RelationGetDescr(histories_relation(histories));
	Relation			   fresh = open_plain_table(relid, AccessShareLock);

	for (int i = 0; i < layout->keys.n; i++)
	{
		Form_pg_attribute key = TupleDescAttr(desc, layout->keys.columns[i] - 1);

		CheckKeyColumn(fresh, column_of_type(fresh, NameStr(key->attname), key->atttypid), key);
	}
	(void) column_of_type(fresh, NameStr(TupleDescAttr(desc, layout->history - 1)->attname),
						  crm_type("purchase_history"));
	if (layout->mix != InvalidAttrNumber)
		(void) column_of_type(fresh, "mix", crm_type("mix"));
	return fresh;
}

/* The query of all customers of a table of fresh histories, in key order: keys, history [, mix]. */
static char *
customers_query(Histories *histories, Relation fresh)
{
	const HistoriesLayout *layout = histories_layout_of(histories);
	TupleDesc			   desc = RelationGetDescr(histories_relation(histories));
	StringInfoData		   keys;
	StringInfoData		   sql;

	initStringInfo(&keys);
	for (int i = 0; i < layout->keys.n; i++)
		appendStringInfo(
			&keys, "%s%s", i > 0 ? ", " : "",
			quote_identifier(NameStr(TupleDescAttr(desc, layout->keys.columns[i] - 1)->attname)));
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s, %s", keys.data,
					 quote_identifier(NameStr(TupleDescAttr(desc, layout->history - 1)->attname)));
	if (layout->mix != InvalidAttrNumber)
		appendStringInfoString(&sql, ", mix");
	appendStringInfo(&sql, " FROM %s ORDER BY %s",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(fresh)),
												RelationGetRelationName(fresh)),
					 keys.data);
	return sql.data;
}

/* What a row of that query says that a customer has. */
static Bought
fresh_bought(const HistoriesLayout *layout, HeapTuple row, TupleDesc desc, Datum *keys)
{
	int	   n = layout->keys.n;
	Bought bought = {NULL, NULL};
	Datum  value;
	bool   isnull;

	for (int i = 0; i < n; i++)
	{
		keys[i] = SPI_getbinval(row, desc, i + 1, &isnull);
		if (isnull)
			ereport(ERROR, (errcode(ERRCODE_NOT_NULL_VIOLATION),
							errmsg("the key of a customer cannot be NULL"),
							errdetail("Column \"%s\" of the table of all customers is.",
									  NameStr(TupleDescAttr(desc, i)->attname))));
	}
	value = SPI_getbinval(row, desc, n + 1, &isnull);
	bought.history = isnull ? purchase_history_create(0) : DatumGetPurchaseHistory(value);
	if (layout->mix == InvalidAttrNumber)
		return bought;
	value = SPI_getbinval(row, desc, n + 2, &isnull);
	if (!isnull)
		bought.mix = (Mix *) PG_DETOAST_DATUM(value);
	return bought;
}

/* Make the rows of the customers that were fetched what they say. */
static void
refill_fetched(Histories *histories, SPITupleTable *fetched, uint64 n)
{
	const HistoriesLayout *layout = histories_layout_of(histories);

	for (uint64 i = 0; i < n; i++)
	{
		Datum  keys[INDEX_MAX_KEYS];
		Bought whole = fresh_bought(layout, fetched->vals[i], fetched->tupdesc, keys);

		histories_refill(histories, keys, &whole);
	}
}

/* All customers of the table of fresh histories; returns how many. */
static int64
refill_all(Histories *histories, Oid fresh)
{
	Relation	  rel = open_fresh(histories, fresh);
	char		 *sql = customers_query(histories, rel);
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "crm refill", ALLOCSET_DEFAULT_SIZES);
	MemoryContext before;
	SPIPlanPtr	  plan;
	Portal		  portal;
	int64		  read = 0;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = SPI_prepare(sql, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "could not prepare: %s: %s", SPI_result_code_string(SPI_result), sql);
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, false);
	for (;;)
	{
		SPITupleTable *fetched;

		SPI_cursor_fetch(portal, true, CUSTOMERS_AT_ONCE);
		if (SPI_processed == 0)
			break;
		read += SPI_processed;
		fetched = SPI_tuptable;
		before = MemoryContextSwitchTo(context);
		refill_fetched(histories, fetched, SPI_processed);
		MemoryContextSwitchTo(before);
		MemoryContextReset(context);
		SPI_freetuptable(fetched);
	}
	SPI_cursor_close(portal);
	SPI_finish();
	MemoryContextDelete(context);
	table_close(rel, NoLock);
	return read;
}

/*
 * (histories, fresh, why) -> (changed, read, written): make each row of histories
 * what a table says that has all customers, scored as of the day that the rules
 * name; changed are those with other purchases. The caller holds off who writes
 * purchases and drops the table.
 */
PG_FUNCTION_INFO_V1(crm_refill);
Datum
crm_refill(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	Tracked	   *tracked = tracked_by_histories(relid);
	OwnerSwitch before;
	Histories  *histories;
	TupleDesc	desc;
	int64		read;
	int64		written;
	int64		differed;
	Datum		values[3];
	bool		nulls[3] = {0};

	CheckOwner(relid);
	CheckOwner(PG_GETARG_OID(1));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	before = become_owner(relid);
	/* Under the lock on the rules nobody begins to keep decisions any more. */
	LockRelationOid(tracked->scoring, RowExclusiveLock);
	tracked = tracked_by_histories(relid);
	histories = histories_open(tracked, text_to_cstring(PG_GETARG_TEXT_PP(2)));
	read = refill_all(histories, PG_GETARG_OID(1));
	histories_count_written(histories, &written, &differed);
	histories_close(histories);
	become_caller(&before);

	values[0] = Int64GetDatum(differed);
	values[1] = Int64GetDatum(read);
	values[2] = Int64GetDatum(written);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
