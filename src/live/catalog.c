/*
 * catalog.c: what the tables of a tracking have to be like.
 */
#include "crm.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "live/catalog.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* ---- what an owner may have made of the tables: crm.tracked names any, and their columns change ---- */

/* A table with rows of its own, and not a view or a partitioned table. */
Relation
open_plain_table(Oid relid, LOCKMODE lock)
{
	Relation rel = table_open(relid, lock);

	if (rel->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" cannot serve a tracking: it is not a plain table",
							   RelationGetRelationName(rel))));
	return rel;
}

/* A type of the extension; InvalidOid if it came after the release that is installed. */
Oid
crm_type_if_any(const char *name)
{
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
						   ObjectIdGetDatum(get_namespace_oid("crm", false)));
}

/* A type of the extension. */
Oid
crm_type(const char *name)
{
	Oid type = crm_type_if_any(name);

	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("type crm.%s does not exist", name)));
	return type;
}

/* What columns of a tracking's tables were called before 0.3.0, which this library may serve too. */
static const char *const renamed_columns[][2] = {
	{"expected_next_purchase_on", "expected_next_order_on"},
	{"annual_discount_rate", "discount_rate"},
	{"changed_at", "at"},
};

/* The number of a column by its name, or by the one that it had before; 0 if there is none. */
AttrNumber
column_of_name(Relation rel, const char *name)
{
	AttrNumber column = get_attnum(RelationGetRelid(rel), name);

	for (size_t i = 0; column == InvalidAttrNumber && i < lengthof(renamed_columns); i++)
		if (strcmp(renamed_columns[i][0], name) == 0)
			column = get_attnum(RelationGetRelid(rel), renamed_columns[i][1]);
	return column;
}

/* A column by its name, whose values are stored as those of a type. */
AttrNumber
column_of_type(Relation rel, const char *name, Oid type)
{
	AttrNumber column = column_of_name(rel, name);
	Oid		   found;

	if (column <= 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("table \"%s\" of a tracking has no column \"%s\"",
							   RelationGetRelationName(rel), name)));
	found = TupleDescAttr(RelationGetDescr(rel), column - 1)->atttypid;
	if (found != type && !IsBinaryCoercible(found, type))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"%s\" of \"%s\" has type %s", name,
							   RelationGetRelationName(rel), format_type_be(found)),
						errdetail("A tracking needs type %s there.", format_type_be(type))));
	return column;
}

/* A column for a key of customers has the type that the key has in the histories. */
void
CheckKeyColumn(Relation rel, AttrNumber column, Form_pg_attribute key)
{
	Form_pg_attribute own = TupleDescAttr(RelationGetDescr(rel), column - 1);

	if (own->atttypid != key->atttypid)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of \"%s\" has type %s", NameStr(own->attname),
						RelationGetRelationName(rel), format_type_be(own->atttypid)),
				 errdetail("In the histories it has type %s.", format_type_be(key->atttypid))));
}
