/*
 * named_sums.c: the type named_sums: exact sums by name.
 *
 * The text form is {name (sum, sum, ...), name second_name (sum, sum, ...)}.
 */
#include "crm.h"

#include "base/aggregate.h"
#include "base/decimal.h"
#include "base/named_sums.h"
#include "base/scan.h"
#include "base/value.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

/* ---- the value ---- */

static NamedSums *
named_sums_create(int nsums, Size room)
{
	NamedSums *s = palloc0(NAMED_SUMS_SIZE(room));

	SET_VARSIZE(s, NAMED_SUMS_SIZE(room));
	s->version = NAMED_SUMS_VERSION;
	s->nsums = (uint16) nsums;
	return s;
}

static void
CheckName(const char *name, int len)
{
	if (unlikely(len > SUMS_NAME_SIZE))
		ereport(ERROR, (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
						errmsg("name \"%.*s...\" is too long", pg_mbcliplen(name, len, 32), name),
						errdetail("It may have %d bytes.", SUMS_NAME_SIZE)));
}

/* A value is of the aggregate that asks. */
static inline void
CheckNamedSums(const NamedSums *s, int nsums)
{
	if (s->nsums != nsums)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("these named_sums are of another aggregate"),
						errdetail("They have %d sums by name, not %d.", s->nsums, nsums)));
}

/* An argument of so many sums by name. */
NamedSums *
named_sums_argument(FunctionCallInfo fcinfo, int arg, int nsums)
{
	NamedSums *s = PG_GETARG_NAMED_SUMS(arg);

	CheckNamedSums(s, nsums);
	return s;
}

/* The state of an aggregate, new for its first row. */
NamedSums *
named_sums_state(FunctionCallInfo fcinfo, int nsums)
{
	(void) CheckInAggregate(fcinfo);
	return PG_ARGISNULL(0) ? named_sums_create(nsums, 4 * named_entry_size(nsums, 16))
						   : named_sums_argument(fcinfo, 0, nsums);
}

/* Room for so many bytes at a place: the value, or one of twice the size. */
static NamedSums *
make_room(NamedSums *s, Size at, Size bytes)
{
	NamedSums *larger = s;
	Size	   needed = (Size) s->used + bytes;

	if (s->n == NAMED_SUMS_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("there are more than %d names", NAMED_SUMS_MAX)));
	if (NAMED_SUMS_SIZE(needed) > VARSIZE(s))
	{
		larger = named_sums_create(s->nsums, needed * 2);
		memcpy(larger->entries, s->entries, s->used);
		larger->n = s->n;
		larger->used = s->used;
	}
	memmove(larger->entries + at + bytes, larger->entries + at, larger->used - at);
	memset(larger->entries + at, 0, bytes);
	larger->used += (int32) bytes;
	larger->n++;
	return larger;
}

/* The sums of a name, zero if it is new: of the value that is returned, which may be a larger one. */
NamedSums *
named_sums_find(NamedSums *s, SumsName name, ExactSums **sums)
{
	NamedEntry *e = named_first(s);
	int			order = 1;
	Size		at;

	while (e < named_end(s) && (order = sums_name_compare(named_of(e), name)) < 0)
		e = named_next(e);
	if (likely(e < named_end(s) && order == 0))
	{
		*sums = &e->sums;
		return s;
	}
	CheckName(name.first, name.first_len);
	CheckName(name.second, name.second_len);
	at = (char *) e - s->entries;
	s = make_room(s, at, named_entry_size(s->nsums, name.first_len + name.second_len));
	e = (NamedEntry *) (s->entries + at);
	e->first_len = (uint16) name.first_len;
	e->second_len = (uint16) name.second_len;
	exact_sums_init(&e->sums, s->nsums);
	memcpy((char *) &e->sums + EXACT_SUMS_SIZE(s->nsums), name.first, name.first_len);
	memcpy((char *) &e->sums + EXACT_SUMS_SIZE(s->nsums) + name.first_len, name.second,
		   name.second_len);
	*sums = &e->sums;
	return s;
}

/* All of another value, added. */
static NamedSums *
add_all(NamedSums *s, const NamedSums *other)
{
	CheckNamedSums(other, s->nsums);
	for (const NamedEntry *e = named_first(other); e < named_end(other); e = named_next(e))
	{
		ExactSums *sums;

		CHECK_FOR_INTERRUPTS();
		s = named_sums_find(s, named_of(e), &sums);
		for (int i = 0; i < s->nsums; i++)
			exact_sums_add(sums, i, exact_sums_get(&e->sums, i));
	}
	return s;
}

/* The combine function, and the transition function of merge. */
PG_FUNCTION_INFO_V1(crm_named_sums_combine);
Datum
crm_named_sums_combine(PG_FUNCTION_ARGS)
{
	const NamedSums *a = PG_GETARG_NAMED_SUMS(0);
	const NamedSums *b = PG_GETARG_NAMED_SUMS(1);
	NamedSums		*both = named_sums_create(a->nsums, (Size) a->used + b->used);

	PG_RETURN_POINTER(add_all(add_all(both, a), b));
}

/* A state as a value, without the room for more. */
PG_FUNCTION_INFO_V1(crm_named_sums_final);
Datum
crm_named_sums_final(PG_FUNCTION_ARGS)
{
	const NamedSums *s = PG_GETARG_NAMED_SUMS(0);
	NamedSums		*value = named_sums_create(s->nsums, s->used);

	memcpy(value->entries, s->entries, s->used);
	value->n = s->n;
	value->used = s->used;
	PG_RETURN_POINTER(value);
}

