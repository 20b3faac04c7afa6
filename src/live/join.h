/*
 * join.h: purchases views that join tables, kept by triggers.
 *
 * Such a view is a driving table and tables that are looked up: each by
 * equality with all columns of one of its unique keys, so that a row of the
 * driving table gives one purchase at most, inner or left, over several levels.
 *
 * What a statement means. The rows that it brought and took are put together
 * over all tables of the view (changed.c): statements that run within each
 * other, as writable CTEs, cascades and triggers do, count as one when the last
 * of them ends (statements.c). With old(d) the purchase of a driving row d as
 * the looked-up tables were before, new(d) as they are now, the histories lose
 * and get
 *
 *     sum of new(d) - old(d) over the driving rows that look up a changed row
 *     + sum of old(d) over the driving rows that came
 *     - sum of old(d) over those that went
 *
 * in which a driving row that came and looks up a changed row counts new(d), as
 * it must. Nothing but the sum is needed: no row has to be recognised.
 *
 * What is locked. Tables are numbered in the order of look-up, the driving
 * table first. A statement on a table holds the changed rows against everybody,
 * and holds still those rows that it looks up in tables of a higher number: it
 * reads them after it has the lock. Of two statements on tables i < j that meet
 * in a purchase the first one so waits for the second, or the second for the
 * first, and who comes later sees what the other wrote.
 *
 *   - A row that determines the customer is locked FOR NO KEY UPDATE, as an
 *     update of it does: its customer's history lets one session in at a time
 *     anyway, and sessions that add a line and then change its header wait
 *     instead of deadlocking.
 *   - Of other tables the key is held, whether it has a row or not: by a lock on
 *     a part of the table's keys, in share mode. A statement that has brought,
 *     taken or changed a row in what the view uses takes that lock in a mode that
 *     conflicts with this one and not with itself, before it reads the driving
 *     rows. Updates of other columns pass.
 *   - The key of a row that would determine the customer, but is not there, too.
 *
 * FOR KEY SHARE would not do instead. It holds a row still together with the
 * version of an update in progress; but when that update rolls back while it is
 * waited for, and another one makes a version of its own, PostgreSQL locks the
 * old row alone: that other update does not know of the lock, nor we of it.
 *
 * Rows are read by the latest snapshot at every isolation level, as foreign
 * keys do; under REPEATABLE READ and SERIALIZABLE the histories themselves
 * refuse what another session has changed since.
 */
#ifndef CRM_LIVE_JOIN_H
#define CRM_LIVE_JOIN_H

#include "crm.h"

#include "live/delta.h"
#include "live/statements.h"
#include "live/tracked.h"
#include "live/view.h"
#include "nodes/execnodes.h"
#include "utils/tuplestore.h"

/* ---- join_keys.c: keys as one side of a join has them ---- */

typedef struct JoinKeys
{
	int		  n;
	Oid		 *types;
	Oid		 *collations;
	int16	 *lengths;
	bool	 *by_value;
	FmgrInfo *equal; /* of two of this side */
	FmgrInfo *hash;	 /* the same for equal keys of both sides */
	FmgrInfo *order;
} JoinKeys;

/* Things found by the hash of their keys, in chains. */
typedef struct KeyChain
{
	uint32 hash;
	void  *first;
} KeyChain;

extern uint32 join_keys_hash(const JoinKeys *keys, const Datum *values);
extern bool join_keys_equal(const JoinKeys *keys, FmgrInfo *equal, const Datum *a, const Datum *b);
extern int	join_keys_compare(const JoinKeys *keys, const Datum *a, const Datum *b);
extern Datum *join_keys_copy(const JoinKeys *keys, const Datum *values);
extern HTAB	 *key_chains_create(const char *name, MemoryContext context);
extern void **key_chain(HTAB *chains, uint32 hash, bool create);

/* ---- join_plan.c: a view as a driving table and tables that are looked up ---- */

typedef struct JoinTable
{
	Oid			relid;
	int			offset; /* of its columns in the joined row */
	int			ncolumns;
	AttrNumber *columns; /* that the view uses, in ascending order */
	AttrNumber	last_column;

	/* of a table that is looked up */
	bool  outer;
	bool  has_customer; /* its row determines the customer, and depends on the driving row alone */
	bool  from_driving; /* its keys come from the driving row alone */
	Oid	  index;
	int	 *key_columns;	  /* of the index, as positions in columns */
	List *keys;			  /* what they are equal to: expressions over the joined row */
	JoinKeys  own;		  /* as the table has them */
	JoinKeys  given;	  /* as the expressions give them */
	FmgrInfo *equal;	  /* own = given */
	List	 *conditions; /* of a left join, beside its keys */

	/* the way back: from its keys to the rows that look it up, if these are columns of one table */
	int			parent; /* number of that table, or -1 */
	AttrNumber *parent_columns;
	Oid			parent_index; /* on those columns, or InvalidOid */
	int			parent_nkeys; /* of its columns, how many are such */
	int		   *parent_keys;  /* the key of each */
	FmgrInfo   *parent_equal; /* column = key */
	Oid		   *parent_collations;
} JoinTable;

/* An aggregate of a view that groups: a sum, or a count of rows that have a value. */
typedef struct JoinSum
{
	Expr *value;  /* numeric, over the joined row; NULL counts all rows */
	List *filter; /* which rows count */
	bool  counts;
	Oid	  type; /* int8 or numeric */
} JoinSum;

