/*
 * revenue_state.c: the type expected_revenue_state: sums, combination and forms.
 *
 * Text: the models as labels in double quotes and the sums, as their types write them:
 * "bg_nbd(..)"; "gamma_gamma(..)"; {sum, sum, ...}
 */
#include "crm.h"

#include <math.h>

#include "base/aggregate.h"
#include "base/scan.h"
#include "base/value.h"
#include "lifetime/revenue_state.h"

/* The forms of its parts. */
extern Datum crm_purchase_model_in(PG_FUNCTION_ARGS);
extern Datum crm_purchase_model_out(PG_FUNCTION_ARGS);
extern Datum crm_purchase_model_recv(PG_FUNCTION_ARGS);
extern Datum crm_purchase_model_send(PG_FUNCTION_ARGS);
extern Datum crm_spend_model_in(PG_FUNCTION_ARGS);
extern Datum crm_spend_model_out(PG_FUNCTION_ARGS);
extern Datum crm_spend_model_recv(PG_FUNCTION_ARGS);
extern Datum crm_spend_model_send(PG_FUNCTION_ARGS);
extern Datum crm_exact_sums_in(PG_FUNCTION_ARGS);
extern Datum crm_exact_sums_out(PG_FUNCTION_ARGS);
extern Datum crm_exact_sums_recv(PG_FUNCTION_ARGS);
extern Datum crm_exact_sums_send(PG_FUNCTION_ARGS);

/* A multiple of 2^HIGH_BITS and the rest in 2^-LOW_BITS. */
#define HIGH_BITS 24
#define LOW_BITS 64
#define LARGEST 0x1p110

/* A state of two models, without a row. */
RevenueState *
revenue_state_create(MemoryContext memory, const PurchaseModel *purchases, const SpendModel *spend)
{
	Size		  before_model = (char *) revenue_purchases(NULL) - (char *) NULL;
	Size		  size = before_model + VARSIZE(purchases);
	RevenueState *state = MemoryContextAllocZero(memory, size);
	ExactSums	 *sums = revenue_sums(state);

	SET_VARSIZE(state, size);
	state->version = REVENUE_STATE_VERSION;
	memcpy(&state->spend, spend, sizeof(SpendModel));
	SET_VARSIZE(sums, EXACT_SUMS_SIZE(REVENUE_SUMS));
	sums->version = EXACT_SUMS_VERSION;
	sums->nsums = REVENUE_SUMS;
	memcpy(revenue_purchases(state), purchases, VARSIZE(purchases));
	return state;
}

/* All rows have the models of the first. */
void
CheckSameModels(const RevenueState *state, const PurchaseModel *purchases, const SpendModel *spend)
{
	const PurchaseModel *first = revenue_purchases(state);

	if (VARSIZE(first) != VARSIZE(purchases) || memcmp(first, purchases, VARSIZE(purchases)) != 0 ||
		memcmp(&state->spend, spend, sizeof(SpendModel)) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("expected_revenue needs the same models in every row"),
						errhint("Group the rows by model, and add up the results.")));
}

/* Add a number of one customer to one of the sums of float8. */
void
revenue_add(RevenueState *state, RevenueSum sum, double value)
{
	double high;

	if (unlikely(!(fabs(value) <= LARGEST)))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("what is expected of a customer is out of range: %g", value)));
	high = trunc(ldexp(value, -HIGH_BITS));
	exact_sums_add(revenue_sums(state), sum, (int128) high);
	exact_sums_add(revenue_sums(state), sum + 1,
				   (int128) rint(ldexp(value - ldexp(high, HIGH_BITS), LOW_BITS)));
}

/* One of them as a float8: both parts brought to one sign first, so that none cancels the other. */
double
revenue_get(const RevenueState *state, RevenueSum sum)
{
	const int128 unit = (int128) 1 << (HIGH_BITS + LOW_BITS);
	int128		 high = exact_sums_get(revenue_sums(state), sum);
	int128		 low = exact_sums_get(revenue_sums(state), sum + 1);

	high += low / unit;
	low %= unit;
	if (high > 0 && low < 0)
	{
		high--;
		low += unit;
	}
	else if (high < 0 && low > 0)
	{
		high++;
		low -= unit;
	}
	return ldexp((double) high, HIGH_BITS) + ldexp((double) low, -LOW_BITS);
}

static RevenueState *
state_argument(FunctionCallInfo fcinfo, int n)
{
	return (RevenueState *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n));
}

/* The combine function: sum by sum. */
PG_FUNCTION_INFO_V1(crm_expected_revenue_combine);
Datum
crm_expected_revenue_combine(PG_FUNCTION_ARGS)
{
	RevenueState *state;
	RevenueState *more;

	CheckInAggregate(fcinfo);
	state = state_argument(fcinfo, 0);
	more = state_argument(fcinfo, 1);
	CheckSameModels(state, revenue_purchases(more), &more->spend);
	for (int i = 0; i < REVENUE_SUMS; i++)
		exact_sums_add(revenue_sums(state), i, exact_sums_get(revenue_sums(more), i));
	PG_FREE_IF_COPY(more, 1);
	PG_RETURN_POINTER(state);
}

