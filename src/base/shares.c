/*
 * shares.c: the message about a share that is none.
 */
#include "crm.h"

#include "base/decimal.h"
#include "base/shares.h"

/* An argument is not what its rule says, a sentence. */
void
share_out_of_range(const char *name, double value, const char *rule)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s %s is out of range", name, float8_text(value)), errdetail("%s", rule)));
	pg_unreachable();
}
