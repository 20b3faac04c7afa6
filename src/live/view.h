/*
 * view.h: a purchases view as expressions over one table's rows.
 */
#ifndef CRM_LIVE_VIEW_H
#define CRM_LIVE_VIEW_H

#include "crm.h"

#include "access/attnum.h"
#include "executor/tuptable.h"
#include "live/bought.h"
#include "live/layout.h"
#include "nodes/parsenodes.h"

/* The parts of a purchases view; columns are 1-based, orders, booked_on and category 0 if it has none. */
typedef struct PurchasesColumns
{
	int		   nkeys;
	AttrNumber keys[INDEX_MAX_KEYS];
	AttrNumber purchased_on;
	AttrNumber amount;
	AttrNumber orders;
	AttrNumber booked_on;
	AttrNumber category;
} PurchasesColumns;

typedef struct ReaderPlan	  ReaderPlan; /* what a reader is made of */
typedef struct PurchaseReader PurchaseReader;

extern void			   purchases_columns(Relation view, PurchasesColumns *columns);
extern PurchaseReader *purchase_reader_create(Relation view, Relation source, Relation rows_of);
extern bool purchase_reader_read(PurchaseReader *reader, TupleTableSlot *row, Datum *keys,
								 ViewRow *said);
extern const ReaderPlan *reader_plan_make(Relation view, Query *query);
extern bool				 reader_plan_fits(const ReaderPlan *plan, const HistoriesLayout *layout);
extern PurchaseReader	*purchase_reader_of_plan(const ReaderPlan *plan, TupleDesc rows);
extern const ReaderPlan *purchase_reader_plan(const PurchaseReader *reader);
extern void				 purchase_reader_free(PurchaseReader *reader);

#endif /* CRM_LIVE_VIEW_H */
