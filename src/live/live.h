/*
 * live.h: what keeps the histories of tracked customers true, statement by
 * statement.
 *
 * How a change flows: transition rows -> PurchaseReader (the view's own
 * expressions) -> Deltas (sorted by customer) -> Histories (one upsert a
 * customer, in key order, scored on the way by the rules and by what was
 * decided on the tier) -> the log of changes. A decision takes the same way
 * with nothing but the keys.
 */
#ifndef CRM_LIVE_H
#define CRM_LIVE_H

#include "crm.h"

#include "access/attnum.h"
#include "access/genam.h"
#include "access/skey.h"
#include "executor/tuptable.h"
#include "nodes/parsenodes.h"
#include "history/purchase_history.h"
#include "storage/lockdefs.h"
#include "tiers/tier_program.h"
#include "utils/array.h"
#include "utils/rel.h"

/* ---- tracked.c: the rows of crm.tracked ---- */

typedef struct Tracked
{
	Oid	  purchases;
	Oid	  source;
	List *joined; /* tables that the view joins to it, OIDs; NIL if it reads one table */
	Oid	  histories;
	Oid	  scoring;
	Oid	  changes; /* InvalidOid if changes are not recorded */
	bool  notify;
	Oid	  decisions;	 /* InvalidOid if decisions on tiers are not kept */
	bool  by_invitation; /* who has no membership holds no tier */
} Tracked;

extern Oid		   tracked_relid(void);
extern const List *tracked_by_table(Oid table);
extern Tracked	  *tracked_by_histories(Oid histories);
extern Tracked	  *tracked_by_decisions(Oid decisions);

/* ---- catalog.c: what tables have to be like, and who the upkeep runs as ---- */

/* What has to be put back when the upkeep is done. */
typedef struct OwnerSwitch
{
	Oid userid;
	int sec_context;
	int guc_level;
} OwnerSwitch;

extern Oid		   relation_owner(Oid relid);
extern Relation	   open_plain_table(Oid relid, LOCKMODE lock);
extern AttrNumber  column_of_name(Relation rel, const char *name);
extern AttrNumber  column_of_type(Relation rel, const char *name, Oid type);
extern void		   CheckKeyColumn(Relation rel, AttrNumber column, Form_pg_attribute key);
extern Oid		   crm_type(const char *name);
extern void		   CheckOwner(Oid relid);
extern OwnerSwitch become_owner(Oid relid);
extern void		   become_caller(const OwnerSwitch *before);

/* ---- keys.c: the keys of a customer, and index scans by them ---- */

/* How keys compare, in the order of the primary key of the histories. */
typedef struct CustomerKeys
{
	int		   n;
	AttrNumber columns[INDEX_MAX_KEYS]; /* of the table that is indexed */
	Oid		   collations[INDEX_MAX_KEYS];
	Oid		   less[INDEX_MAX_KEYS];
	FmgrInfo  *equal;
} CustomerKeys;

extern void			 customer_keys_init(CustomerKeys *keys, Relation index);
extern IndexScanDesc keys_begin_scan(Relation rel, Relation index, Snapshot snapshot,
									 int nconditions);
extern void			 keys_init_equal(const CustomerKeys *keys, ScanKey conditions);
extern void			 keys_init_after(Relation index, int nkeys, const Datum *after, ScanKey header,
									 ScanKey members);

/* ---- layout.c: where a table of histories has what ---- */

typedef enum ScoreColumn
{
	SCORE_RFM,
	SCORE_RECENCY,
	SCORE_FREQUENCY,
	SCORE_MONETARY,
	SCORE_SEGMENT,
	SCORE_SEGMENT_RANK,
	SCORE_TIER,
	SCORE_P_ALIVE,
	SCORE_EXPECTED_PURCHASES,
	SCORE_CLV,
	SCORE_EXPECTED_NEXT_PURCHASE_ON,
	SCORE_COLUMNS
} ScoreColumn;

