/*
 * value_list.c: the type value_list_state, its order and its forms.
 *
 * Text: the kind, the share if one was given, and the entries in order, for example
 * amounts share 0.2; 7.00:2, 12.50:1
 * with how often behind the colon, or, of pairs, the second number.
 */
#include "crm.h"

#include <math.h>

#include "base/growth.h"
#include "base/aggregate.h"
#include "base/amount.h"
#include "base/names.h"
#include "base/value.h"
#include "base/value_list.h"
#include "common/int.h"
#include "common/shortest_dec.h"
#include "miscadmin.h"

/* Equal values are counted together before a list of so many entries grows. */
#define COUNT_FROM 16384

static const char  kind_names[LIST_KINDS][8] = {"amounts", "numbers", "pairs"};
static const Names kinds = NAMES("kind", "Kinds", NULL, 0, kind_names);

/* A list without entries, with room for so many. */
ValueList *
value_list_create(MemoryContext memory, ValueListKind kind, int room)
{
	ValueList *list = MemoryContextAlloc(memory, VALUE_LIST_SIZE(room));

	memset(list, 0, offsetof(ValueList, entries));
	SET_VARSIZE(list, VALUE_LIST_SIZE(room));
	list->version = VALUE_LIST_VERSION;
	list->kind = (uint8) kind;
	return list;
}

/* ---- order ---- */

/* Sorting may take long, so the comparisons let it be cancelled, as PostgreSQL's own sort does. */
static int
compare_amounts(const void *a, const void *b)
{
	CHECK_FOR_INTERRUPTS();
	return CRM_COMPARE(((const ListEntry *) a)->value.amount,
					   ((const ListEntry *) b)->value.amount);
}

static int
compare_numbers(const void *a, const void *b)
{
	CHECK_FOR_INTERRUPTS();
	return CRM_COMPARE(((const ListEntry *) a)->value.number,
					   ((const ListEntry *) b)->value.number);
}

/* The highest first of both numbers. */
static int
compare_pairs(const void *a, const void *b)
{
	const ListEntry *x = a;
	const ListEntry *y = b;

	CHECK_FOR_INTERRUPTS();
	if (x->value.number != y->value.number)
		return CRM_COMPARE(y->value.number, x->value.number);
	return CRM_COMPARE(y->with.number, x->with.number);
}

typedef int (*EntryOrder)(const void *a, const void *b);

static EntryOrder
order_of(const ValueList *list)
{
	return list->kind == LIST_AMOUNTS	? compare_amounts
		   : list->kind == LIST_NUMBERS ? compare_numbers
										: compare_pairs;
}

pg_noreturn static void
too_many_values(void)
{
	ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("value_list_state cannot count so many values")));
}

/* Put an entry behind the others; an equal one is counted with the last. */
static inline int
put_entry(ListEntry *entries, int n, ListEntry entry, EntryOrder order, bool counts)
{
	if (counts && n > 0 && order(&entries[n - 1], &entry) == 0)
	{
		if (pg_add_s64_overflow(entries[n - 1].with.count, entry.with.count,
								&entries[n - 1].with.count))
			too_many_values();
		return n;
	}
	entries[n] = entry;
	return n + 1;
}

/*
 * Bring all entries into order, equal values into one: those that came since the last
 * time are sorted and merged with the others. It is no change to what the list holds.
 */
void
value_list_sort(ValueList *list)
{
	EntryOrder order = order_of(list);
	bool	   counts = list->kind != LIST_PAIRS;
	int		   ncame = list->n - list->nsorted;
	ListEntry *came;
	int		   old = list->nsorted;
	int		   at = 0;
	int		   n = 0;
	ListEntry *before;

	if (ncame == 0)
		return;
	qsort(list->entries + old, ncame, sizeof(ListEntry), order);
	if (old == 0)
	{
		for (int i = 0; i < ncame; i++)
			n = put_entry(list->entries, n, list->entries[i], order, counts);
		list->n = list->nsorted = n;
		return;
	}

	/* the old ones make room at the end, so that the merged ones never reach what is to be read */
	came = MemoryContextAllocHuge(CurrentMemoryContext, (Size) ncame * sizeof(ListEntry));
	memcpy(came, list->entries + old, (Size) ncame * sizeof(ListEntry));
	before = list->entries + ncame;
	memmove(before, list->entries, (Size) old * sizeof(ListEntry));
	for (int i = 0; i < old || at < ncame;)
	{
		bool first = at == ncame || (i < old && order(&before[i], &came[at]) <= 0);

		n = put_entry(list->entries, n, first ? before[i++] : came[at++], order, counts);
	}
	pfree(came);
	list->n = list->nsorted = n;
}

/*
 * A list that is full with room for more: in place where equal values become half of
 * them, else twice as large, in the given memory. The old one is left: a state of an
 * aggregate is freed by who keeps it.
 */