/* ---- forms ---- */

/* A state of parts that came from outside. */
static Datum
state_of_parts(const PurchaseModel *purchases, const SpendModel *spend, const ExactSums *sums)
{
	RevenueState *state;

	if (sums->nsums != REVENUE_SUMS || exact_sums_get(sums, REVENUE_CUSTOMERS) < 0 ||
		exact_sums_get(sums, REVENUE_CUSTOMERS) > PG_INT64_MAX)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("expected_revenue_state has %d sums, of at most %lld customers",
							   REVENUE_SUMS, (long long) PG_INT64_MAX)));
	state = revenue_state_create(CurrentMemoryContext, purchases, spend);
	memcpy(revenue_sums(state), sums, EXACT_SUMS_SIZE(REVENUE_SUMS));
	PG_RETURN_POINTER(state);
}

static void *
part_in(PGFunction in, const char *text)
{
	return DatumGetPointer(DirectFunctionCall1(in, CStringGetDatum(text)));
}

PG_FUNCTION_INFO_V1(crm_expected_revenue_state_in);
Datum
crm_expected_revenue_state_in(PG_FUNCTION_ARGS)
{
	Scanner		   s = scan_start("expected_revenue_state", PG_GETARG_CSTRING(0));
	PurchaseModel *purchases = part_in(crm_purchase_model_in, scan_label(&s));
	SpendModel	  *spend;

	scan_char(&s, ';');
	spend = part_in(crm_spend_model_in, scan_label(&s));
	scan_char(&s, ';');
	return state_of_parts(purchases, spend, part_in(crm_exact_sums_in, s.at));
}

static char *
part_out(PGFunction out, const void *part)
{
	return DatumGetCString(DirectFunctionCall1(out, PointerGetDatum(part)));
}

PG_FUNCTION_INFO_V1(crm_expected_revenue_state_out);
Datum
crm_expected_revenue_state_out(PG_FUNCTION_ARGS)
{
	RevenueState  *state = state_argument(fcinfo, 0);
	StringInfoData out;

	initStringInfo(&out);
	append_label(&out, part_out(crm_purchase_model_out, revenue_purchases(state)), NULL);
	appendStringInfoString(&out, "; ");
	append_label(&out, part_out(crm_spend_model_out, &state->spend), NULL);
	appendStringInfo(&out, "; %s", part_out(crm_exact_sums_out, revenue_sums(state)));
	PG_RETURN_CSTRING(out.data);
}

/* A part with its length before it. */
static void
send_part(StringInfo out, PGFunction send, const void *part)
{
	bytea *sent = DatumGetByteaPP(DirectFunctionCall1(send, PointerGetDatum(part)));

	pq_sendint32(out, VARSIZE_ANY_EXHDR(sent));
	pq_sendbytes(out, VARDATA_ANY(sent), VARSIZE_ANY_EXHDR(sent));
}

/* Binary form: version, flags (int16), then both models and the sums in theirs, each with its length (int32). */
PG_FUNCTION_INFO_V1(crm_expected_revenue_state_send);
Datum
crm_expected_revenue_state_send(PG_FUNCTION_ARGS)
{
	RevenueState  *state = state_argument(fcinfo, 0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, state->version);
	pq_sendint16(&out, state->flags);
	send_part(&out, crm_purchase_model_send, revenue_purchases(state));
	send_part(&out, crm_spend_model_send, &state->spend);
	send_part(&out, crm_exact_sums_send, revenue_sums(state));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

static void *
receive_part(StringInfo message, PGFunction receive)
{
	int			   len = receive_count(message, "expected_revenue_state", "bytes", 1);
	StringInfoData part;
	void		  *value;

	initStringInfo(&part);
	appendBinaryStringInfo(&part, pq_getmsgbytes(message, len), len);
	value = DatumGetPointer(DirectFunctionCall1(receive, PointerGetDatum(&part)));
	pq_getmsgend(&part);
	return value;
}

PG_FUNCTION_INFO_V1(crm_expected_revenue_state_recv);
Datum
crm_expected_revenue_state_recv(PG_FUNCTION_ARGS)
{
	StringInfo	   message = (StringInfo) PG_GETARG_POINTER(0);
	PurchaseModel *purchases;
	SpendModel	  *spend;

	receive_header(message, "expected_revenue_state", 2, REVENUE_STATE_VERSION, 0);
	purchases = receive_part(message, crm_purchase_model_recv);
	spend = receive_part(message, crm_spend_model_recv);
	return state_of_parts(purchases, spend, receive_part(message, crm_exact_sums_recv));
}
