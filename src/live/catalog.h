/*
 * catalog.h: what tables have to be like that serve a tracking.
 */
#ifndef CRM_LIVE_CATALOG_H
#define CRM_LIVE_CATALOG_H

#include "crm.h"

#include "access/attnum.h"
#include "catalog/pg_attribute.h"
#include "storage/lockdefs.h"
#include "utils/rel.h"

extern Relation	  open_plain_table(Oid relid, LOCKMODE lock);
extern AttrNumber column_of_name(Relation rel, const char *name);
extern AttrNumber column_of_type(Relation rel, const char *name, Oid type);
extern void		  CheckKeyColumn(Relation rel, AttrNumber column, Form_pg_attribute key);
extern Oid		  crm_type_if_any(const char *name);
extern Oid		  crm_type(const char *name);

#endif /* CRM_LIVE_CATALOG_H */
