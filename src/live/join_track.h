/*
 * join_track.h: what the triggers of a table mean to the views that join it.
 */
#ifndef CRM_LIVE_JOIN_TRACK_H
#define CRM_LIVE_JOIN_TRACK_H

#include "crm.h"

#include "live/delta.h"
#include "live/histories.h"
#include "live/tracked.h"

extern bool is_joined(Oid table);
extern void CheckMayTruncate(Relation rel);
extern void joined_read(const Tracked *tracked, const List *changes, Histories *histories,
						Deltas *deltas);

#endif /* CRM_LIVE_JOIN_TRACK_H */