typedef struct HistoriesLayout
{
	CustomerKeys keys;
	AttrNumber	 history;
	AttrNumber	 scores[SCORE_COLUMNS];
	AttrNumber	 scored_on;
	AttrNumber	 updated_at;
	Bitmapset	*written; /* columns that an update may change, as the executor counts them */
	Bitmapset	*given;	  /* those and the keys */
	TupleDesc	 deltas;  /* for delta.c */
} HistoriesLayout;

extern const HistoriesLayout *histories_layout(Relation histories, Relation index);

/* ---- view.c: a purchases view as expressions over one table's rows ---- */

/* The parts of a purchases view; columns are 1-based, orders 0 if it has none. */
typedef struct PurchasesColumns
{
	int		   nkeys;
	AttrNumber keys[INDEX_MAX_KEYS];
	AttrNumber purchased_on;
	AttrNumber amount;
	AttrNumber orders;
} PurchasesColumns;

typedef struct ReaderPlan	  ReaderPlan; /* what a reader is made of */
typedef struct PurchaseReader PurchaseReader;

extern void			   purchases_columns(Relation view, PurchasesColumns *columns);
extern PurchaseReader *purchase_reader_create(Relation view, Relation source, Relation rows_of);
extern bool purchase_reader_read(PurchaseReader *reader, TupleTableSlot *row, Datum *keys,
								 PurchaseDay *purchase);
extern const ReaderPlan *reader_plan_make(Relation view, Query *query);
extern bool				 reader_plan_fits(const ReaderPlan *plan, const HistoriesLayout *layout);
extern PurchaseReader	*purchase_reader_of_plan(const ReaderPlan *plan, TupleDesc rows);
extern const ReaderPlan *purchase_reader_plan(const PurchaseReader *reader);
extern void				 purchase_reader_free(PurchaseReader *reader);

/* ---- delta.c: what came and what went, by customer ---- */

/* All changes of one customer; the keys belong to the Deltas until the next one is asked for. */
typedef struct CustomerDelta
{
	Datum			*keys;
	PurchaseHistory *came;
	PurchaseHistory *went;
} CustomerDelta;

typedef struct Deltas Deltas;

extern TupleDesc deltas_descriptor(Relation histories, const CustomerKeys *keys);
extern Deltas	*deltas_create(const HistoriesLayout *layout);
extern void deltas_add(Deltas *deltas, const Datum *keys, const PurchaseDay *purchase, bool went);
extern void deltas_touch(Deltas *deltas, const Datum *keys);
extern bool deltas_next(Deltas *deltas, CustomerDelta *delta);
extern void deltas_free(Deltas *deltas);

/* ---- decisions.c: what was decided on the tiers of customers ---- */

/* Of one customer: crm.tier_override[], NULL for none; daterange[], NULL if the program is no club. */
typedef struct CustomerDecisions
{
	ArrayType *overrides;
	ArrayType *memberships;
} CustomerDecisions;

/* Where a table of decisions has what. */
typedef struct DecisionsLayout
{
	CustomerKeys keys;
	AttrNumber	 what;
	AttrNumber	 tier;
	AttrNumber	 valid;
	Oid			 index; /* on the keys, ordered as the histories' primary key is */
} DecisionsLayout;

typedef struct Decisions Decisions;

extern const DecisionsLayout *decisions_layout(Relation decisions, Relation histories,
											   Relation index);
extern Decisions *decisions_open(Oid relid, bool by_invitation, Relation histories, Relation index);
extern void		  decisions_ignore_rows(Decisions *decisions);
extern void		  decisions_renew_snapshot(Decisions *decisions);
extern void decisions_read(Decisions *decisions, const Datum *keys, CustomerDecisions *decided);
extern void decisions_read_now(Decisions *decisions, const Datum *keys, CustomerDecisions *decided);
extern void decisions_start_in_order(Decisions *decisions, const Datum *after);
extern void decisions_read_next(Decisions *decisions, const Datum *keys,
								CustomerDecisions *decided);
