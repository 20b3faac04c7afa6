/*
 * partitions.c: partitions of tracked tables that come, with rows or without,
 * and that go.
 *
 * ATTACH, DETACH and DROP are no statements on rows, so that no trigger of a
 * table fires. An event trigger finds the partition in the command and calls
 * crm_internal.partition_changed as the owner of the histories; where no tracked
 * table is involved it looks the root up and no more.
 */
#include "crm.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "live/catalog.h"
#include "live/delta.h"
#include "live/histories.h"
#include "live/owner.h"
#include "live/partitions.h"
#include "live/pending.h"
#include "live/tracked.h"
#include "live/tracking.h"
#include "live/view.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* The table that a partition hangs on, whether its detaching is pending or not. */
static Oid
parent_of(Oid part)
{
#if PG_VERSION_NUM >= 140000
	return get_partition_parent(part, true);
#else
	return get_partition_parent(part);
#endif
}

/* The table that a partition is part of at the top, or the table itself. */
Oid
partition_root(Oid relid)
{
	while (get_rel_relispartition(relid))
		relid = parent_of(relid);
	return relid;
}

/* ---- what a command does to partitions ---- */

/* A partition that came to a table or went from it. */
typedef struct PartitionChange
{
	Oid			root;
	Oid			part;
	const char *what; /* created, attached, detached or dropped */
} PartitionChange;

static List *
add_change(List *changes, Oid parent, Oid part, const char *what)
{
	PartitionChange *change = palloc(sizeof(PartitionChange));

	if (!OidIsValid(parent) || !OidIsValid(part))
		return changes;
	change->root = partition_root(parent);
	change->part = part;
	change->what = what;
	return lappend(changes, change);
}

static Oid
relation_named(const RangeVar *name)
{
	return RangeVarGetRelid(name, NoLock, true);
}

/* CREATE TABLE ... PARTITION OF: without rows, or, by IF NOT EXISTS, one that is followed already. */
static List *
read_create(List *changes, const CreateStmt *create)
{
	Oid part;

	if (create->partbound == NULL || list_length(create->inhRelations) != 1)
		return changes;
	part = relation_named(create->relation);
	if (!OidIsValid(part) || !get_rel_relispartition(part))
		return changes;
	return add_change(changes, parent_of(part), part, "created");
}

/* ALTER TABLE ... ATTACH PARTITION, DETACH PARTITION [CONCURRENTLY or FINALIZE]. */
static List *
read_alter(List *changes, const AlterTableStmt *alter)
{
	ListCell *lc;

	foreach (lc, alter->cmds)
	{
		const AlterTableCmd *command = lfirst(lc);
		bool				 attach = command->subtype == AT_AttachPartition;
		Oid					 part;

		if (!attach && command->subtype != AT_DetachPartition
#if PG_VERSION_NUM >= 140000
			&& command->subtype != AT_DetachPartitionFinalize
#endif
		)
			continue;
		part = relation_named(((PartitionCmd *) command->def)->name);
		if (OidIsValid(part) && get_rel_relkind(part) != RELKIND_INDEX &&
			get_rel_relkind(part) != RELKIND_PARTITIONED_INDEX &&
			get_rel_relispartition(part) == attach)
			changes = add_change(changes, relation_named(alter->relation), part,
								 attach ? "attached" : "detached");
	}
	return changes;
}

/* Whether the current user may drop a table: its owner, or that of its schema. */
static bool
may_drop(Oid relid)
{
	Oid schema = get_rel_namespace(relid);

#if PG_VERSION_NUM >= 160000
	return object_ownercheck(RelationRelationId, relid, GetUserId()) ||
		   object_ownercheck(NamespaceRelationId, schema, GetUserId());
#else
	return pg_class_ownercheck(relid, GetUserId()) || pg_namespace_ownercheck(schema, GetUserId());
#endif
}

