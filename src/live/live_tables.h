/*
 * live_tables.h: which tables a purchases view reads whose statements can keep it.
 */
#ifndef CRM_LIVE_LIVE_TABLES_H
#define CRM_LIVE_LIVE_TABLES_H

#include "crm.h"

#include "live/not_live.h"
#include "utils/rel.h"

extern List *live_tables(Relation view, bool on_shards, NotLive *why);

#endif /* CRM_LIVE_LIVE_TABLES_H */
