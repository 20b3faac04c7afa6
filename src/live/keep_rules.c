/*
 * keep_rules.c: the trigger by which a tracking keeps what its rules were.
 *
 * Whoever may change a rule needs no rights on the table of its history, which
 * is written as the owner of the rules would.
 */
#include "crm.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "live/event.h"
#include "live/owner.h"
#include "utils/rel.h"

static Datum
row_value(HeapTuple row, TupleDesc desc)
{
	return row ? heap_copy_tuple_as_datum(row, desc) : (Datum) 0;
}

/* Let crm_internal.record_rule write down a row that came, went or was changed. */
static void
record_rule(Relation scoring, HeapTuple was, HeapTuple is)
{
	Oid			rowtype = RelationGetForm(scoring)->reltype;
	Oid			types[] = {REGCLASSOID, rowtype, rowtype};
	Datum		values[3] = {ObjectIdGetDatum(RelationGetRelid(scoring))};
	char		nulls[] = {' ', was ? ' ' : 'n', is ? ' ' : 'n', '\0'};
	OwnerSwitch before;

	values[1] = row_value(was, RelationGetDescr(scoring));
	values[2] = row_value(is, RelationGetDescr(scoring));
	before = become_owner(RelationGetRelid(scoring));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("SELECT crm_internal.record_rule($1, $2, $3)", 3, types, values,
							  nulls, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "crm_internal.record_rule failed");
	SPI_finish();
	become_caller(&before);
}

/* AFTER INSERT, UPDATE or DELETE, FOR EACH ROW of a table of scoring rules. */
PG_FUNCTION_INFO_V1(crm_keep_rules);
Datum
crm_keep_rules(PG_FUNCTION_ARGS)
{
	TriggerEvent fired = fired_event(fcinfo);
	TriggerData *trigger =
		CheckCalledFor(fcinfo, TRIGGER_FIRED_AFTER(fired) && TRIGGER_FIRED_FOR_ROW(fired),
					   "crm.keep_rules", "AFTER a row", "crm.track");

	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		record_rule(trigger->tg_relation, NULL, trigger->tg_trigtuple);
	else if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		record_rule(trigger->tg_relation, trigger->tg_trigtuple, NULL);
	else
		record_rule(trigger->tg_relation, trigger->tg_trigtuple, trigger->tg_newtuple);
	return PointerGetDatum(NULL);
}