/* A partition of a tracked table among those that a command drops, if it is one, held as that will hold it. */
static List *
add_dropped(List *parts, Oid part)
{
	if (!OidIsValid(part) || !get_rel_relispartition(part) || !may_drop(part) ||
		tracked_by_table(partition_root(part)) == NIL)
		return parts;
	LockRelationOid(parent_of(part), AccessExclusiveLock);
	LockRelationOid(part, AccessExclusiveLock);
	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(part)) && get_rel_relispartition(part))
		return list_append_unique_oid(parts, part);
	return parts;
}

/* The partitions of tracked tables that DROP TABLE drops, each once, the parent first. */
static List *
dropped_partitions(const DropStmt *drop)
{
	List	 *parts = NIL;
	ListCell *lc;

	foreach (lc, drop->objects)
		parts = add_dropped(parts, relation_named(makeRangeVarFromNameList(lfirst(lc))));
	return parts;
}

/* The partitions in the schemas that DROP SCHEMA ... CASCADE drops, whose tracked tables stand elsewhere, and stay. */
static List *
partitions_of_schemas(const DropStmt *drop)
{
	List		 *schemas = NIL;
	List		 *found = NIL;
	List		 *parts = NIL;
	ListCell	 *lc;
	Relation	  catalog;
	TableScanDesc scan;
	HeapTuple	  tuple;

	if (drop->behavior != DROP_CASCADE)
		return NIL;
	foreach (lc, drop->objects)
		schemas = lappend_oid(schemas, get_namespace_oid(strVal(lfirst(lc)), true));
	catalog = table_open(RelationRelationId, AccessShareLock);
	scan = table_beginscan_catalog(catalog, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);

		if (class->relispartition && list_member_oid(schemas, class->relnamespace) &&
			class->relkind != RELKIND_INDEX && class->relkind != RELKIND_PARTITIONED_INDEX)
			found = lappend_oid(found, class->oid);
	}
	table_endscan(scan);
	table_close(catalog, NoLock);
	foreach (lc, found)
		if (!list_member_oid(schemas, get_rel_namespace(partition_root(lfirst_oid(lc)))))
			parts = add_dropped(parts, lfirst_oid(lc));
	return parts;
}

/* Whether a partition goes with one of others above it. */
static bool
goes_with(Oid part, const List *others)
{
	ListCell *lc;

	foreach (lc, get_partition_ancestors(part))
		if (list_member_oid(others, lfirst_oid(lc)))
			return true;
	return false;
}

/* DROP TABLE or SCHEMA, before it is done; what goes with a partition above it is read there. */
static List *
read_drop(List *changes, const DropStmt *drop)
{
	List	 *parts = NIL;
	ListCell *lc;

	if (drop->removeType == OBJECT_TABLE)
		parts = dropped_partitions(drop);
	else if (drop->removeType == OBJECT_SCHEMA)
		parts = partitions_of_schemas(drop);

	foreach (lc, parts)
	{
		Oid part = lfirst_oid(lc);

		if (!goes_with(part, parts))
			changes = add_change(changes, parent_of(part), part, "dropped");
	}
	return changes;
}

/* The partitions that a command brings or takes, as PartitionChange. */
static List *
read_command(const EventTriggerData *trigger)
{
	Node	 *command = trigger->parsetree;
	List	 *changes = NIL;
	ListCell *lc;

	if (strcmp(trigger->event, "ddl_command_start") == 0)
		return IsA(command, DropStmt) ? read_drop(NIL, (DropStmt *) command) : NIL;
	if (IsA(command, CreateStmt))
		return read_create(NIL, (CreateStmt *) command);
	if (IsA(command, CreateForeignTableStmt))
		return read_create(NIL, &((CreateForeignTableStmt *) command)->base);
	if (IsA(command, AlterTableStmt))
		return read_alter(NIL, (AlterTableStmt *) command);
	if (IsA(command, CreateSchemaStmt))
		foreach (lc, ((CreateSchemaStmt *) command)->schemaElts)
			if (IsA(lfirst(lc), CreateStmt))
				changes = read_create(changes, lfirst(lc));
	return changes;
}

/* ---- following it ---- */

