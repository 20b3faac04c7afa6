/*
 * suppression.c: what may stay of somebody who is erased and wants no contact: a keyed
 * hash, which tells him again when an address list is read, and nobody else.
 */
#include "crm.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#define BLOCK_SIZE 64 /* of SHA-256 */

/* SHA-256 of a block of key bytes, each changed by a mask, and of bytes behind it. */
static bytea *
masked_hash(const uint8 *key, uint8 mask, const char *bytes, int len)
{
	StringInfoData message;

	initStringInfo(&message);
	appendStringInfoSpaces(&message, VARHDRSZ);
	for (int i = 0; i < BLOCK_SIZE; i++)
		appendStringInfoChar(&message, (char) (key[i] ^ mask));
	appendBinaryStringInfo(&message, bytes, len);
	SET_VARSIZE(message.data, message.len);
	return DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, PointerGetDatum(message.data)));
}

/* The bytes of a text in UTF-8, whatever the database's encoding is. */
static char *
utf8_of(const char *text, int len, int *utf8_len)
{
	char *utf8 = pg_server_to_any(text, len, PG_UTF8);

	*utf8_len = utf8 == text ? len : (int) strlen(utf8);
	return utf8;
}

/* A key of one block: a longer secret is hashed, a shorter one filled up with zeros. */
static void
key_of_secret(const text *secret, uint8 *key)
{
	int	  len;
	char *utf8 = utf8_of(VARDATA_ANY(secret), VARSIZE_ANY_EXHDR(secret), &len);

	if (len < 16)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("secret of %d bytes is too short", len),
			 errhint("Take 16 random bytes or more: whoever guesses it can try all addresses.")));
	memset(key, 0, BLOCK_SIZE);
	if (len <= BLOCK_SIZE)
		memcpy(key, utf8, len);
	else
	{
		bytea *bytes = palloc(VARHDRSZ + len);

		SET_VARSIZE(bytes, VARHDRSZ + len);
		memcpy(VARDATA(bytes), utf8, len);
		bytes = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, PointerGetDatum(bytes)));
		memcpy(key, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	}
}

/* The object with each number in its shortest form: 1 and 1.0 are one key, and one entry. */
static Jsonb *
shortest_numbers(Jsonb *object)
{
	JsonbIterator	  *it = JsonbIteratorInit(&object->root);
	JsonbParseState	  *state = NULL;
	JsonbValue		   value;
	JsonbValue		  *result = NULL;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		if ((token == WJB_VALUE || token == WJB_ELEM) && value.type == jbvNumeric)
			value.val.numeric = DatumGetNumeric(
				DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(value.val.numeric)));
		result = pushJsonbValue(&state, token, token < WJB_BEGIN_ARRAY ? &value : NULL);
	}
	return JsonbValueToJsonb(result);
}

/* (secret, customer): HMAC-SHA-256 (RFC 2104) of the customer's object as text, in UTF-8. */
PG_FUNCTION_INFO_V1(crm_suppression_entry);
Datum
crm_suppression_entry(PG_FUNCTION_ARGS)
{
	Jsonb *customer = PG_GETARG_JSONB_P(1);
	char  *object;
	uint8  key[BLOCK_SIZE];
	int	   len;
	char  *utf8;
	bytea *inner;

	key_of_secret(PG_GETARG_TEXT_PP(0), key);
	if (!JB_ROOT_IS_OBJECT(customer) || JB_ROOT_COUNT(customer) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("customer must be an object of the key columns"),
						errhint("Write jsonb_build_object('customer', customer).")));
	customer = shortest_numbers(customer);
	object = JsonbToCString(NULL, &customer->root, VARSIZE(customer));
	utf8 = utf8_of(object, (int) strlen(object), &len);
	inner = masked_hash(key, 0x36, utf8, len);
	PG_RETURN_BYTEA_P(masked_hash(key, 0x5c, VARDATA_ANY(inner), VARSIZE_ANY_EXHDR(inner)));
}
