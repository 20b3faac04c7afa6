/*
 * tracked_write.c: the only way by which a row of crm.tracked comes, changes
 * and goes, but for a restored dump. Nobody has the right to do so by a statement: it would
 * be the right to lock the rows of others, too, and with them their orders.
 */
#include "crm.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "live/owner.h"
#include "live/tracked.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* Run one statement. */
static void
execute(const char *command, int nargs, Oid *types, Datum *values, const bool *isnull)
{
	char nulls[3];

	for (int i = 0; i < nargs; i++)
		nulls[i] = isnull[i] ? 'n' : ' ';
	if (SPI_execute_with_args(command, nargs, types, values, nulls, false, 0) < 0)
		elog(ERROR, "could not run: %s", command);
}

/* The statement that sets some columns of a row to those of another. */
static char *
update_command(ArrayType *columns)
{
	StringInfoData set;
	StringInfoData from;
	Datum		  *names;
	bool		  *nulls;
	int			   n;

	deconstruct_array(columns, TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &n);
	if (n == 0 || array_contains_nulls(columns))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("columns to change must be named")));
	initStringInfo(&set);
	initStringInfo(&from);
	for (int i = 0; i < n; i++)
	{
		const char *name = quote_identifier(TextDatumGetCString(names[i]));

		appendStringInfo(&set, "%s%s", i > 0 ? ", " : "", name);
		appendStringInfo(&from, "%s($2).%s", i > 0 ? ", " : "", name);
	}
	return psprintf("UPDATE crm.tracked SET (%s) = (SELECT %s) WHERE purchases = $1", set.data,
					from.data);
}

/*
 * (purchases regclass, tracking crm.tracked, columns text[]) -> void: put a
 * tracking into the catalogue, change the named columns of its row, or, if the
 * tracking is NULL, take it out. The caller owns all of its relations, those
 * from before and those from now on.
 */
PG_FUNCTION_INFO_V1(crm_write_tracked);
Datum
crm_write_tracked(PG_FUNCTION_ARGS)
{
	Oid			catalogue = tracked_relid();
	Oid			types[2] = {REGCLASSOID, get_rel_type_id(catalogue)};
	Datum		values[2] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	const bool	nulls[2] = {PG_ARGISNULL(0), PG_ARGISNULL(1)};
	OwnerSwitch before;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("purchases view of a tracking cannot be null")));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	/* The check stands beside this function, in whichever schema the installed version has them. */
	execute(
		psprintf("SELECT %s.check_tracked((SELECT t FROM crm.tracked t WHERE "
				 "t.purchases::pg_catalog.oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid), $2)",
				 quote_identifier(get_namespace_name(get_func_namespace(fcinfo->flinfo->fn_oid)))),
		2, types, values, nulls);

	before = become_owner(catalogue);
	if (PG_ARGISNULL(1))
		execute("DELETE FROM crm.tracked WHERE purchases = $1", 1, types, values, nulls);
	else if (PG_ARGISNULL(2))
		execute("INSERT INTO crm.tracked SELECT ($2).*", 2, types, values, nulls);
	else
		execute(update_command(PG_GETARG_ARRAYTYPE_P(2)), 2, types, values, nulls);
	become_caller(&before);
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * (histories regclass, last_key text[]) -> void: the key up to which a refresh
 * has come, kept where the owner of the histories alone sees it; NULL when it
 * is at the end.
 */
PG_FUNCTION_INFO_V1(crm_write_refresh_position);
Datum
crm_write_refresh_position(PG_FUNCTION_ARGS)
{
	Oid			types[2] = {REGCLASSOID, TEXTARRAYOID};
	Datum		values[2] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	const bool	nulls[2] = {PG_ARGISNULL(0), PG_ARGISNULL(1)};
	OwnerSwitch before;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("histories cannot be null")));
	CheckOwner(PG_GETARG_OID(0));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	before = become_owner(tracked_relid());
	if (PG_ARGISNULL(1))
		execute("DELETE FROM crm.refresh_position WHERE histories = $1", 1, types, values, nulls);
	else
		execute("INSERT INTO crm.refresh_position VALUES ($1, $2) "
				"ON CONFLICT (histories) DO UPDATE SET last_key = excluded.last_key",
				2, types, values, nulls);
	become_caller(&before);
	SPI_finish();
	PG_RETURN_VOID();
}
