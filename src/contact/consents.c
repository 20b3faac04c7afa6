/*
 * consents.c: the type consents: what a customer may be contacted for.
 *
 * The text form is {purpose basis [from, until), ...}, for example
 * {marketing consent [2024-01-01 00:00:00+00, ), order contract [, )}.
 */
#include "crm.h"

#include "base/growth.h"
#include "base/aggregate.h"
#include "base/during.h"
#include "base/value.h"
#include "contact/consents.h"
#include "miscadmin.h"
#include "base/scan.h"
#include "utils/builtins.h"

const BasisName basis_names[CONSENT_BASES] = {
	"consent",		  "contract",	 "legal_obligation",
	"vital_interest", "public_task", "legitimate_interest",
};
const Names consent_bases = NAMES("basis", "Bases", NULL, 0, basis_names);

/* The name of a purpose in the fixed-size form of a grant. */
void
purpose_set(char *purpose, const char *name, size_t len)
{
	if (len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("purpose cannot be empty")));
	if (len > PURPOSE_SIZE)
		ereport(ERROR, (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
						errmsg("purpose \"%.*s\" is too long", (int) len, name),
						errdetail("A purpose's name has at most %d bytes.", PURPOSE_SIZE)));
	memset(purpose, 0, PURPOSE_SIZE);
	memcpy(purpose, name, len);
}

static inline void
CheckGrants(int ngrants)
{
	if (ngrants > CONSENTS_MAX_GRANTS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("consents cannot hold %d grants", ngrants)));
}

static Consents *
consents_create(int ngrants)
{
	Consents *c;

	CheckGrants(ngrants);
	c = palloc(CONSENTS_SIZE(ngrants));
	memset(c, 0, offsetof(Consents, grants));
	SET_VARSIZE(c, CONSENTS_SIZE(ngrants));
	c->version = CONSENTS_VERSION;
	c->ngrants = ngrants;
	return c;
}

static int
compare_grants(const void *a, const void *b)
{
	const Grant *x = a;
	const Grant *y = b;
	int			 order = memcmp(x->purpose, y->purpose, PURPOSE_SIZE);

	if (order == 0)
		order = CRM_COMPARE(x->basis, y->basis);
	if (order == 0)
		order = CRM_COMPARE(x->from, y->from);
	if (order == 0)
		order = CRM_COMPARE(x->until, y->until);
	return order;
}

/* Put grants in order, each once, whatever room there is behind them. */
static void
sort_grants(Consents *c)
{
	int n = 0;

	qsort(c->grants, c->ngrants, sizeof(Grant), compare_grants);
	for (int i = 0; i < c->ngrants; i++)
		if (n == 0 || compare_grants(&c->grants[n - 1], &c->grants[i]) != 0)
			c->grants[n++] = c->grants[i];
	c->ngrants = n;
}

static Consents *
normalize(Consents *c)
{
	sort_grants(c);
	SET_VARSIZE(c, CONSENTS_SIZE(c->ngrants));
	return c;
}

/* A grant ends after it began. */
static inline void
CheckValidity(TimestampTz from, TimestampTz until)
{
	if (from >= until)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("a grant must end after it began"),
						errhint("A grant that never held is left out.")));
}

/* Read one "purpose basis [from, until)". */
static Grant
scan_grant(Scanner *s)
{
	Grant grant;
	char *purpose = scan_label(s);

	purpose_set(grant.purpose, purpose, strlen(purpose));
	grant.basis = (uint8) names_scan(s, &consent_bases);
	scan_char(s, '[');
	grant.from = DT_NOBEGIN;
	grant.until = DT_NOEND;
	if (!scan_try_char(s, ','))
	{
		grant.from = scan_instant(s);
		scan_char(s, ',');
	}
	if (!scan_try_char(s, ')'))
	{
		grant.until = scan_instant(s);
		scan_char(s, ')');
	}
	CheckValidity(grant.from, grant.until);
	return grant;
}

PG_FUNCTION_INFO_V1(crm_consents_in);
Datum
crm_consents_in(PG_FUNCTION_ARGS)
{
	char	 *input = PG_GETARG_CSTRING(0);
	Scanner	  s = scan_start("consents", input);
	int		  capacity = 0;
	int		  n = 0;
	Consents *c;

	for (const char *at = input; *at != '\0'; at++)
		capacity += *at == '[';
	c = consents_create(capacity);

	scan_char(&s, '{');
	if (!scan_try_char(&s, '}'))
	{
		do
		{
			Grant grant = scan_grant(&s);

			c->grants[n++] = grant;
		} while (scan_try_char(&s, ','));
		scan_char(&s, '}');
	}
	scan_end(&s);
	c->ngrants = n;
	PG_RETURN_CONSENTS(normalize(c));
}

