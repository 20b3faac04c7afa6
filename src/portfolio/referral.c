/*
 * referral.c: the type referral_network and its aggregate.
 *
 * The text form is "{anna > ben 12.50, anna > "c d" unknown}": referrer,
 * customer referred and worth of each referral; keys that are no plain words
 * stand in double quotes.
 */
#include "crm.h"

#include "base/growth.h"
#include "base/aggregate.h"
#include "base/value.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "portfolio/referral.h"
#include "base/scan.h"
#include "utils/builtins.h"

#define FIRST_SIZE 256

static inline Size
referral_size(int referrer_len, int referred_len)
{
	return MAXALIGN(offsetof(Referral, keys) + referrer_len + referred_len);
}

static ReferralNetwork *
create_network(Size size)
{
	ReferralNetwork *network = palloc(size);

	memset(network, 0, offsetof(ReferralNetwork, data));
	SET_VARSIZE(network, size);
	network->version = REFERRAL_NETWORK_VERSION;
	return network;
}

/* A network with room for more bytes: itself, or a copy of at least twice the size. */
static ReferralNetwork *
reserve(ReferralNetwork *network, Size bytes)
{
	Size used = offsetof(ReferralNetwork, data) + network->used;

	if (state_has_room(network, used, bytes))
		return network;
	if (used + bytes > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("referral_network is too large"),
				 errdetail("A network holds at most %zu bytes.", (Size) MaxAllocSize)));
	return state_grown(network, used, bytes, MaxAllocSize);
}

/* A key names somebody, in not too many bytes. */
static inline void
CheckKey(Key key)
{
	if (key.len == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("customer key of a referral cannot be empty")));
	if (key.len > REFERRAL_KEY_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("customer key of a referral is too long"),
				 errdetail("A key has at most %d bytes, this one %d.", REFERRAL_KEY_MAX, key.len)));
}

/* Nobody brings himself. */
static inline void
CheckNotSelf(Key referrer, Key referred)
{
	if (key_order(referrer, referred) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("customer \"%.*s\" cannot be referred by the same customer",
							   referrer.len, referrer.bytes)));
}

/* Adds a referral behind the others. */
static ReferralNetwork *
append(ReferralNetwork *network, Key referrer, Key referred, int64 worth)
{
	Size	  size;
	Referral *r;

	CheckKey(referrer);
	CheckKey(referred);
	CheckNotSelf(referrer, referred);
	size = referral_size(referrer.len, referred.len);
	network = reserve(network, size);
	r = (Referral *) (network->data + network->used);
	memset(r, 0, size);
	r->worth = worth;
	r->referrer_len = referrer.len;
	r->referred_len = referred.len;
	memcpy(r->keys, referrer.bytes, referrer.len);
	memcpy(r->keys + referrer.len, referred.bytes, referred.len);
	network->used += size;
	network->nreferrals++;
	return network;
}

static int
compare_referrals(const void *a, const void *b)
{
	const Referral *x = *(const Referral *const *) a;
	const Referral *y = *(const Referral *const *) b;
	int				order = key_order(referrer_of(x), referrer_of(y));

	CHECK_FOR_INTERRUPTS();
	if (order == 0)
		order = key_order(referred_of(x), referred_of(y));
	return order != 0 ? order : CRM_COMPARE(x->worth, y->worth);
}

/* The referrals in order, palloc'ed. */
const Referral **
referral_network_sorted(const ReferralNetwork *network)
{
	const Referral **sorted = palloc(Max(network->nreferrals, 1) * sizeof(Referral *));
	const char		*at = network->data;

	for (int i = 0; i < network->nreferrals; i++)
	{
		sorted[i] = (const Referral *) at;
		at += referral_size(sorted[i]->referrer_len, sorted[i]->referred_len);
	}
	qsort(sorted, network->nreferrals, sizeof(Referral *), compare_referrals);
	return sorted;
}

static int
compare_referred(const void *a, const void *b)
{
	CHECK_FOR_INTERRUPTS();
	return key_order(referred_of(*(const Referral *const *) a),
					 referred_of(*(const Referral *const *) b));
}

/* A customer is brought by one other. */
static void
CheckReferredOnce(const Referral **referrals, int n)
{
	const Referral **by_referred = palloc(Max(n, 1) * sizeof(Referral *));

	memcpy(by_referred, referrals, n * sizeof(Referral *));
	qsort(by_referred, n, sizeof(Referral *), compare_referred);
	for (int i = 1; i < n; i++)
	{
		Key key = referred_of(by_referred[i]);
		Key one = referrer_of(by_referred[i - 1]);
		Key other = referrer_of(by_referred[i]);

		if (key_order(referred_of(by_referred[i - 1]), key) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("customer \"%.*s\" is referred more than once", key.len, key.bytes),
					 errdetail("Referrers are \"%.*s\" and \"%.*s\".", one.len, one.bytes,
							   other.len, other.bytes),
					 errhint("Credit each customer to one referral, for example the first.")));
	}
	pfree(by_referred);
}