ValueList *
value_list_grow(MemoryContext memory, ValueList *list)
{
	MemoryContext before;

	if (list->kind != LIST_PAIRS && list->n >= COUNT_FROM)
	{
		int32 full = list->n;

		value_list_sort(list);
		if (list->n <= full / 2)
			return list;
	}
	if (list->n >= VALUE_LIST_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("an aggregate cannot keep more than %d different values", VALUE_LIST_MAX),
				 errhint("Round the values, or group the rows.")));
	before = MemoryContextSwitchTo(memory);
	list = state_grown(list, VALUE_LIST_SIZE(list->n), sizeof(ListEntry),
					   VALUE_LIST_SIZE(VALUE_LIST_MAX));
	MemoryContextSwitchTo(before);
	return list;
}

/* The state of a final function, in order: one that is stored is copied, one that runs is not. */
ValueList *
value_list_argument(FunctionCallInfo fcinfo, ValueListKind kind)
{
	ValueList *list;

	if (PG_ARGISNULL(0))
		return NULL;
	list = AggCheckCallContext(fcinfo, NULL)
			   ? (ValueList *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0))
			   : (ValueList *) PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0));
	if (list->kind != kind)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a state of %s is no state of %s", kind_names[list->kind],
							   kind_names[kind])));
	value_list_sort(list);
	return list;
}

/* How many values there are, of a list in order. */
int64
value_list_count(const ValueList *list)
{
	int64 n = 0;

	if (list->kind == LIST_PAIRS)
		return list->n;
	for (int i = 0; i < list->n; i++)
		if (pg_add_s64_overflow(n, list->entries[i].with.count, &n))
			too_many_values();
	return n;
}

/* Two parts of the same aggregate have the same share. */
static void
CheckSameParts(const ValueList *a, const ValueList *b)
{
	if (a->kind != b->kind)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot combine %s with %s", kind_names[a->kind], kind_names[b->kind])));
	if (a->share != 0 && b->share != 0 && a->share != b->share)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("share must be the same in all rows of concentration"),
						errdetail("One row has %.15g, another %.15g.", a->share, b->share)));
}

/* The combine function: what one part has comes behind what the other has. */
PG_FUNCTION_INFO_V1(crm_value_list_combine);
Datum
crm_value_list_combine(PG_FUNCTION_ARGS)
{
	ValueList *list;
	ValueList *more;

	CheckInAggregate(fcinfo);
	list = (ValueList *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	more = (ValueList *) PG_DETOAST_DATUM(PG_GETARG_DATUM(1));
	CheckSameParts(list, more);
	if (list->share == 0)
		list->share = more->share;
	for (int i = 0; i < more->n; i++)
		list = value_list_add(CurrentMemoryContext, list, more->entries[i]);
	PG_FREE_IF_COPY(more, 1);
	PG_RETURN_POINTER(list);
}

/* ---- forms ---- */

/* An entry from outside is one that could be there, behind those before. */
static ValueList *
add_received(ValueList *list, ListEntry entry)
{
	bool valid;

	switch (list->kind)
	{
		case LIST_AMOUNTS:
			valid = AmountIsValid(entry.value.amount) && entry.with.count > 0;
			break;
		case LIST_NUMBERS:
			valid = isfinite(entry.value.number) && entry.with.count > 0;
			break;
		default:
			valid = fabs(entry.value.number) <= LIST_PAIR_MAX &&
					fabs(entry.with.number) <= LIST_PAIR_MAX;
			break;
	}
	if (!valid)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("entry %d of value_list_state is out of range", list->n + 1)));
	if (list->n > 0)
	{
		int order = order_of(list)(&list->entries[list->n - 1], &entry);

		if (order > 0 || (order == 0 && list->kind != LIST_PAIRS))
			ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
							errmsg("entry %d of value_list_state is out of order", list->n + 1)));
	}
	list = value_list_add(CurrentMemoryContext, list, entry);
	list->nsorted = list->n;
	return list;
}

/* A share is a part, and more than none; 0 says that there is none. */
static double
CheckListShare(double share)
{
	if (!(share >= 0 && share <= 1) || signbit(share))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("share %.15g of value_list_state is out of range", share)));
	return share;
}

static ListEntry
scan_entry(Scanner *s, ValueListKind kind)
{
	ListEntry entry;

	if (kind == LIST_AMOUNTS)
		entry.value.amount = scan_amount(s);
	else
		entry.value.number = scan_float8(s) + 0.0; /* there is one zero */
	scan_char(s, ':');
	if (kind == LIST_PAIRS)
		entry.with.number = scan_float8(s) + 0.0;
	else
		entry.with.count = scan_int64(s);
	return entry;
}