/* ---- text and binary forms ---- */

PG_FUNCTION_INFO_V1(crm_named_sums_in);
Datum
crm_named_sums_in(PG_FUNCTION_ARGS)
{
	Scanner	   s = scan_start("named_sums", PG_GETARG_CSTRING(0));
	NamedSums *value = NULL;
	int		   entries = 0;

	scan_char(&s, '{');
	do
	{
		const Scanner start = s;
		const char	 *first = scan_label_or_empty(&s);
		const char	 *second = scan_try_char(&s, '(') ? NULL : scan_label_or_empty(&s);
		ExactSums	 *sums;
		int128		  read[EXACT_SUMS_MAX];
		int			  n = 0;

		CHECK_FOR_INTERRUPTS();
		if (second)
			scan_char(&s, '(');
		do
		{
			if (n == EXACT_SUMS_MAX || (value && n == value->nsums))
				scan_error(&s, "no more sums");
			read[n++] = scan_sum(&s);
		} while (scan_try_char(&s, ','));
		scan_char(&s, ')');
		if (value == NULL)
			value = named_sums_create(n, 0);
		CheckNamedSums(value, n);
		value = named_sums_find(value,
								(SumsName){first, (int) strlen(first), second ? second : "",
										   second ? (int) strlen(second) : 0},
								&sums);
		if (value->n != ++entries)
			scan_error(&start, "a name that did not come before");
		for (int i = 0; i < n; i++)
			exact_sums_add(sums, i, read[i]);
	} while (scan_try_char(&s, ','));
	scan_char(&s, '}');
	scan_end(&s);
	SET_VARSIZE(value, NAMED_SUMS_SIZE(value->used));
	PG_RETURN_POINTER(value);
}

PG_FUNCTION_INFO_V1(crm_named_sums_out);
Datum
crm_named_sums_out(PG_FUNCTION_ARGS)
{
	const NamedSums *s = PG_GETARG_NAMED_SUMS(0);
	StringInfoData	 out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (const NamedEntry *e = named_first(s); e < named_end(s); e = named_next(e))
	{
		SumsName name = named_of(e);

		CHECK_FOR_INTERRUPTS();
		appendStringInfoString(&out, e == named_first(s) ? "" : ", ");
		append_label(&out, pnstrdup(name.first, name.first_len), NULL);
		if (name.second_len > 0)
		{
			appendStringInfoChar(&out, ' ');
			append_label(&out, pnstrdup(name.second, name.second_len), NULL);
		}
		for (int i = 0; i < s->nsums; i++)
			appendStringInfo(&out, "%s%s", i == 0 ? " (" : ", ",
							 decimal_to_text(exact_sums_get(&e->sums, i), 0, 0));
		appendStringInfoChar(&out, ')');
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/* Binary form: version, sums by name (int16), entries (int32), and of each its names, counted, and the halves of its sums. */
PG_FUNCTION_INFO_V1(crm_named_sums_send);
Datum
crm_named_sums_send(PG_FUNCTION_ARGS)
{
	const NamedSums *s = PG_GETARG_NAMED_SUMS(0);
	StringInfoData	 out;

	pq_begintypsend(&out);
	pq_sendint16(&out, s->version);
	pq_sendint16(&out, s->nsums);
	pq_sendint32(&out, s->n);
	for (const NamedEntry *e = named_first(s); e < named_end(s); e = named_next(e))
	{
		SumsName name = named_of(e);

		send_counted_text(&out, name.first, name.first_len);
		send_counted_text(&out, name.second, name.second_len);
		for (int i = 0; i < s->nsums; i++)
		{
			pq_sendint64(&out, e->sums.sums[i].high);
			pq_sendint64(&out, e->sums.sums[i].low);
		}
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(crm_named_sums_recv);
Datum
crm_named_sums_recv(PG_FUNCTION_ARGS)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	int		   version = (int) pq_getmsgint(message, 2);
	int		   nsums = (int) pq_getmsgint(message, 2);
	int		   n = (int) pq_getmsgint(message, 4);
	NamedSums *s;

	if (version != NAMED_SUMS_VERSION || nsums < 1 || nsums > EXACT_SUMS_MAX || n < 1 ||
		n > NAMED_SUMS_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unsupported named_sums version %d with %d names of %d sums",
							   version, n, nsums)));
	s = named_sums_create(nsums, 0);
	for (int i = 0; i < n; i++)
	{
		const char *first = receive_counted_text(message, "name");
		const char *second = receive_counted_text(message, "name");
		ExactSums  *sums;

		CHECK_FOR_INTERRUPTS();
		s = named_sums_find(s, (SumsName){first, (int) strlen(first), second, (int) strlen(second)},
							&sums);
		if (s->n != i + 1)
			ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
							errmsg("name \"%s\" twice in named_sums", first)));
		for (int k = 0; k < nsums; k++)
		{
			sums->sums[k].high = pq_getmsgint64(message);
			sums->sums[k].low = (uint64) pq_getmsgint64(message);
		}
	}
	SET_VARSIZE(s, NAMED_SUMS_SIZE(s->used));
	PG_RETURN_POINTER(s);
}

VALUE_FUNCTIONS(named_sums, value_bytes_order, value_bytes);