PG_FUNCTION_INFO_V1(crm_consents_out);
Datum
crm_consents_out(PG_FUNCTION_ARGS)
{
	Consents	  *c = PG_GETARG_CONSENTS(0);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (int i = 0; i < c->ngrants; i++)
	{
		const Grant *grant = &c->grants[i];

		if (i > 0)
			appendStringInfoString(&out, ", ");
		append_label(&out, pnstrdup(grant->purpose, strnlen(grant->purpose, PURPOSE_SIZE)), NULL);
		appendStringInfo(&out, " %s [", basis_names[grant->basis]);
		if (grant->from != DT_NOBEGIN)
			appendStringInfoString(&out, instant_to_text(grant->from));
		appendStringInfoString(&out, ", ");
		if (grant->until != DT_NOEND)
			appendStringInfoString(&out, instant_to_text(grant->until));
		appendStringInfoChar(&out, ')');
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/* A value, whose grants are in order, or the state of an aggregate, which nodes of a cluster send to each other, with its grants put in order. */
static const Consents *
in_order(const Consents *state)
{
	Consents *c;
	int		  n = 1;

	while (n < state->ngrants && compare_grants(&state->grants[n - 1], &state->grants[n]) < 0)
		n++;
	if (n >= state->ngrants)
		return state;
	c = consents_create(state->ngrants);
	memcpy(c->grants, state->grants, state->ngrants * sizeof(Grant));
	return normalize(c);
}

/*
 * Binary form: version, flags (int16), count (int32), then for each grant from,
 * until (int64, the lowest and highest number for infinity), basis (int8),
 * length of the purpose (int32) and its text.
 */
#define MESSAGE_MIN_GRANT (8 + 8 + 1 + 4 + 1)

PG_FUNCTION_INFO_V1(crm_consents_send);
Datum
crm_consents_send(PG_FUNCTION_ARGS)
{
	const Consents *c = in_order(PG_GETARG_CONSENTS(0));
	StringInfoData	out;

	pq_begintypsend(&out);
	pq_sendint16(&out, c->version);
	pq_sendint16(&out, c->flags);
	pq_sendint32(&out, c->ngrants);
	for (int i = 0; i < c->ngrants; i++)
	{
		const Grant *grant = &c->grants[i];

		pq_sendint64(&out, grant->from);
		pq_sendint64(&out, grant->until);
		pq_sendint8(&out, grant->basis);
		send_counted_text(&out, grant->purpose, strnlen(grant->purpose, PURPOSE_SIZE));
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

static Grant
receive_grant(StringInfo message)
{
	Grant grant;
	char *purpose;
	int	  basis;

	grant.from = pq_getmsgint64(message);
	grant.until = pq_getmsgint64(message);
	if (grant.from != DT_NOBEGIN)
		CheckInstant(grant.from, "begin of a grant");
	if (grant.until != DT_NOEND)
		CheckInstant(grant.until, "end of a grant");
	CheckValidity(grant.from, grant.until);
	basis = pq_getmsgint(message, 1);
	if (basis >= CONSENT_BASES)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unknown basis %d", basis)));
	grant.basis = (uint8) basis;
	purpose = receive_counted_text(message, "purpose");
	purpose_set(grant.purpose, purpose, strlen(purpose));
	return grant;
}

PG_FUNCTION_INFO_V1(crm_consents_recv);
Datum
crm_consents_recv(PG_FUNCTION_ARGS)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	int		   n;
	Consents  *c;

	receive_header(message, "consents", 2, CONSENTS_VERSION, 0);
	n = receive_count(message, "consents", "grants", MESSAGE_MIN_GRANT);
	c = consents_create(n);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		c->grants[i] = receive_grant(message);
		if (i > 0 && compare_grants(&c->grants[i - 1], &c->grants[i]) >= 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
							errmsg("grants of consents are out of order")));
	}
	PG_RETURN_CONSENTS(c);
}

/* The consents of one grant, of none if the validity is empty. */
static Consents *
consents_of(const text *purpose, const text *basis, RangeType *validity)
{
	Consents *c = consents_create(1);

	purpose_set(c->grants[0].purpose, VARDATA_ANY(purpose), VARSIZE_ANY_EXHDR(purpose));
	c->grants[0].basis = (uint8) names_get_text(&consent_bases, basis);

	return range_instants(validity, &c->grants[0].from, &c->grants[0].until) ? c
																			 : consents_create(0);
}

/* The consents of one grant. */
PG_FUNCTION_INFO_V1(crm_consent);
Datum
crm_consent(PG_FUNCTION_ARGS)
{
	PG_RETURN_CONSENTS(
		consents_of(PG_GETARG_TEXT_PP(0), PG_GETARG_TEXT_PP(1), PG_GETARG_RANGE_P(2)));
}

/* All grants of either. */
static Consents *
add_consents(const Consents *a, const Consents *b)
{
	Consents *sum = consents_create(a->ngrants + b->ngrants);

	memcpy(sum->grants, a->grants, a->ngrants * sizeof(Grant));
	memcpy(sum->grants + a->ngrants, b->grants, b->ngrants * sizeof(Grant));
	return normalize(sum);
}

/* a + b, and the combine function of the aggregates: commutative, associative, idempotent. */
PG_FUNCTION_INFO_V1(crm_consents_plus);
Datum
crm_consents_plus(PG_FUNCTION_ARGS)
{
	PG_RETURN_CONSENTS(add_consents(PG_GETARG_CONSENTS(0), PG_GETARG_CONSENTS(1)));
}

/* A row more: purpose, basis, validity; one with a NULL is left out. As it stood before 0.3.0, without a final function. */
PG_FUNCTION_INFO_V1(crm_consents_transition);
Datum
crm_consents_transition(PG_FUNCTION_ARGS)
{
	Consents *one;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	one = consents_of(PG_GETARG_TEXT_PP(1), PG_GETARG_TEXT_PP(2), PG_GETARG_RANGE_P(3));
	PG_RETURN_CONSENTS(PG_ARGISNULL(0) ? one : add_consents(PG_GETARG_CONSENTS(0), one));
}

#define FIRST_GRANTS 4

/*
 * A state of an aggregate with more grants, in any order, behind which there is
 * room to spare: itself, or where it is full of different ones a copy of twice
 * the size, which the executor takes into the aggregate's memory.
 */
static Consents *
append_grants(Consents *state, const Consents *more)
{
	Size added = more->ngrants * sizeof(Grant);

	if (!state_has_room(state, CONSENTS_SIZE(state->ngrants), added))
	{
		sort_grants(state);
		CheckGrants(state->ngrants + more->ngrants);
		/* most repeat themselves: half of the room is enough to go on with */
		if (CONSENTS_SIZE(2 * (state->ngrants + more->ngrants)) > VARSIZE(state))
			state = state_grown(state, CONSENTS_SIZE(state->ngrants), added,
								CONSENTS_SIZE(CONSENTS_MAX_GRANTS));
	}
	memcpy(state->grants + state->ngrants, more->grants, more->ngrants * sizeof(Grant));
	state->ngrants += more->ngrants;
	return state;
}

static Consents *
consents_state(FunctionCallInfo fcinfo)
{
	Consents *state;

	(void) CheckInAggregate(fcinfo);
	if (!PG_ARGISNULL(0))
		return PG_GETARG_CONSENTS(0);
	state = consents_create(FIRST_GRANTS);
	state->ngrants = 0;
	return state;
}

/* A row more: purpose, basis, validity; one with a NULL is left out. */
PG_FUNCTION_INFO_V1(crm_consents_append);
Datum
crm_consents_append(PG_FUNCTION_ARGS)
{
	if (state_row_has_null(fcinfo))
	{
		(void) CheckInAggregate(fcinfo);
		return state_unchanged(fcinfo);
	}
	PG_RETURN_CONSENTS(append_grants(
		consents_state(fcinfo),
		consents_of(PG_GETARG_TEXT_PP(1), PG_GETARG_TEXT_PP(2), PG_GETARG_RANGE_P(3))));
}

/* Consents more; NULL is left out. */
PG_FUNCTION_INFO_V1(crm_consents_append_all);
Datum
crm_consents_append_all(PG_FUNCTION_ARGS)
{
	if (state_row_has_null(fcinfo))
	{
		(void) CheckInAggregate(fcinfo);
		return state_unchanged(fcinfo);
	}
	PG_RETURN_CONSENTS(append_grants(consents_state(fcinfo), PG_GETARG_CONSENTS(1)));
}

/* The consents that a state holds. */
PG_FUNCTION_INFO_V1(crm_consents_final);
Datum
crm_consents_final(PG_FUNCTION_ARGS)
{
	Consents *state = PG_GETARG_CONSENTS(0);
	Consents *c = consents_create(state->ngrants);

	memcpy(c->grants, state->grants, state->ngrants * sizeof(Grant));
	PG_RETURN_CONSENTS(normalize(c));
}

/* Order of two consents: by the first grant that differs, then the fewer first. */
static int
order(const void *x, const void *y)
{
	const Consents *a = x;
	const Consents *b = y;

	for (int i = 0; i < Min(a->ngrants, b->ngrants); i++)
	{
		int difference = compare_grants(&a->grants[i], &b->grants[i]);

		if (difference != 0)
			return difference;
	}
	return CRM_COMPARE(a->ngrants, b->ngrants);
}

static Content
content(const void *consents)
{
	const Consents *c = consents;

	return (Content){c->grants, c->ngrants * sizeof(Grant)};
}

VALUE_FUNCTIONS(consents, order, content);
