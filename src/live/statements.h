/*
 * statements.h: statements on tracked tables that run within each other.
 */
#ifndef CRM_LIVE_STATEMENTS_H
#define CRM_LIVE_STATEMENTS_H

#include "crm.h"

#include "live/event.h"

/* Rows of a table that an event brought and took. */
typedef struct TableChange
{
	Oid				 relid;
	Oid				 root;		/* the table that it is a partition of, or itself */
	bool			 is_update; /* then the rows of both stand side by side */
	bool			 emptied;	/* by TRUNCATE: all that are there went */
	Tuplestorestate *old_rows;	/* NULL for none */
	Tuplestorestate *new_rows;
} TableChange;

extern void	 statement_begins(Oid relid);
extern bool	 statement_ended(Oid relid);
extern bool	 statements_run(void);
extern List *statements_tables(void);
extern void	 statement_keep(const TableChange *change, Relation rel);
extern void	 statement_keep_row(const TableChange *change, TupleTableSlot *old_row,
								TupleTableSlot *new_row);
extern void	 statement_keep_table(Relation rel, Oid root);
extern List *statements_take(void);
extern void	 changes_free(const List *changes);
extern void	 truncate_begins(Oid relid);
extern void	 truncate_ended(Oid relid);
extern List *tables_truncated(void);

#endif /* CRM_LIVE_STATEMENTS_H */
