/*
 * holdout.c: who is left out of a program, to see what would have happened
 * anyway.
 */
#include "crm.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "base/shares.h"
#include "contact/holdout.h"
#include "utils/builtins.h"

/* Append a text as UTF-8, whatever the encoding of the database. */
static void
append_utf8(StringInfo out, const char *text, int len)
{
	char *utf8 = pg_server_to_any(text, len, PG_UTF8);

	appendBinaryStringInfo(out, utf8, utf8 == text ? len : (int) strlen(utf8));
}

/*
 * A number in [0, 1) that depends on key and salt alone: the first 52 bits of
 * SHA-256 over salt in UTF-8, a zero byte and key in UTF-8, over 2^52.
 */
double
stable_fraction(const char *key, int key_len, const char *salt, int salt_len)
{
	StringInfoData bytes;
	bytea		  *digest;
	const uint8	  *first;
	uint64		   bits = 0;

	initStringInfo(&bytes);
	appendStringInfoSpaces(&bytes, VARHDRSZ);
	append_utf8(&bytes, salt, salt_len);
	appendStringInfoChar(&bytes, '\0');
	append_utf8(&bytes, key, key_len);
	SET_VARSIZE(bytes.data, bytes.len);

	digest = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, PointerGetDatum(bytes.data)));
	first = (const uint8 *) VARDATA_ANY(digest);
	for (int i = 0; i < 8; i++)
		bits = bits << 8 | first[i];
	return ldexp((double) (bits >> 12), -52);
}

/*
 * Whether a key belongs to the share that is held out: the same answer for the
 * same key and salt always and everywhere, unrelated ones for other salts, and
 * whoever is in a share is in every larger one.
 */
PG_FUNCTION_INFO_V1(crm_holdout);
Datum
crm_holdout(PG_FUNCTION_ARGS)
{
	text  *key = PG_GETARG_TEXT_PP(0);
	text  *salt = PG_GETARG_TEXT_PP(1);
	double share = CheckShare(PG_GETARG_FLOAT8(2), "share");

	PG_RETURN_BOOL(stable_fraction(VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key), VARDATA_ANY(salt),
								   VARSIZE_ANY_EXHDR(salt)) < share);
}

/* The same for a number, which stands for its decimal text. */
PG_FUNCTION_INFO_V1(crm_holdout_bigint);
Datum
crm_holdout_bigint(PG_FUNCTION_ARGS)
{
	char  *key = psprintf("%lld", (long long) PG_GETARG_INT64(0));
	text  *salt = PG_GETARG_TEXT_PP(1);
	double share = CheckShare(PG_GETARG_FLOAT8(2), "share");

	PG_RETURN_BOOL(stable_fraction(key, (int) strlen(key), VARDATA_ANY(salt),
								   VARSIZE_ANY_EXHDR(salt)) < share);
}