/* Tell one tracking, as its owner: whatever fails there is kept as the tracking's problem. */
static void
tell_tracking(const Tracked *tracked, const PartitionChange *change)
{
	Oid			types[4] = {REGCLASSOID, REGCLASSOID, REGCLASSOID, TEXTOID};
	Datum		values[4] = {ObjectIdGetDatum(tracked->histories), ObjectIdGetDatum(change->root),
							 ObjectIdGetDatum(change->part), CStringGetTextDatum(change->what)};
	OwnerSwitch before;

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(tracked->histories)))
		return;
	before = become_owner(tracked->histories);
	if (SPI_connect() != SPI_OK_CONNECT ||
		SPI_execute_with_args("SELECT crm_internal.partition_changed($1, $2, $3, $4)", 4, types,
							  values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not follow a partition");
	SPI_finish();
	become_caller(&before);
}

/*
 * Event trigger, ddl_command_end of what brings and detaches partitions, and
 * ddl_command_start of what drops them. Silent while an extension is created and in pg_upgrade.
 */
PG_FUNCTION_INFO_V1(crm_follow_partitions);
Datum
crm_follow_partitions(PG_FUNCTION_ARGS)
{
	ListCell *lc;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("function crm_internal.follow_partitions must be called by an event "
							   "trigger"),
						errhint("CREATE EXTENSION installs it.")));
	if (creating_extension || IsBinaryUpgrade)
		return PointerGetDatum(NULL);
	foreach (lc, read_command((EventTriggerData *) fcinfo->context))
	{
		const PartitionChange *change = lfirst(lc);
		Oid					   told = InvalidOid;
		const ListCell		  *tc;

		foreach (tc, tracked_by_table(change->root))
		{
			const Tracked *tracked = lfirst(tc);

			if (tracked->joined == NIL && tracked->histories != told)
				tell_tracking(tracked, change);
			told = tracked->histories;
		}
	}
	return PointerGetDatum(NULL);
}

/* ---- the rows of a partition ---- */

/* A partition, or what was one, and the view by which its rows are purchases. */
typedef struct Partition
{
	const Tracked  *tracked;
	Relation		view;
	Relation		source;
	Relation		rel;
	PurchaseReader *reader;
} Partition;

/* Open one for reading; who calls is the owner of the histories, or may be, and the owner of all that is read becomes it. */
static void
open_partition(Partition *p, const Tracked *tracked, Oid part, Histories *histories)
{
	p->tracked = tracked;
	p->view = table_open(tracked->purchases, AccessShareLock);
	p->source = table_open(tracked->source, AccessShareLock);
	p->rel = open_plain_table(part, AccessShareLock);
	CheckSameOwner(p->view, histories_relation(histories));
	CheckOwnerOfSource(p->source, histories_relation(histories));
	CheckOwnerOfSource(p->rel, histories_relation(histories));
	p->reader = purchase_reader_create(p->view, p->source, p->rel);
	CheckSameKeys(purchase_reader_plan(p->reader), p->view, histories);
}

static void
close_partition(Partition *p)
{
	purchase_reader_free(p->reader);
	table_close(p->rel, NoLock);
	table_close(p->source, NoLock);
	table_close(p->view, NoLock);
}

/* Add all rows, whatever the transaction's snapshot sees. */
static void
read_partition(const Partition *p, Deltas *deltas, bool went)
{
	TupleTableSlot *row = table_slot_create(p->rel, NULL);
	Snapshot		snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc	scan = table_beginscan(p->rel, snapshot, 0, NULL);
	Datum			keys[INDEX_MAX_KEYS];
	ViewRow			said;

	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		CHECK_FOR_INTERRUPTS();
		if (purchase_reader_read(p->reader, row, keys, &said))
			deltas_add(deltas, keys, &said, went);
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
}

/* Whether a table of what detached partitions held has mixes too. */
static bool
keeps_mix(Oid kept, const HistoriesLayout *layout)
{
	return layout->mix != InvalidAttrNumber && get_attnum(kept, "mix") != InvalidAttrNumber;
}