/* The network as a stored value is. */
static ReferralNetwork *
settle(const ReferralNetwork *network)
{
	const Referral **sorted = referral_network_sorted(network);
	ReferralNetwork *settled = create_network(offsetof(ReferralNetwork, data) + network->used);

	CheckReferredOnce(sorted, network->nreferrals);
	for (int i = 0; i < network->nreferrals; i++)
	{
		Size size = referral_size(sorted[i]->referrer_len, sorted[i]->referred_len);

		memcpy(settled->data + settled->used, sorted[i], size);
		settled->used += size;
	}
	settled->nreferrals = network->nreferrals;
	pfree(sorted);
	return settled;
}

static inline Key
text_key(const text *t)
{
	Key key = {VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)};

	return key;
}

/* Adds (referrer, referred, worth); a row without either customer is no referral. */
PG_FUNCTION_INFO_V1(crm_referral_network_transition);
Datum
crm_referral_network_transition(PG_FUNCTION_ARGS)
{
	ReferralNetwork *state = PG_ARGISNULL(0) ? NULL : PG_GETARG_REFERRAL_NETWORK(0);

	(void) CheckInAggregate(fcinfo);
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		int64 worth = PG_ARGISNULL(3) ? WORTH_UNKNOWN : amount_from_numeric(PG_GETARG_NUMERIC(3));

		if (state == NULL)
			state = create_network(FIRST_SIZE);
		state =
			append(state, text_key(PG_GETARG_TEXT_PP(1)), text_key(PG_GETARG_TEXT_PP(2)), worth);
	}
	return state_or_null(fcinfo, state);
}

/* A network more, whose referrals go behind those of the state; NULL is left out. */
PG_FUNCTION_INFO_V1(crm_referral_network_append_all);
Datum
crm_referral_network_append_all(PG_FUNCTION_ARGS)
{
	ReferralNetwork *state = PG_ARGISNULL(0) ? NULL : PG_GETARG_REFERRAL_NETWORK(0);
	ReferralNetwork *more;

	(void) CheckInAggregate(fcinfo);
	if (PG_ARGISNULL(1))
		return state_or_null(fcinfo, state);
	more = PG_GETARG_REFERRAL_NETWORK(1);
	state = reserve(state ? state : create_network(FIRST_SIZE), more->used);
	memcpy(state->data + state->used, more->data, more->used);
	state->used += more->used;
	state->nreferrals += more->nreferrals;
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(crm_referral_network_final);
Datum
crm_referral_network_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(settle(PG_GETARG_REFERRAL_NETWORK(0)));
}

/* a + b, and the combine function: the referrals of both. */
PG_FUNCTION_INFO_V1(crm_referral_network_plus);
Datum
crm_referral_network_plus(PG_FUNCTION_ARGS)
{
	ReferralNetwork *a = PG_GETARG_REFERRAL_NETWORK(0);
	ReferralNetwork *b = PG_GETARG_REFERRAL_NETWORK(1);
	ReferralNetwork *sum = create_network(offsetof(ReferralNetwork, data) + a->used);

	memcpy(sum->data, a->data, a->used);
	sum->used = a->used;
	sum->nreferrals = a->nreferrals;
	sum = reserve(sum, b->used);
	memcpy(sum->data + sum->used, b->data, b->used);
	sum->used += b->used;
	sum->nreferrals += b->nreferrals;
	PG_RETURN_POINTER(settle(sum));
}

static Key
scan_key(Scanner *s)
{
	char *label = scan_label(s);
	Key	  key = {label, strlen(label)};

	return key;
}

PG_FUNCTION_INFO_V1(crm_referral_network_in);
Datum
crm_referral_network_in(PG_FUNCTION_ARGS)
{
	Scanner			 s = scan_start("referral_network", PG_GETARG_CSTRING(0));
	ReferralNetwork *network = create_network(FIRST_SIZE);

	scan_char(&s, '{');
	do
	{
		Key referrer = scan_key(&s);
		Key referred;

		scan_char(&s, '>');
		referred = scan_key(&s);
		network = append(network, referrer, referred,
						 scan_try_word(&s, "unknown") ? WORTH_UNKNOWN : scan_amount(&s));
		CHECK_FOR_INTERRUPTS();
	} while (scan_try_char(&s, ','));
	scan_char(&s, '}');
	scan_end(&s);
	PG_RETURN_POINTER(settle(network));
}

static void
append_key(StringInfo out, Key key)
{
	append_label(out, pnstrdup(key.bytes, key.len), NULL);
}

