/*
 * raise_error.c: how PL/pgSQL functions of the extension raise an error: as C
 * does, without context lines of their own.
 */
#include "crm.h"

#include "utils/builtins.h"

/* The conditions that they raise, by the names that RAISE has for them. */
static const struct
{
	const char *name;
	int			sqlstate;
} conditions[] = {
	{"active_sql_transaction", ERRCODE_ACTIVE_SQL_TRANSACTION},
	{"ambiguous_parameter", ERRCODE_AMBIGUOUS_PARAMETER},
	{"datatype_mismatch", ERRCODE_DATATYPE_MISMATCH},
	{"duplicate_column", ERRCODE_DUPLICATE_COLUMN},
	{"duplicate_object", ERRCODE_DUPLICATE_OBJECT},
	{"feature_not_supported", ERRCODE_FEATURE_NOT_SUPPORTED},
	{"insufficient_privilege", ERRCODE_INSUFFICIENT_PRIVILEGE},
	{"invalid_parameter_value", ERRCODE_INVALID_PARAMETER_VALUE},
	{"null_value_not_allowed", ERRCODE_NULL_VALUE_NOT_ALLOWED},
	{"object_not_in_prerequisite_state", ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE},
	{"undefined_column", ERRCODE_UNDEFINED_COLUMN},
	{"undefined_function", ERRCODE_UNDEFINED_FUNCTION},
	{"undefined_object", ERRCODE_UNDEFINED_OBJECT},
	{"undefined_table", ERRCODE_UNDEFINED_TABLE},
	{"wrong_object_type", ERRCODE_WRONG_OBJECT_TYPE},
};

/* The SQLSTATE of a condition. */
static int
sqlstate_of(const char *name)
{
	for (size_t i = 0; i < lengthof(conditions); i++)
		if (strcmp(conditions[i].name, name) == 0)
			return conditions[i].sqlstate;
	elog(ERROR, "there is no condition \"%s\"", name);
}

/* An argument as a C string, NULL where it is null or empty. */
static const char *
argument_words(FunctionCallInfo fcinfo, int argument)
{
	const char *words = PG_ARGISNULL(argument) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(argument));

	return words[0] == '\0' ? NULL : words;
}

/*
 * (condition text, message text, detail text, hint text): an error; no detail
 * or hint where that is null or empty. Does not return.
 */
PG_FUNCTION_INFO_V1(crm_raise_error);
Datum
crm_raise_error(PG_FUNCTION_ARGS)
{
	const char *condition = argument_words(fcinfo, 0);
	const char *message = argument_words(fcinfo, 1);
	const char *detail = argument_words(fcinfo, 2);
	const char *hint = argument_words(fcinfo, 3);

	if (condition == NULL || message == NULL)
		elog(ERROR, "an error needs a condition and a message");
	ereport(ERROR, (errcode(sqlstate_of(condition)), errmsg("%s", message),
					detail ? errdetail("%s", detail) : 0, hint ? errhint("%s", hint) : 0));
}
