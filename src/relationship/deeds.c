/*
 * deeds.c: the type deeds: its value, text and binary forms, aggregates, equality,
 * order and hash.
 *
 * The text form is {kind name made_at [due instant] [done instant] [cost amount], ...},
 * for example {promise "call back" 2024-01-01 10:00:00+00 due 2024-01-02 10:00:00+00}.
 */
#include "crm.h"

#include "base/growth.h"
#include "base/aggregate.h"
#include "base/amount.h"
#include "base/scan.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "relationship/deeds.h"
#include "utils/builtins.h"

const DeedKindName deed_kind_names[DEED_KINDS] = {"promise", "delight", "entitlement", "tie",
												  "meeting"};
static const Names deed_kinds = NAMES("kind of deed", "Kinds", NULL, 0, deed_kind_names);

/* A name is there, and fits. */
static void
set_name(Deed *deed, const char *name, size_t len)
{
	if (len == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("deed cannot be without a name")));
	if (len > DEED_NAME_SIZE)
		ereport(ERROR, (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
						errmsg("name of a deed \"%.*s...\" is too long",
							   pg_mbcliplen(name, (int) len, 32), name),
						errdetail("It may have %d bytes.", DEED_NAME_SIZE)));
	memset(deed->name, 0, DEED_NAME_SIZE);
	memcpy(deed->name, name, len);
}

/* Instants of a deed are in order, and a kind has those that it may have. */
static void
CheckDeed(const Deed *deed)
{
	CheckInstant(deed->made_at, "made_at");
	if (deed->due_at != DT_NOEND)
		CheckInstant(deed->due_at, "due_at");
	if (deed->done_at != DT_NOEND)
		CheckInstant(deed->done_at, "done_at");
	if (deed->due_at < deed->made_at || deed->done_at < deed->made_at)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("%s cannot be due or done before it was made, at %s",
							   deed_kind_names[deed->kind], instant_to_text(deed->made_at))));
	if ((deed->kind == DEED_DELIGHT || deed->kind == DEED_MEETING) &&
		(deed->due_at != DT_NOEND || deed->done_at != DT_NOEND))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s has no due_at and no done_at: it happens when it is made",
							   deed_kind_names[deed->kind])));
	if (!AmountIsValid(deed->cost))
		amount_out_of_range(amount_to_text(deed->cost));
}

static int
deed_compare(const void *a, const void *b)
{
	const Deed *x = a;
	const Deed *y = b;
	int			order = CRM_COMPARE(x->made_at, y->made_at);

	if (order == 0)
		order = CRM_COMPARE(x->kind, y->kind);
	if (order == 0)
		order = memcmp(x->name, y->name, DEED_NAME_SIZE);
	if (order == 0)
		order = CRM_COMPARE(x->due_at, y->due_at);
	if (order == 0)
		order = CRM_COMPARE(x->done_at, y->done_at);
	return order != 0 ? order : CRM_COMPARE(x->cost, y->cost);
}

static inline void
CheckDeedCount(Size deeds)
{
	if (deeds > (Size) DEEDS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("deeds cannot be %zu", deeds)));
}

/* Deeds with room for some, none in it yet. */
static Deeds *
deeds_create(Size room)
{
	Deeds *d;

	CheckDeedCount(room);
	d = palloc0(DEEDS_SIZE(room));
	SET_VARSIZE(d, DEEDS_SIZE(room));
	d->version = DEEDS_VERSION;
	return d;
}

/* The state with room for so many deeds more: itself, or one of twice the size. */
static Deeds *
with_room(Deeds *state, int more)
{
	Size used = DEEDS_SIZE(state->ndeeds);

	if (state_has_room(state, used, more * sizeof(Deed)))
		return state;
	CheckDeedCount((Size) state->ndeeds + more);
	return state_grown(state, used, more * sizeof(Deed), DEEDS_SIZE(DEEDS_MAX));
}

/* The state with a deed behind the last. */
static Deeds *
deeds_add(Deeds *state, const Deed *deed)
{
	state = with_room(state, 1);
	state->deeds[state->ndeeds++] = *deed;
	return state;
}

