/*
 * decide.c: the triggers of a table of decisions on tiers: whoever is
 * decided on is scored anew before the statement ends.
 */
#include "crm.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "live/decisions.h"
#include "live/delta.h"
#include "live/event.h"
#include "live/histories.h"
#include "live/owner.h"
#include "live/rule.h"
#include "live/pending.h"
#include "live/tracked.h"
#include "live/tracking.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

/* What a statement on a table of decisions means to the histories. */
typedef struct Decide
{
	Relation			   decisions;
	Histories			  *histories;
	const DecisionsLayout *layout;
	Deltas				  *deltas;		 /* the customers decided on, without purchases */
	List				  *tiers_before; /* that rows had before the statement, as char * */
} Decide;

/* ---- a tier must be one of the program's ---- */

static bool
was_there_before(Decide *decide, const char *tier)
{
	ListCell *lc;

	foreach (lc, decide->tiers_before)
		if (strcmp(lfirst(lc), tier) == 0)
			return true;
	return false;
}

static void
remember_tier(Decide *decide, const char *tier)
{
	if (!was_there_before(decide, tier))
		decide->tiers_before = lappend(decide->tiers_before, pstrdup(tier));
}

/* "(customer)=(5)", as the owner of the histories may see it. */
static char *
describe_customer(Decide *decide, Datum *keys)
{
	bool  nulls[INDEX_MAX_KEYS] = {false};
	char *description = BuildIndexValueDescription(histories_index(decide->histories), keys, nulls);

	return description ? description : pstrdup("");
}

/* A floor or a ceiling is a tier of the program in force for the customer, unless the statement left it as it was. */
static void
CheckTier(Decide *decide, Datum *keys, const char *tier)
{
	const TierProgram *program = scoring_rule_program(histories_rule_of(decide->histories, keys));

	if (program == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("there is no tier program for a decision on tier \"%s\"", tier),
						errdetail("The customer is %s.", describe_customer(decide, keys)),
						errhint("Set tier_program in the scoring table of the tracking first.")));
	if (tier_find(program, tier) > 0)
		return;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("the customer's program has no tier \"%s\"", tier),
					errdetail("The customer is %s; the tiers are %s.",
							  describe_customer(decide, keys), tier_names(program))));
}

/* ---- rows ---- */

/* Take a customer down who is decided on. */
static void
add_row(Decide *decide, TupleTableSlot *row, bool is_new)
{
	Datum	   keys[INDEX_MAX_KEYS];
	AttrNumber tier = decide->layout->tier;

	slot_getallattrs(row);
	for (int i = 0; i < decide->layout->keys.n; i++)
	{
		if (row->tts_isnull[decide->layout->keys.columns[i] - 1])
			return;
		keys[i] = row->tts_values[decide->layout->keys.columns[i] - 1];
	}
	if (!row->tts_isnull[tier - 1])
	{
		char *name = TextDatumGetCString(row->tts_values[tier - 1]);

		if (!is_new)
			remember_tier(decide, name);
		else if (!was_there_before(decide, name))
			CheckTier(decide, keys, name);
		pfree(name);
	}
	deltas_touch(decide->deltas, keys);
}

static void
read_transition_table(Decide *decide, Tuplestorestate *rows, bool is_new)
{
	TupleTableSlot *row;

	if (has_no_rows(rows))
		return;
	row = open_transition_table(rows, decide->decisions);
	while (next_transition_row(rows, row))
		add_row(decide, row, is_new);
	ExecDropSingleTupleTableSlot(row);
}

/* All rows of the table, whatever the transaction's snapshot. */
static void
read_table(Decide *decide)
{
	TupleTableSlot *row = table_slot_create(decide->decisions, NULL);
	Snapshot		snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc	scan = table_beginscan(decide->decisions, snapshot, 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		CHECK_FOR_INTERRUPTS();
		add_row(decide, row, false);
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
}

/* Score all customers anew whom a statement decides on, in key order, as the statements on orders write them. */
static void
follow(TriggerData *trigger)
{
	Relation	  rel = trigger->tg_relation;
	Tracked		 *tracked = tracked_by_decisions(RelationGetRelid(rel));
	Decide		  decide = {0};
	OwnerSwitch	  before;
	CustomerDelta customer;
	int64		  changed;

	CheckTrackingComplete(tracked, rel, "decisions");
	CommandCounterIncrement(); /* see the statement's own rows */
	before = become_owner(tracked->histories);
	decide.decisions = rel;
	decide.histories = histories_open(tracked, "decision");
	decide.layout = decisions_layout(rel, histories_relation(decide.histories),
									 histories_index(decide.histories));
	decide.deltas = deltas_create(histories_layout_of(decide.histories));
	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
	{
		read_table(&decide);
		histories_ignore_decisions(decide.histories);
	}
	read_transition_table(&decide, trigger->tg_oldtable, false);
	read_transition_table(&decide, trigger->tg_newtable, true);
	while (deltas_next(decide.deltas, &customer))
		histories_decide(decide.histories, customer.keys);
	deltas_free(decide.deltas);
	changed = histories_close(decide.histories);
	if (tracked->notify && changed > 0)
		notify_listeners(tracked);
	become_caller(&before);
}

/* ---- triggers ---- */

/* AFTER INSERT, UPDATE or DELETE, FOR EACH STATEMENT, with the transition tables. */
PG_FUNCTION_INFO_V1(crm_decide_statement);
Datum
crm_decide_statement(PG_FUNCTION_ARGS)
{
	TriggerData *trigger =
		CheckCalledFor(fcinfo, has_transition_tables(fcinfo), "crm.decide_statement",
					   "AFTER a statement, with its transition tables", "crm.track_tiers");

	if (!has_no_rows(trigger->tg_oldtable) || !has_no_rows(trigger->tg_newtable))
		follow(trigger);
	return PointerGetDatum(NULL);
}

/* BEFORE TRUNCATE, when the rows still tell who was decided on; nobody else can write any under its lock. */
PG_FUNCTION_INFO_V1(crm_decide_truncate);
Datum
crm_decide_truncate(PG_FUNCTION_ARGS)
{
	TriggerEvent fired = fired_event(fcinfo);
	bool		 fits = TRIGGER_FIRED_BEFORE(fired) && TRIGGER_FIRED_BY_TRUNCATE(fired);

	follow(
		CheckCalledFor(fcinfo, fits, "crm.decide_truncate", "BEFORE TRUNCATE", "crm.track_tiers"));
	return PointerGetDatum(NULL);
}