/* The groups of such a view: a header with its lines, which are the driving rows. */
typedef struct JoinGroups
{
	int		  header;  /* number of the table by whose key it groups */
	int		 *columns; /* that the lines know it by, as positions in the driving table's columns */
	List	 *conditions; /* of the joins and WHERE: which joined rows count */
	int		  nsums;
	JoinSum	 *sums;
	TupleDesc row; /* the joined row, and the sums behind it */
} JoinGroups;

typedef struct JoinPlan
{
	int				  ntables;
	JoinTable		 *tables; /* in the order of look-up */
	TupleDesc		  row;	  /* the columns of all tables side by side */
	JoinGroups		 *groups; /* NULL if every joined row is a purchase */
	const ReaderPlan *reader; /* over the joined row, or that of groups */
} JoinPlan;

extern const JoinPlan *join_plan(Relation view, const Tracked *tracked);

/* ---- changed.c: rows of a looked-up table that came and went ---- */

typedef struct ChangedRow
{
	struct ChangedRow *next; /* with the same hash */
	struct ChangedRow *later;
	bool			   is_new;
	bool			   cancelled; /* by one that is equal in what the view uses */
	uint32			   hash;
	Datum			  *keys;
	Datum			  *values;
	bool			  *nulls;
} ChangedRow;

typedef struct ChangedRows
{
	const JoinTable *table;
	MemoryContext	 context;
	HTAB			*chains;
	ChangedRow		*first;
	int64			 n;		  /* not cancelled */
	bool			 emptied; /* all rows of the table went: none stands here */
} ChangedRows;

extern void join_project(const JoinTable *table, TupleTableSlot *row, Datum *values, bool *nulls);
extern bool join_same_columns(const JoinTable *table, TupleTableSlot *a, TupleTableSlot *b);
extern ChangedRows *changed_rows_create(const JoinTable *table);
extern void			changed_rows_add(ChangedRows *changed, TupleTableSlot *row, bool is_new);
extern bool			changed_rows_find(const ChangedRows *changed, const Datum *given,
									  const ChangedRow **was, const ChangedRow **is);
extern bool			changed_rows_has_pair(const ChangedRows *changed, const ChangedRow *row);

/* ---- lookup.c: rows that are looked up, and held ---- */

typedef struct JoinReader JoinReader;

typedef enum JoinTime
{
	BEFORE_STATEMENT,
	AFTER_STATEMENT
} JoinTime;

extern JoinReader *join_reader_create(const JoinPlan *plan, const List *gone);
extern Relation	   join_reader_table(JoinReader *reader, int table);
extern void		   join_reader_set_changed(JoinReader *reader, int table, ChangedRows *changed);
extern void		   join_reader_hold_changed(JoinReader *reader, int first_changed);
extern void		   join_reader_collect(JoinReader *reader, TupleTableSlot *driving);
extern void		   join_reader_hold_collected(JoinReader *reader);
extern Snapshot	   join_reader_snapshot(JoinReader *reader);
extern void		   join_reader_renew(JoinReader *reader);
extern bool		   join_reader_read(JoinReader *reader, TupleTableSlot *driving, JoinTime when,
									Datum *keys, ViewRow *said);
extern bool		   join_reader_join(JoinReader *reader, const Datum *values, const bool *nulls,
									JoinTime when);
extern bool		   join_reader_read_group(JoinReader *reader, TupleTableSlot *group, Datum *keys,
										  ViewRow *said);
extern bool		   join_reader_touched(JoinReader *reader);
extern TupleTableSlot *join_reader_row(JoinReader *reader);
extern void			   join_reader_free(JoinReader *reader);

/* ---- join.c: what changes of the tables of a view mean to its histories ---- */

/* Some changes on their way into the deltas. */
typedef struct JoinRun
{
	const JoinPlan *plan;
	JoinReader	   *reader;
	const List	   *changes; /* TableChange, some of other views' tables */
	Deltas		   *deltas;
	ChangedRows	  **changed; /* of each looked-up table, NULL for none */
	int				first_changed;
	MemoryContext	home;	/* of the deltas */
	HTAB		   *seen;	/* driving rows by place, if several ways may lead to one */
	struct Groups  *groups; /* those that changed, of a view that groups */
} JoinRun;

typedef void (*FoundRow)(JoinRun *run, int table, TupleTableSlot *row, void *of);

extern void join_add_delta(JoinRun *run, const Datum *keys, const ViewRow *said, bool went);
extern void join_scan_parent(JoinRun *run, int table, const List *keys, FoundRow found, void *of);
extern void join_scan_driving(JoinRun *run, FoundRow found, void *of);
extern bool join_is_scan_faster(JoinRun *run, const List *keys);

/* ---- group.c: headers whose sums change ---- */

extern struct Groups *groups_create(const JoinPlan *plan);
extern void			  groups_add_driving(struct Groups *groups, TupleTableSlot *row, bool is_new);
extern void			  groups_touch(struct Groups *groups, TupleTableSlot *row);
extern void			  groups_touch_key(struct Groups *groups, const Datum *key);
extern void			  groups_add_deltas(JoinRun *run, bool emptied);

extern void join_read_changes(const JoinPlan *plan, const List *changes, const List *gone,
							  Deltas *deltas);

#endif /* CRM_LIVE_JOIN_H */