/* The state with all of another behind the last. */
static Deeds *
deeds_add_all(Deeds *state, const Deeds *other)
{
	state = with_room(state, other->ndeeds);
	memcpy(state->deeds + state->ndeeds, other->deeds, sizeof(Deed) * other->ndeeds);
	state->ndeeds += other->ndeeds;
	return state;
}

/* The value that a state holds, sorted, without the room to spare. */
static Deeds *
deeds_settle(const Deeds *state)
{
	Deeds *d = deeds_create((Size) state->ndeeds);

	memcpy(d->deeds, state->deeds, sizeof(Deed) * state->ndeeds);
	d->ndeeds = state->ndeeds;
	qsort(d->deeds, d->ndeeds, sizeof(Deed), deed_compare);
	return d;
}

/* Read one deed. */
static Deed
scan_deed(Scanner *s)
{
	Deed  deed;
	char *name;

	memset(&deed, 0, sizeof(deed));
	deed.kind = (uint8) names_scan(s, &deed_kinds);
	name = scan_label(s);
	set_name(&deed, name, strlen(name));
	deed.made_at = scan_instant(s);
	deed.due_at = scan_try_word(s, "due") ? scan_instant(s) : DT_NOEND;
	deed.done_at = scan_try_word(s, "done") ? scan_instant(s) : DT_NOEND;
	deed.cost = scan_try_word(s, "cost") ? scan_amount(s) : 0;
	CheckDeed(&deed);
	return deed;
}

/* The deeds of a text, as they stand there. */
static Deeds *
scan_deeds(const char *type, const char *input)
{
	Scanner s = scan_start(type, input);
	Deeds  *d = deeds_create(0);

	scan_char(&s, '{');
	if (!scan_try_char(&s, '}'))
	{
		do
		{
			Deed deed = scan_deed(&s);

			CHECK_FOR_INTERRUPTS();
			d = deeds_add(d, &deed);
		} while (scan_try_char(&s, ','));
		scan_char(&s, '}');
	}
	scan_end(&s);
	return d;
}

PG_FUNCTION_INFO_V1(crm_deeds_in);
Datum
crm_deeds_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_DEEDS(deeds_settle(scan_deeds("deeds", PG_GETARG_CSTRING(0))));
}

PG_FUNCTION_INFO_V1(crm_deeds_state_in);
Datum
crm_deeds_state_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_DEEDS(scan_deeds("deeds_state", PG_GETARG_CSTRING(0)));
}

static char *
deed_name(const Deed *deed)
{
	return pnstrdup(deed->name, strnlen(deed->name, DEED_NAME_SIZE));
}

