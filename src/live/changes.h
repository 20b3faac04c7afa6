/*
 * changes.h: the log of segments and tiers that changed.
 */
#ifndef CRM_LIVE_CHANGES_H
#define CRM_LIVE_CHANGES_H

#include "crm.h"

#include "utils/rel.h"

typedef struct ChangeLog ChangeLog;

extern ChangeLog *change_log_open(Oid changes, Relation histories, Relation index, const char *why);
extern void	 change_log_add(ChangeLog *log, const Datum *keys, const char *what, Datum old_value,
							bool old_null, Datum new_value, bool new_null);
extern bool	 change_log_wrote(ChangeLog *log);
extern int64 change_log_close(ChangeLog *log);

#endif /* CRM_LIVE_CHANGES_H */
