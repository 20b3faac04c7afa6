/*
 * keys.c: index scans by the keys of a customer, over any table that has
 * an index on them: the histories by their primary key, the decisions on tiers.
 */
#include "crm.h"

#include "access/genam.h"
#include "access/nbtree.h"
#include "live/keys.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

/* What index_beginscan takes differs between releases of PostgreSQL. */
IndexScanDesc
keys_begin_scan(Relation rel, Relation index, Snapshot snapshot, int nconditions)
{
	return index_beginscan(rel, index, snapshot,
#if PG_VERSION_NUM >= 180000
						   NULL,
#endif
						   nconditions, 0);
}

/* How the values of an index on the keys are compared, by functions that live as long as the current memory context. */
void
customer_keys_init(CustomerKeys *keys, Relation index)
{
	keys->n = IndexRelationGetNumberOfKeyAttributes(index);
	keys->equal = palloc(sizeof(FmgrInfo) * keys->n);
	for (int i = 0; i < keys->n; i++)
	{
		Oid family = index->rd_opfamily[i];
		Oid type = index->rd_opcintype[i];
		Oid equal = get_opfamily_member(family, type, type, BTEqualStrategyNumber);

		keys->columns[i] = index->rd_index->indkey.values[i];
		keys->collations[i] = index->rd_indcollation[i];
		keys->less[i] = get_opfamily_member(family, type, type, BTLessStrategyNumber);
		fmgr_info(get_opcode(equal), &keys->equal[i]);
	}
}

/* The keys of a row of the table that is indexed, in the current memory context. */
Datum *
customer_keys_copy(const CustomerKeys *keys, TupleTableSlot *row)
{
	Datum *copy = palloc(sizeof(Datum) * keys->n);

	slot_getallattrs(row);
	for (int i = 0; i < keys->n; i++)
	{
		int				  column = keys->columns[i] - 1;
		Form_pg_attribute attribute = TupleDescAttr(row->tts_tupleDescriptor, column);

		copy[i] = datumCopy(row->tts_values[column], attribute->attbyval, attribute->attlen);
	}
	return copy;
}

/* The conditions "the keys are these", whose arguments are still to be set. */
void
keys_init_equal(const CustomerKeys *keys, ScanKey conditions)
{
	for (int i = 0; i < keys->n; i++)
		ScanKeyEntryInitializeWithInfo(&conditions[i], 0, i + 1, BTEqualStrategyNumber, InvalidOid,
									   keys->collations[i], &keys->equal[i], (Datum) 0);
}

/* The function of the operator > of an index's first column. */
static RegProcedure
greater_than(Relation index)
{
	Oid type = index->rd_opcintype[0];
	Oid op = get_opfamily_member(index->rd_opfamily[0], type, type, BTGreaterStrategyNumber);

	return get_opcode(op);
}

/*
 * The condition that keys lie behind those of a customer, as one scan key: a
 * comparison of rows, or, where there is but one key, which is no row to the
 * index, of that.
 */
void
keys_init_after(Relation index, int nkeys, const Datum *after, ScanKey header, ScanKey members)
{
	if (nkeys == 1)
	{
		ScanKeyEntryInitialize(header, 0, 1, BTGreaterStrategyNumber, index->rd_opcintype[0],
							   index->rd_indcollation[0], greater_than(index), after[0]);
		return;
	}
	for (int i = 0; i < nkeys; i++)
	{
		Oid type = index->rd_opcintype[i];

		ScanKeyEntryInitialize(&members[i], SK_ROW_MEMBER | (i == nkeys - 1 ? SK_ROW_END : 0),
							   i + 1, BTGreaterStrategyNumber, type, index->rd_indcollation[i],
							   get_opfamily_proc(index->rd_opfamily[i], type, type, BTORDER_PROC),
							   after[i]);
	}
	memset(header, 0, sizeof(ScanKeyData));
	header->sk_flags = SK_ROW_HEADER;
	header->sk_attno = 1;
	header->sk_strategy = BTGreaterStrategyNumber;
	header->sk_argument = PointerGetDatum(members);
}
