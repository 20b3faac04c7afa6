/*
 * json.h: the jsonb forms of values, which are written as JSON text.
 */
#ifndef CRM_JSON_H
#define CRM_JSON_H

#include "crm.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"

/* What was written, as jsonb. */
static inline Datum
jsonb_of_text(StringInfo json)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json->data));
}

/* "key":"value" with a separator before it; the value is of a field of some size, which may lack its end. */
static inline void
append_json_field(StringInfo json, const char *separator, const char *key, const char *value,
				  size_t size)
{
	appendStringInfo(json, "%s\"%s\":", separator, key);
	escape_json(json, pnstrdup(value, strnlen(value, size)));
}

#endif /* CRM_JSON_H */
