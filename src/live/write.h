/*
 * write.h: writing single rows of a table as INSERT, UPDATE and DELETE do.
 */
#ifndef CRM_LIVE_WRITE_H
#define CRM_LIVE_WRITE_H

#include "crm.h"

#include "executor/tuptable.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

typedef struct RowWriter RowWriter;

extern RowWriter *row_writer_create(Relation rel, Relation index, Bitmapset *updated,
									const Bitmapset *given);
extern void		  row_writer_set_defaults(RowWriter *writer, TupleTableSlot *row);
extern bool		  row_writer_insert(RowWriter *writer, TupleTableSlot *row);
extern void		  row_writer_append(RowWriter *writer, TupleTableSlot *row);
extern bool		  row_writer_hold_key(RowWriter *writer, TupleTableSlot *row, Snapshot snapshot);
extern bool		  row_writer_update(RowWriter *writer, ItemPointer tid, TupleTableSlot *row,
									Snapshot snapshot);
extern void		  row_writer_row_done(RowWriter *writer);
extern void		  row_writer_free(RowWriter *writer);

#endif /* CRM_LIVE_WRITE_H */
