/*
 * statements.h: statements on joined tables that run within each other.
 */
#ifndef CRM_LIVE_STATEMENTS_H
#define CRM_LIVE_STATEMENTS_H

#include "crm.h"

#include "live/event.h"
#include "live/join.h"

extern void	 statement_begins(Oid relid);
extern bool	 statement_ended(Oid relid);
extern bool	 statements_run(void);
extern void	 statement_keep(const TableChange *change, Relation rel);
extern List *statements_take(void);
extern void	 changes_free(const List *changes);
extern void	 truncate_begins(Oid relid);
extern void	 truncate_ended(Oid relid);
extern List *tables_truncated(void);

#endif /* CRM_LIVE_STATEMENTS_H */