/* Add what was kept of a partition when it was detached as what goes now: its rows are counted in its place. */
static void
read_kept(Oid kept, Oid part, Histories *histories, Deltas *deltas)
{
	const HistoriesLayout *layout = histories_layout_of(histories);
	StringInfoData		   sql;
	Oid					   type = OIDOID;
	Datum				   value = ObjectIdGetDatum(part);
	MemoryContext		   home = CurrentMemoryContext;
	bool				   with_mix = keeps_mix(kept, layout);
	bool				   isnull;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	for (int i = 0; i < layout->keys.n; i++)
		appendStringInfo(&sql, "%s, ",
						 quote_identifier(NameStr(TupleDescAttr(layout->deltas, i)->attname)));
	appendStringInfo(&sql, "history%s FROM %s WHERE partition OPERATOR(pg_catalog.=) $1",
					 with_mix ? ", mix" : "",
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(kept)),
												get_rel_name(kept)));
	if (SPI_connect() != SPI_OK_CONNECT ||
		SPI_execute_with_args(sql.data, 1, &type, &value, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not run: %s", sql.data);
	MemoryContextSwitchTo(home); /* the deltas live longer than what SPI brings */
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple row = SPI_tuptable->vals[i];
		Datum	  keys[INDEX_MAX_KEYS];
		Bought	  bought = {NULL, NULL};
		Datum	  mix;

		CHECK_FOR_INTERRUPTS();
		for (int k = 0; k < layout->keys.n; k++)
			keys[k] = SPI_getbinval(row, SPI_tuptable->tupdesc, k + 1, &isnull);
		bought.history = DatumGetPurchaseHistory(
			SPI_getbinval(row, SPI_tuptable->tupdesc, layout->keys.n + 1, &isnull));
		mix = with_mix ? SPI_getbinval(row, SPI_tuptable->tupdesc, layout->keys.n + 2, &isnull)
					   : (Datum) 0;
		if (with_mix && !isnull)
			bought.mix = (Mix *) PG_DETOAST_DATUM(mix);
		deltas_add_bought(deltas, keys, &bought, true);
	}
	SPI_finish();
}

/* A tracking of a view that reads one table, of those that may be followed. */
static const Tracked *
live_tracking(Oid purchases)
{
	const Tracked *tracked = tracked_by_purchases(purchases);

	if (tracked == NULL || !OidIsValid(tracked->source) || tracked->joined != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("\"%s\" is not kept by triggers of one table", get_rel_name(purchases))));
	return tracked;
}

/*
 * (purchases regclass, part regclass, came boolean, kept regclass, why text) ->
 * void: count the rows of a partition that came, in place of what a table of
 * detached histories keeps of it if there is one; or take them away. For the owner of the histories.
 */
PG_FUNCTION_INFO_V1(crm_count_partition);
Datum
crm_count_partition(PG_FUNCTION_ARGS)
{
	const Tracked *tracked = live_tracking(PG_GETARG_OID(0));
	bool		   came = PG_GETARG_BOOL(2);
	CustomerDelta  customer = {.one_statement = true};
	OwnerSwitch	   before;
	Histories	  *histories;
	Deltas		  *deltas;
	Partition	   part;
	int64		   changed;

	CheckOwner(tracked->histories);
	before = become_owner(tracked->histories);
	histories = histories_open(tracked, text_to_cstring(PG_GETARG_TEXT_PP(4)));
	deltas = deltas_create(histories_layout_of(histories));
	open_partition(&part, tracked, PG_GETARG_OID(1), histories);
	read_partition(&part, deltas, !came);
	if (OidIsValid(PG_GETARG_OID(3)))
		read_kept(PG_GETARG_OID(3), PG_GETARG_OID(1), histories, deltas);
	while (deltas_next(deltas, &customer))
		histories_apply(histories, &customer);
	deltas_free(deltas);
	close_partition(&part);
	changed = histories_close(histories);
	if (tracked->notify && changed > 0)
		notify_listeners(tracked);
	become_caller(&before);
	PG_RETURN_VOID();
}

