/*
 * value.h: what every flat type of the extension shares: the functions behind
 * its comparison operators and operator classes, its hash functions, and the
 * head of its binary form.
 *
 * A stored value below 127 bytes has a short header, so detoasting an argument
 * makes a copy of it almost always. A sort or an index calls these functions
 * millions of times in one memory context: the copies are freed here.
 */
#ifndef CRM_VALUE_H
#define CRM_VALUE_H

#include "crm.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"

#define COMPARISON_FUNCTION(name, result) \
	PG_FUNCTION_INFO_V1(name);            \
	Datum name(PG_FUNCTION_ARGS)          \
	{                                     \
		result;                           \
	}

/*
 * crm_<type>_cmp, _eq, _ne, _lt, _le, _gt and _ge of a type that is never
 * toasted; order(fcinfo) is below, at or above 0.
 */
#define COMPARISON_FUNCTIONS(type, order)                                    \
	COMPARISON_FUNCTION(crm_##type##_cmp, PG_RETURN_INT32(order(fcinfo)))    \
	COMPARISON_FUNCTION(crm_##type##_eq, PG_RETURN_BOOL(order(fcinfo) == 0)) \
	COMPARISON_FUNCTION(crm_##type##_ne, PG_RETURN_BOOL(order(fcinfo) != 0)) \
	COMPARISON_FUNCTION(crm_##type##_lt, PG_RETURN_BOOL(order(fcinfo) < 0))  \
	COMPARISON_FUNCTION(crm_##type##_le, PG_RETURN_BOOL(order(fcinfo) <= 0)) \
	COMPARISON_FUNCTION(crm_##type##_gt, PG_RETURN_BOOL(order(fcinfo) > 0))  \
	COMPARISON_FUNCTION(crm_##type##_ge, PG_RETURN_BOOL(order(fcinfo) >= 0)) \
	StaticAssertDecl(true, "a declaration takes the semicolon")

/* The bytes that equal values share. */
typedef struct Content
{
	const void *at;
	Size		size;
} Content;

typedef int (*ValueOrder)(const void *a, const void *b);
typedef Content (*ValueContent)(const void *value);

/* All behind the length: the content of a type whose equal values have equal bytes. */
static inline Content
value_bytes(const void *value)
{
	return (Content){VARDATA(value), VARSIZE(value) - VARHDRSZ};
}

/* The order of such a type, of no meaning but equality: by the bytes, then the shorter first. */
static inline int
value_bytes_order(const void *a, const void *b)
{
	Content x = value_bytes(a);
	Content y = value_bytes(b);
	int		order = memcmp(x.at, y.at, Min(x.size, y.size));

	return order != 0 ? order : CRM_COMPARE(x.size, y.size);
}

/* How the two arguments compare: below, at or above 0. */
static inline int
value_compare(FunctionCallInfo fcinfo, ValueOrder order)
{
	struct varlena *a = PG_GETARG_VARLENA_P(0);
	struct varlena *b = PG_GETARG_VARLENA_P(1);
	int				result = order(a, b);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result;
}

static inline Datum
value_hash(FunctionCallInfo fcinfo, ValueContent content)
{
	struct varlena *value = PG_GETARG_VARLENA_P(0);
	Content			of = content(value);
	Datum			hash = hash_any(of.at, (int) of.size);

	PG_FREE_IF_COPY(value, 0);
	return hash;
}

static inline Datum
value_hash_extended(FunctionCallInfo fcinfo, ValueContent content)
{
	struct varlena *value = PG_GETARG_VARLENA_P(0);
	Content			of = content(value);
	Datum			hash = hash_any_extended(of.at, (int) of.size, PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(value, 0);
	return hash;
}

/* The comparison and hash functions of a type that may be toasted, from its order and its content. */
#define VALUE_FUNCTIONS(type, order, content)                                                    \
	COMPARISON_FUNCTION(crm_##type##_cmp, PG_RETURN_INT32(value_compare(fcinfo, order)))         \
	COMPARISON_FUNCTION(crm_##type##_eq, PG_RETURN_BOOL(value_compare(fcinfo, order) == 0))      \
	COMPARISON_FUNCTION(crm_##type##_ne, PG_RETURN_BOOL(value_compare(fcinfo, order) != 0))      \
	COMPARISON_FUNCTION(crm_##type##_lt, PG_RETURN_BOOL(value_compare(fcinfo, order) < 0))       \
	COMPARISON_FUNCTION(crm_##type##_le, PG_RETURN_BOOL(value_compare(fcinfo, order) <= 0))      \
	COMPARISON_FUNCTION(crm_##type##_gt, PG_RETURN_BOOL(value_compare(fcinfo, order) > 0))       \
	COMPARISON_FUNCTION(crm_##type##_ge, PG_RETURN_BOOL(value_compare(fcinfo, order) >= 0))      \
	COMPARISON_FUNCTION(crm_##type##_hash, return value_hash(fcinfo, content))                   \
	COMPARISON_FUNCTION(crm_##type##_hash_extended, return value_hash_extended(fcinfo, content)) \
	StaticAssertDecl(true, "a declaration takes the semicolon")

/* The version and the reserved bits of a binary form are those of this release. */
static inline void
CheckSentHeader(const char *type, int version, int flags, int known_version, int known_flags)
{
	if (version != known_version || (flags & ~known_flags) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unsupported %s version %d, flags %d", type, version, flags)));
}

/* The two numbers that a binary form begins with, each of so many bytes; returns the flags. */
static inline int
receive_header(StringInfo message, const char *type, int bytes, int known_version, int known_flags)
{
	int version = (int) pq_getmsgint(message, bytes);
	int flags = (int) pq_getmsgint(message, bytes);

	CheckSentHeader(type, version, flags, known_version, known_flags);
	return flags;
}

/* One byte that counts from 0 to a maximum. */
static inline uint8
receive_choice(StringInfo message, const char *type, const char *what, int maximum)
{
	int value = pq_getmsgbyte(message);

	if (value > maximum)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid %s %d in %s", what, value, type)));
	return (uint8) value;
}

/* How many things follow in a message, of at least so many bytes each: no more than it has room for. */
static inline int
receive_count(StringInfo message, const char *type, const char *things, Size least)
{
	int	 n = (int) pq_getmsgint(message, 4);
	Size left = (Size) (message->len - message->cursor);

	if (n < 0 || (Size) n > left / least)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("%s of %d %s has %zu bytes of them", type, n, things, left)));
	return n;
}

/* A text with its length before it (int32), in the encoding of the client. */
static inline void
send_counted_text(StringInfo out, const char *text, size_t len)
{
#if PG_VERSION_NUM >= 170000
	pq_sendcountedtext(out, text, (int) len);
#else
	pq_sendcountedtext(out, text, (int) len, false);
#endif
}

/* Such a text as a string; what it is is named in the message of an error. */
static inline char *
receive_counted_text(StringInfo message, const char *what)
{
	int	  len = (int) pq_getmsgint(message, 4);
	char *text;

	if (len < 0 || len > message->len - message->cursor)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("%s of %d bytes does not fit in the message", what, len)));
	text = pq_getmsgtext(message, len, &len);
	if (strlen(text) != (size_t) len)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("%s cannot hold a zero byte", what)));
	return text;
}

#endif /* CRM_VALUE_H */