PG_FUNCTION_INFO_V1(crm_deeds_out);
Datum
crm_deeds_out(PG_FUNCTION_ARGS)
{
	Deeds		  *d = PG_GETARG_DEEDS(0);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (int i = 0; i < d->ndeeds; i++)
	{
		const Deed *deed = &d->deeds[i];

		CHECK_FOR_INTERRUPTS();
		appendStringInfo(&out, "%s%s ", i > 0 ? ", " : "", deed_kind_names[deed->kind]);
		append_label(&out, deed_name(deed), NULL);
		appendStringInfo(&out, " %s", instant_to_text(deed->made_at));
		if (deed->due_at != DT_NOEND)
			appendStringInfo(&out, " due %s", instant_to_text(deed->due_at));
		if (deed->done_at != DT_NOEND)
			appendStringInfo(&out, " done %s", instant_to_text(deed->done_at));
		if (deed->cost != 0)
			appendStringInfo(&out, " cost %s", amount_to_text(deed->cost));
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/* What a deed takes in a message at least: the numbers, and a name of a byte. */
#define MESSAGE_MIN_DEED (1 + 8 * 4 + 4 + 1)

/*
 * Binary form: version and flags (int16), the number of deeds (int32), and of each
 * its kind (int8), made_at, due_at and done_at (int64, the highest number for none),
 * cost (int64), and its name with its length before it (int32).
 */
PG_FUNCTION_INFO_V1(crm_deeds_send);
Datum
crm_deeds_send(PG_FUNCTION_ARGS)
{
	Deeds		  *d = PG_GETARG_DEEDS(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, d->version);
	pq_sendint16(&out, d->flags);
	pq_sendint32(&out, d->ndeeds);
	for (int i = 0; i < d->ndeeds; i++)
	{
		pq_sendint8(&out, d->deeds[i].kind);
		pq_sendint64(&out, d->deeds[i].made_at);
		pq_sendint64(&out, d->deeds[i].due_at);
		pq_sendint64(&out, d->deeds[i].done_at);
		pq_sendint64(&out, d->deeds[i].cost);
		send_counted_text(&out, d->deeds[i].name, strnlen(d->deeds[i].name, DEED_NAME_SIZE));
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* The deeds of a message, as they stand there. */
static Deeds *
receive_deeds(StringInfo message)
{
	int	   n;
	Deeds *d;

	receive_header(message, "deeds", 2, DEEDS_VERSION, 0);
	n = receive_count(message, "deeds", "deeds", MESSAGE_MIN_DEED);
	d = deeds_create((Size) n);
	for (int i = 0; i < n; i++)
	{
		Deed *deed = &d->deeds[i];
		char *name;

		CHECK_FOR_INTERRUPTS();
		deed->kind = receive_choice(message, "deeds", "kind", DEED_KINDS - 1);
		deed->made_at = pq_getmsgint64(message);
		deed->due_at = pq_getmsgint64(message);
		deed->done_at = pq_getmsgint64(message);
		deed->cost = pq_getmsgint64(message);
		name = receive_counted_text(message, "name of a deed");
		set_name(deed, name, strlen(name));
		CheckDeed(deed);
	}
	d->ndeeds = n;
	return d;
}

PG_FUNCTION_INFO_V1(crm_deeds_recv);
Datum
crm_deeds_recv(PG_FUNCTION_ARGS)
{
	Deeds *d = receive_deeds((StringInfo) PG_GETARG_POINTER(0));

	for (int i = 1; i < d->ndeeds; i++)
		if (deed_compare(&d->deeds[i - 1], &d->deeds[i]) > 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
							errmsg("deeds are out of order")));
	PG_RETURN_DEEDS(d);
}

PG_FUNCTION_INFO_V1(crm_deeds_state_recv);
Datum
crm_deeds_state_recv(PG_FUNCTION_ARGS)
{
	PG_RETURN_DEEDS(receive_deeds((StringInfo) PG_GETARG_POINTER(0)));
}

/* Where the arguments of a deed stand. */
enum
{
	ARG_KIND,
	ARG_NAME,
	ARG_MADE_AT,
	ARG_DUE_AT,
	ARG_DONE_AT,
	ARG_COST
};

/* The deed that arguments make; false if they lack kind, name or when. */
static bool
deed_of_arguments(FunctionCallInfo fcinfo, int first, Deed *deed)
{
	text *name;

	if (PG_ARGISNULL(first + ARG_KIND) || PG_ARGISNULL(first + ARG_NAME) ||
		PG_ARGISNULL(first + ARG_MADE_AT))
		return false;
	memset(deed, 0, sizeof(Deed));
	name = PG_GETARG_TEXT_PP(first + ARG_NAME);
	deed->kind = (uint8) names_get_text(&deed_kinds, PG_GETARG_TEXT_PP(first + ARG_KIND));
	set_name(deed, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	deed->made_at = PG_GETARG_TIMESTAMPTZ(first + ARG_MADE_AT);
	deed->due_at =
		PG_ARGISNULL(first + ARG_DUE_AT) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(first + ARG_DUE_AT);
	deed->done_at =
		PG_ARGISNULL(first + ARG_DONE_AT) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(first + ARG_DONE_AT);
	if (!PG_ARGISNULL(first + ARG_COST))
		deed->cost = amount_from_numeric(PG_GETARG_NUMERIC(first + ARG_COST));
	CheckDeed(deed);
	return true;
}

/* The deeds of one; none if it lacks kind, name or when it was made. */
PG_FUNCTION_INFO_V1(crm_deed);
Datum
crm_deed(PG_FUNCTION_ARGS)
{
	Deed deed;

	if (!deed_of_arguments(fcinfo, 0, &deed))
		PG_RETURN_DEEDS(deeds_create(0));
	PG_RETURN_DEEDS(deeds_add(deeds_create(1), &deed));
}

/* A row more: kind, name, made_at, due_at, done_at, cost. */
PG_FUNCTION_INFO_V1(crm_deeds_transition);
Datum
crm_deeds_transition(PG_FUNCTION_ARGS)
{
	Deeds *state;
	Deed   deed;

	(void) CheckInAggregate(fcinfo);
	state = PG_ARGISNULL(0) ? deeds_create(2) : PG_GETARG_DEEDS(0);
	if (deed_of_arguments(fcinfo, 1, &deed))
		state = deeds_add(state, &deed);
	PG_RETURN_DEEDS(state);
}

/* All deeds of a value more. */
PG_FUNCTION_INFO_V1(crm_deeds_merge_transition);
Datum
crm_deeds_merge_transition(PG_FUNCTION_ARGS)
{
	Deeds *state;

	(void) CheckInAggregate(fcinfo);
	state = PG_ARGISNULL(0) ? deeds_create(2) : PG_GETARG_DEEDS(0);
	if (!PG_ARGISNULL(1))
		state = deeds_add_all(state, PG_GETARG_DEEDS(1));
	PG_RETURN_DEEDS(state);
}

/* The deeds of both states. */
PG_FUNCTION_INFO_V1(crm_deeds_combine);
Datum
crm_deeds_combine(PG_FUNCTION_ARGS)
{
	const Deeds *a = PG_GETARG_DEEDS(0);
	const Deeds *b = PG_GETARG_DEEDS(1);
	Deeds		*both = deeds_create((Size) a->ndeeds + b->ndeeds);

	PG_RETURN_DEEDS(deeds_add_all(deeds_add_all(both, a), b));
}

/* The deeds of a state. */
PG_FUNCTION_INFO_V1(crm_deeds_final);
Datum
crm_deeds_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_DEEDS(deeds_settle(PG_GETARG_DEEDS(0)));
}

/*
 * Both, sorted: all of a and all of b, or of a what b does not hold; false at an entry
 * of b that a lacks.
 */
static bool
merge_deeds(const Deeds *a, const Deeds *b, bool minus, Deeds *result)
{
	int i = 0;
	int j = 0;

	while (i < a->ndeeds || j < b->ndeeds)
	{
		int order = j == b->ndeeds	 ? -1
					: i == a->ndeeds ? 1
									 : deed_compare(&a->deeds[i], &b->deeds[j]);

		CHECK_FOR_INTERRUPTS();
		if (minus && order > 0)
			return false;
		if (minus && order == 0)
			i++, j++;
		else
			result->deeds[result->ndeeds++] = order <= 0 ? a->deeds[i++] : b->deeds[j++];
	}
	return true;
}

/* The deeds of both. */
PG_FUNCTION_INFO_V1(crm_deeds_plus);
Datum
crm_deeds_plus(PG_FUNCTION_ARGS)
{
	const Deeds *a = PG_GETARG_DEEDS(0);
	const Deeds *b = PG_GETARG_DEEDS(1);
	Deeds		*sum = deeds_create((Size) a->ndeeds + b->ndeeds);

	merge_deeds(a, b, false, sum);
	PG_RETURN_DEEDS(sum);
}

/* The deeds of a without those of b, which a must hold. */
PG_FUNCTION_INFO_V1(crm_deeds_minus);
Datum
crm_deeds_minus(PG_FUNCTION_ARGS)
{
	const Deeds *a = PG_GETARG_DEEDS(0);
	const Deeds *b = PG_GETARG_DEEDS(1);
	Deeds		*left = deeds_create((Size) a->ndeeds);

	if (!merge_deeds(a, b, true, left))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("deeds to be taken away are not all there")));
	SET_VARSIZE(left, DEEDS_SIZE(left->ndeeds));
	PG_RETURN_DEEDS(left);
}

static Content
content(const void *value)
{
	const Deeds *d = value;

	return (Content){d->deeds, sizeof(Deed) * (Size) d->ndeeds};
}

/* By the first deed that differs, then the fewer first. */
static int
order(const void *x, const void *y)
{
	const Deeds *a = x;
	const Deeds *b = y;

	for (int i = 0; i < Min(a->ndeeds, b->ndeeds); i++)
	{
		int difference = deed_compare(&a->deeds[i], &b->deeds[i]);

		if (difference != 0)
			return difference;
	}
	return CRM_COMPARE(a->ndeeds, b->ndeeds);
}

VALUE_FUNCTIONS(deeds, order, content);