/* The statement that keeps what a customer has of a partition: $1 its OID, then the keys, the history and the mix. */
static char *
keep_command(Oid kept, const HistoriesLayout *layout, bool with_mix)
{
	StringInfoData keys;
	StringInfoData values;
	int			   nkeys = layout->keys.n;

	initStringInfo(&keys);
	initStringInfo(&values);
	for (int i = 0; i < nkeys; i++)
	{
		appendStringInfo(&keys, ", %s",
						 quote_identifier(NameStr(TupleDescAttr(layout->deltas, i)->attname)));
		appendStringInfo(&values, ", $%d", i + 2);
	}
	return psprintf(
		"INSERT INTO %s AS k (partition, partition_name%s, history%s) SELECT $1, "
		"$1::pg_catalog.regclass::pg_catalog.text%s, $%d%s ON CONFLICT (partition%s) DO UPDATE "
		"SET history = k.history OPERATOR(crm.+) excluded.history%s",
		quote_qualified_identifier(get_namespace_name(get_rel_namespace(kept)), get_rel_name(kept)),
		keys.data, with_mix ? ", mix" : "", values.data, nkeys + 2,
		with_mix ? psprintf(", $%d", nkeys + 3) : "", keys.data,
		with_mix ? ", mix = coalesce(k.mix OPERATOR(crm.+) excluded.mix, k.mix, excluded.mix)"
				 : "");
}

static void
keep_customers(Oid kept, Oid part, const HistoriesLayout *layout, Deltas *deltas)
{
	CustomerDelta customer = {0};
	int			  nkeys = layout->keys.n;
	bool		  with_mix = keeps_mix(kept, layout);
	Oid			  types[INDEX_MAX_KEYS + 3] = {OIDOID};
	Datum		  values[INDEX_MAX_KEYS + 3] = {ObjectIdGetDatum(part)};
	MemoryContext home = CurrentMemoryContext;
	SPIPlanPtr	  plan;

	for (int i = 0; i < nkeys; i++)
		types[i + 1] = TupleDescAttr(layout->deltas, i)->atttypid;
	types[nkeys + 1] = crm_type("purchase_history");
	if (with_mix)
		types[nkeys + 2] = crm_type("mix");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = SPI_prepare(keep_command(kept, layout, with_mix), nkeys + 2 + with_mix, types);
	if (plan == NULL)
		elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
	MemoryContextSwitchTo(home); /* the deltas live longer than SPI */
	while (deltas_next(deltas, &customer))
	{
		Bought bought = bought_plus(&customer.came, &customer.went);

		CHECK_FOR_INTERRUPTS();
		memcpy(values + 1, customer.keys, sizeof(Datum) * nkeys);
		values[nkeys + 1] = PointerGetDatum(bought.history);
		if (with_mix)
			values[nkeys + 2] = PointerGetDatum(bought.mix);
		if (SPI_execute_plan(plan, values, NULL, false, 0) < 0)
			elog(ERROR, "could not write to \"%s\"", get_rel_name(kept));
		bought_free(&bought);
	}
	SPI_finish();
}

/*
 * (purchases regclass, part regclass, kept regclass) -> void: add what the rows
 * of what was a partition mean to a purchases view to a table of detached
 * histories. For the owner of the histories.
 */
PG_FUNCTION_INFO_V1(crm_keep_partition);
Datum
crm_keep_partition(PG_FUNCTION_ARGS)
{
	const Tracked *tracked = live_tracking(PG_GETARG_OID(0));
	OwnerSwitch	   before;
	Histories	  *histories;
	Deltas		  *deltas;
	Partition	   part;

	CheckOwner(tracked->histories);
	before = become_owner(tracked->histories);
	histories = histories_open(tracked, "detach");
	deltas = deltas_create(histories_layout_of(histories));
	open_partition(&part, tracked, PG_GETARG_OID(1), histories);
	read_partition(&part, deltas, false);
	keep_customers(PG_GETARG_OID(2), PG_GETARG_OID(1), histories_layout_of(histories), deltas);
	deltas_free(deltas);
	close_partition(&part);
	histories_close(histories);
	become_caller(&before);
	PG_RETURN_VOID();
}