extern void decisions_close(Decisions *decisions);
extern bool same_decisions(const CustomerDecisions *a, const CustomerDecisions *b);
extern ArrayType *known_overrides(const TierProgram *program, ArrayType *overrides);

/* ---- score.c: the one place that scores a customer ---- */

/* In the order of crm.customer_score. */
typedef struct Score
{
	Datum values[SCORE_COLUMNS];
	bool  nulls[SCORE_COLUMNS];
} Score;

typedef struct ScoringRules ScoringRules;
typedef struct ScoringRule	ScoringRule;

extern const char *const score_column_names[SCORE_COLUMNS];
extern const Oid		 score_column_types[SCORE_COLUMNS];

extern void score_customer(const ScoringRule *rule, Datum history, DateADT as_of,
						   const CustomerDecisions *decided, Score *score);

/* ---- rules.c: the rules that a tracking scores by ---- */

extern ScoringRules		 *scoring_rules_read(Oid scoring, Relation histories, Relation index);
extern ScoringRule		 *scoring_rule_of(ScoringRules *rules, const Datum *keys);
extern DateADT			  scoring_today(ScoringRule *rule);
extern DateADT			  scoring_refresh_day(ScoringRule *rule);
extern bool				  scoring_rule_has_tiers(const ScoringRule *rule);
extern const TierProgram *scoring_rule_program(const ScoringRule *rule);

/* ---- changes.c: the log of segments that changed ---- */

typedef struct ChangeLog ChangeLog;

extern ChangeLog *change_log_open(Oid changes, Relation histories, Relation index, const char *why);
extern void	 change_log_add(ChangeLog *log, const Datum *keys, const char *what, Datum old_value,
							bool old_null, Datum new_value, bool new_null);
extern bool	 change_log_wrote(ChangeLog *log);
extern int64 change_log_close(ChangeLog *log);

/* ---- histories.c: the table of histories, written a customer at a time ---- */

typedef struct Histories Histories;

/* Some customers in key order that are to be scored anew. */
typedef struct RescoreBatch
{
	const Datum *after; /* the key before the first, or NULL to start with the first of all */
	int64		 limit;
	Datum		*last; /* of those looked at; NULL if there are no more behind */
	int64		 read;
	int64		 written;
} RescoreBatch;

extern Histories			 *histories_open(const Tracked *tracked, const char *why);
extern Relation				  histories_index(Histories *histories);
extern Relation				  histories_relation(Histories *histories);
extern void					  histories_apply(Histories *histories, const CustomerDelta *delta);
extern const HistoriesLayout *histories_layout_of(Histories *histories);
extern ScoringRule			 *histories_rule_of(Histories *histories, const Datum *keys);
extern void					  histories_ignore_decisions(Histories *histories);
extern void					  histories_renew_snapshot(Histories *histories);
extern void					  histories_decide(Histories *histories, const Datum *keys);
extern void					  histories_rescore_batch(Histories *histories, RescoreBatch *batch);
extern int64				  histories_close(Histories *histories);

/* ---- track.c: what both kinds of triggers share ---- */

extern void CheckTrackingComplete(const Tracked *tracked, Relation rel, const char *column);
extern void CheckSameOwner(Relation view, Relation histories);
extern void CheckOwnerOfSource(Relation source, Relation histories);
extern void CheckSameKeys(const ReaderPlan *plan, Relation view, Histories *histories);
extern void notify_listeners(const Tracked *tracked);

/* The owner must not be subject to policies of a table that is kept for everybody. */
static inline void
CheckNoForcedRowSecurity(Relation rel, const char *problem)
{
	if (rel->rd_rel->relrowsecurity && rel->rd_rel->relforcerowsecurity)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s under forced row-level security", problem),
			 errdetail("Table \"%s\" has FORCE ROW LEVEL SECURITY.", RelationGetRelationName(rel)),
			 errhint("Use ALTER TABLE ... NO FORCE ROW LEVEL SECURITY; policies still hold for "
					 "everybody but the owner.")));
}

#endif /* CRM_LIVE_H */
