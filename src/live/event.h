/*
 * event.h: what the triggers of crm ask of the event that fired them.
 */
#ifndef CRM_LIVE_EVENT_H
#define CRM_LIVE_EVENT_H

#include "crm.h"

#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

static inline TriggerEvent
fired_event(FunctionCallInfo fcinfo)
{
	return CALLED_AS_TRIGGER(fcinfo) ? ((TriggerData *) fcinfo->context)->tg_event : 0;
}

/* A trigger function is called for the events that it is made for, by a trigger that a function of crm installs. */
static inline TriggerData *
CheckCalledFor(FunctionCallInfo fcinfo, bool fits, const char *function, const char *events,
			   const char *installer)
{
	if (!CALLED_AS_TRIGGER(fcinfo) || !fits)
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("function %s must be called by a trigger %s", function, events),
						errhint("%s installs it.", installer)));
	return (TriggerData *) fcinfo->context;
}

/* Whether a statement's rows are there to be read. */
static inline bool
has_transition_tables(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TriggerEvent event = fired_event(fcinfo);

	return CALLED_AS_TRIGGER(fcinfo) && TRIGGER_FIRED_AFTER(event) &&
		   TRIGGER_FIRED_FOR_STATEMENT(event) && !TRIGGER_FIRED_BY_TRUNCATE(event) &&
		   (TRIGGER_FIRED_BY_DELETE(event) || trigger->tg_newtable) &&
		   (TRIGGER_FIRED_BY_INSERT(event) || trigger->tg_oldtable);
}

static inline bool
has_no_rows(Tuplestorestate *rows)
{
	return rows == NULL || tuplestore_tuple_count(rows) == 0;
}

/* Start to read a transition table from its first row on: a slot for next_transition_row. */
static inline TupleTableSlot *
open_transition_table(Tuplestorestate *rows, Relation rel)
{
	tuplestore_select_read_pointer(rows, tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND));
	tuplestore_rescan(rows);
	return MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsMinimalTuple);
}

static inline bool
next_transition_row(Tuplestorestate *rows, TupleTableSlot *row)
{
	CHECK_FOR_INTERRUPTS();
	return tuplestore_gettupleslot(rows, true, false, row);
}

#endif /* CRM_LIVE_EVENT_H */