PG_FUNCTION_INFO_V1(crm_value_list_in);
Datum
crm_value_list_in(PG_FUNCTION_ARGS)
{
	Scanner	   s = scan_start("value_list_state", PG_GETARG_CSTRING(0));
	ValueList *list =
		value_list_create(CurrentMemoryContext, (ValueListKind) names_scan_bare(&s, &kinds), 8);

	if (scan_try_word(&s, "share"))
		list->share = CheckListShare(scan_float8(&s));
	scan_char(&s, ';');
	if (!scan_at_end(&s))
		do
			list = add_received(list, scan_entry(&s, list->kind));
		while (scan_try_char(&s, ','));
	scan_end(&s);
	value_list_count(list);
	SET_VARSIZE(list, VALUE_LIST_SIZE(list->n));
	PG_RETURN_POINTER(list);
}

static void
append_number(StringInfo out, double number)
{
	char buffer[DOUBLE_SHORTEST_DECIMAL_LEN];

	double_to_shortest_decimal_buf(number, buffer);
	appendStringInfoString(out, buffer);
}

/* A copy in order, without room to grow. */
static ValueList *
list_to_show(FunctionCallInfo fcinfo)
{
	ValueList *list = (ValueList *) PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0));

	value_list_sort(list);
	return list;
}

PG_FUNCTION_INFO_V1(crm_value_list_out);
Datum
crm_value_list_out(PG_FUNCTION_ARGS)
{
	ValueList	  *list = list_to_show(fcinfo);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, kind_names[list->kind]);
	if (list->share != 0)
	{
		appendStringInfoString(&out, " share ");
		append_number(&out, list->share);
	}
	appendStringInfoChar(&out, ';');
	for (int i = 0; i < list->n; i++)
	{
		const ListEntry *entry = &list->entries[i];

		appendStringInfoString(&out, i > 0 ? ", " : " ");
		if (list->kind == LIST_AMOUNTS)
			appendStringInfoString(&out, amount_to_text(entry->value.amount));
		else
			append_number(&out, entry->value.number);
		appendStringInfoChar(&out, ':');
		if (list->kind == LIST_PAIRS)
			append_number(&out, entry->with.number);
		else
			appendStringInfo(&out, INT64_FORMAT, entry->with.count);
	}
	PG_RETURN_CSTRING(out.data);
}

/*
 * Binary form: version, flags (int16), kind (int8), share (float8), how many entries
 * (int32), and of each the value and how often or the second number (8 bytes each).
 */
PG_FUNCTION_INFO_V1(crm_value_list_send);
Datum
crm_value_list_send(PG_FUNCTION_ARGS)
{
	ValueList	  *list = list_to_show(fcinfo);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, list->version);
	pq_sendint16(&out, list->flags);
	pq_sendint8(&out, list->kind);
	pq_sendfloat8(&out, list->share);
	pq_sendint32(&out, list->n);
	for (int i = 0; i < list->n; i++)
	{
		pq_sendint64(&out, list->entries[i].value.amount);
		pq_sendint64(&out, list->entries[i].with.count);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* Zero is sent as zero: another of its forms would be no equal value to the order of bytes. */
static double
CheckZero(double number)
{
	if (number == 0 && signbit(number))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("value_list_state cannot hold a negative zero")));
	return number;
}

PG_FUNCTION_INFO_V1(crm_value_list_recv);
Datum
crm_value_list_recv(PG_FUNCTION_ARGS)
{
	StringInfo	  message = (StringInfo) PG_GETARG_POINTER(0);
	ValueListKind kind;
	double		  share;
	int			  n;
	ValueList	 *list;

	receive_header(message, "value_list_state", 2, VALUE_LIST_VERSION, 0);
	kind = (ValueListKind) receive_choice(message, "value_list_state", "kind", LIST_KINDS - 1);
	share = CheckListShare(pq_getmsgfloat8(message));
	n = receive_count(message, "value_list_state", "entries", sizeof(ListEntry));
	list = value_list_create(CurrentMemoryContext, kind, n);
	list->share = share;
	for (int i = 0; i < n; i++)
	{
		ListEntry entry;

		if (kind == LIST_AMOUNTS)
			entry.value.amount = pq_getmsgint64(message);
		else
			entry.value.number = CheckZero(pq_getmsgfloat8(message));
		if (kind == LIST_PAIRS)
			entry.with.number = CheckZero(pq_getmsgfloat8(message));
		else
			entry.with.count = pq_getmsgint64(message);
		list = add_received(list, entry);
	}
	value_list_count(list);
	PG_RETURN_POINTER(list);
}

/* The state as a value: in order, without room to grow. */
PG_FUNCTION_INFO_V1(crm_value_list_final);
Datum
crm_value_list_final(PG_FUNCTION_ARGS)
{
	ValueList *list = (ValueList *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	ValueList *value = value_list_create(CurrentMemoryContext, list->kind, list->n);

	value->share = list->share;
	value->n = list->n;
	value->nsorted = list->nsorted;
	memcpy(value->entries, list->entries, (Size) list->n * sizeof(ListEntry));
	value_list_sort(value);
	SET_VARSIZE(value, VALUE_LIST_SIZE(value->n));
	PG_RETURN_POINTER(value);
}