PG_FUNCTION_INFO_V1(crm_referral_network_out);
Datum
crm_referral_network_out(PG_FUNCTION_ARGS)
{
	ReferralNetwork *network = PG_GETARG_REFERRAL_NETWORK(0);
	const Referral **sorted = referral_network_sorted(network);
	StringInfoData	 out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (int i = 0; i < network->nreferrals; i++)
	{
		if (i > 0)
			appendStringInfoString(&out, ", ");
		append_key(&out, referrer_of(sorted[i]));
		appendStringInfoString(&out, " > ");
		append_key(&out, referred_of(sorted[i]));
		appendStringInfo(&out, " %s",
						 sorted[i]->worth == WORTH_UNKNOWN ? "unknown"
														   : amount_to_text(sorted[i]->worth));
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

static void
send_key(StringInfo out, Key key)
{
	char *converted = pg_server_to_client(key.bytes, key.len);
	int	  len = converted == key.bytes ? key.len : (int) strlen(converted);

	pq_sendint16(out, (uint16) len);
	pq_sendbytes(out, converted, len);
}

/*
 * Binary form: version, flags (int16), count (int32), then worth (int64, the
 * smallest if unknown) and both keys (length as int16, bytes) of every referral.
 */
PG_FUNCTION_INFO_V1(crm_referral_network_send);
Datum
crm_referral_network_send(PG_FUNCTION_ARGS)
{
	ReferralNetwork *network = PG_GETARG_REFERRAL_NETWORK(0);
	const Referral **sorted = referral_network_sorted(network);
	StringInfoData	 out;

	pq_begintypsend(&out);
	pq_sendint16(&out, network->version);
	pq_sendint16(&out, network->flags);
	pq_sendint32(&out, network->nreferrals);
	for (int i = 0; i < network->nreferrals; i++)
	{
		pq_sendint64(&out, sorted[i]->worth);
		send_key(&out, referrer_of(sorted[i]));
		send_key(&out, referred_of(sorted[i]));
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* Bytes of a referral in a message: a worth and two keys of at least no bytes. */
#define MESSAGE_MIN_REFERRAL (8 + 2 + 2)

/* A network has a referral at least. */
static inline void
CheckReferralCount(int nreferrals)
{
	if (nreferrals < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("referral_network cannot hold %d referrals", nreferrals)));
}

/* A worth is an amount or unknown. */
static inline int64
CheckWorth(int64 worth)
{
	if (worth != WORTH_UNKNOWN && !AmountIsValid(worth))
		amount_out_of_range(amount_to_text(worth));
	return worth;
}

/* A key in the server's encoding; pq_getmsgtext refuses what is none. */
static Key
receive_key(StringInfo message)
{
	int len = (uint16) pq_getmsgint(message, 2);
	int nbytes;
	Key key;

	key.bytes = pq_getmsgtext(message, len, &nbytes);
	key.len = nbytes;
	if ((int) strlen(key.bytes) != nbytes)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("customer key of a referral has a zero byte")));
	return key;
}

PG_FUNCTION_INFO_V1(crm_referral_network_recv);
Datum
crm_referral_network_recv(PG_FUNCTION_ARGS)
{
	StringInfo		 message = (StringInfo) PG_GETARG_POINTER(0);
	int				 nreferrals;
	ReferralNetwork *network = create_network(FIRST_SIZE);

	receive_header(message, "referral_network", 2, REFERRAL_NETWORK_VERSION, 0);
	nreferrals = receive_count(message, "referral_network", "referrals", MESSAGE_MIN_REFERRAL);
	CheckReferralCount(nreferrals);
	for (int i = 0; i < nreferrals; i++)
	{
		int64 worth = CheckWorth(pq_getmsgint64(message));
		Key	  referrer = receive_key(message);

		network = append(network, referrer, receive_key(message), worth);
	}
	PG_RETURN_POINTER(settle(network));
}

/* Order of two networks: by the first referral that differs, then the fewer referrals. */
static int
order(const void *x, const void *y)
{
	const ReferralNetwork *a = x;
	const ReferralNetwork *b = y;
	const Referral		 **of_a = referral_network_sorted(a);
	const Referral		 **of_b = referral_network_sorted(b);
	int					   difference = 0;

	for (int i = 0; i < Min(a->nreferrals, b->nreferrals) && difference == 0; i++)
		difference = compare_referrals(&of_a[i], &of_b[i]);
	pfree(of_a);
	pfree(of_b);
	return difference != 0 ? difference : CRM_COMPARE(a->nreferrals, b->nreferrals);
}

static Content
content(const void *network)
{
	const ReferralNetwork *n = network;

	return (Content){n->data, n->used};
}

VALUE_FUNCTIONS(referral_network, order, content);
