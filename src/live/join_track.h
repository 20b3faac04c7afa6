/*
 * join_track.h: what the triggers of a table mean to the views that join it.
 */
#ifndef CRM_LIVE_JOIN_TRACK_H
#define CRM_LIVE_JOIN_TRACK_H


#include "crm.h"

#include "commands/trigger.h"

extern void joined_statement_ended(TriggerData *trigger, const List *trackings, const char *name);
extern void joined_truncate_begins(TriggerData *trigger, const List *trackings);

#endif /* CRM_LIVE_JOIN_TRACK_H */
