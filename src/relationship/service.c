/*
 * service.c: how well we serve: complaints, open requests, the time to a first
 * answer and to a solution, and whether a complainer came back.
 *
 * A request is an inbound interaction of kind request, complaint or enquiry:
 * it asks for an answer. It is answered by the first later outbound
 * interaction on any channel that did not bounce, or by its resolved_at if
 * that is earlier; one answer answers all that were waiting. It is closed at
 * resolved_at; without one, an outcome answered or resolved means that it was
 * closed at a time nobody noted, which no mean can count.
 */
#include "crm.h"

#include "relationship/interaction_history.h"
#include "relationship/service_hours.h"
#include "history/purchase_history.h"
#include "base/calendar.h"
#include "base/rows.h"
#include "utils/builtins.h"

/* What as_of knows of one request. */
typedef struct Request
{
	const Interaction *entry;
	TimestampTz		   answered_at; /* infinity if not, or nobody knows when */
	TimestampTz		   resolved_at; /* infinity if not, or nobody knows when */
	bool			   closed_unseen;
} Request;

static bool
is_inbound_kind(const Interaction *entry, InteractionKind kind)
{
	return !interaction_is_outbound(entry) && interaction_kind(entry) == kind;
}

static bool
is_request(const Interaction *entry)
{
	return is_inbound_kind(entry, KIND_REQUEST) || is_inbound_kind(entry, KIND_COMPLAINT) ||
		   is_inbound_kind(entry, KIND_ENQUIRY);
}

static Request
request_of(const Interaction *entry, TimestampTz first_answer, TimestampTz as_of)
{
	InteractionOutcome outcome = interaction_outcome(entry);
	TimestampTz		   resolved_at = interaction_resolved_at(entry);
	Request			   request = {.entry = entry};

	request.closed_unseen =
		resolved_at == DT_NOEND && (outcome == OUTCOME_ANSWERED || outcome == OUTCOME_RESOLVED);
	request.resolved_at = resolved_at <= as_of ? resolved_at : DT_NOEND;
	request.answered_at = Min(first_answer, request.resolved_at);
	return request;
}

/* The requests at or before as_of, by instant; returns how many. */
static int
find_requests(const InteractionHistory *h, TimestampTz as_of, Request **result)
{
	int			n = interaction_history_count_until(h, as_of);
	int			count = 0;
	int			next;
	TimestampTz instant = DT_NOEND;		/* of the entries being looked at */
	TimestampTz after = DT_NOEND;		/* first answer later than that */
	TimestampTz at_or_after = DT_NOEND; /* first answer seen so far */
	Request	   *requests;

	for (int i = 0; i < n; i++)
		count += is_request(&h->entries[i]);
	requests = palloc(Max(count, 1) * sizeof(Request));

	next = count;
	for (int i = n - 1; i >= 0; i--)
	{
		const Interaction *entry = &h->entries[i];

		if (entry->at != instant)
		{
			instant = entry->at;
			after = at_or_after;
		}
		if (interaction_is_outbound(entry) && interaction_outcome(entry) != OUTCOME_BOUNCED)
			at_or_after = instant;
		if (is_request(entry))
			requests[--next] = request_of(entry, after, as_of);
	}
	*result = requests;
	return count;
}

static bool
is_open(const Request *request)
{
	return request->resolved_at == DT_NOEND && !request->closed_unseen;
}

static bool
is_unanswered(const Request *request)
{
	return request->answered_at == DT_NOEND && !request->closed_unseen;
}

/* Microseconds from one instant to a later one: of service time, if hours are given. */
static int128
time_between(const ServiceHours *hours, TimestampTz from, TimestampTz until)
{
	return hours != NULL ? service_time(hours, from, until) : (int128) until - from;
}

/* Microseconds to the first answer, the age of a request still waiting, -1 if nobody knows. */
static int128
response_time(const Request *request, TimestampTz as_of, const ServiceHours *hours)
{
	TimestampTz until = request->answered_at != DT_NOEND ? request->answered_at : as_of;

	if (request->answered_at == DT_NOEND && request->closed_unseen)
		return -1;
	return time_between(hours, request->entry->at, until);
}

/* Microseconds to the solution, -1 without one. */
static int128
resolution_time(const Request *request, const ServiceHours *hours)
{
	return request->resolved_at == DT_NOEND
			   ? -1
			   : time_between(hours, request->entry->at, request->resolved_at);
}

/*
 * A length of time in days of 24 hours and a rest, as a difference of two
 * instants has it; the calendar is longer than 64 bits of microseconds.
 */
static Interval *
make_span(int128 microseconds)
{
	Interval *span = palloc0(sizeof(Interval));

	span->day = (int32) (microseconds / USECS_PER_DAY);
	span->time = (TimeOffset) (microseconds % USECS_PER_DAY);
	return span;
}

static TimestampTz
as_of_argument(FunctionCallInfo fcinfo, int arg)
{
	return CheckFiniteInstant(PG_GETARG_TIMESTAMPTZ(arg), "as_of");
}

static int
count_complaints(const InteractionHistory *h, TimestampTz as_of, int *inbound)
{
	int n = interaction_history_count_until(h, as_of);
	int complaints = 0;

	*inbound = 0;
	for (int i = 0; i < n; i++)
	{
		*inbound += !interaction_is_outbound(&h->entries[i]);
		complaints += is_inbound_kind(&h->entries[i], KIND_COMPLAINT);
	}
	return complaints;
}

/* Number of complaints that came in at or before as_of. */
PG_FUNCTION_INFO_V1(crm_complaints);
Datum
crm_complaints(PG_FUNCTION_ARGS)
{
	int inbound;

	PG_RETURN_INT32(
		count_complaints(PG_GETARG_INTERACTION_HISTORY(0), as_of_argument(fcinfo, 1), &inbound));
}

/* Complaints per inbound interaction, at or before as_of; NULL without one. */
PG_FUNCTION_INFO_V1(crm_complaint_rate);
Datum
crm_complaint_rate(PG_FUNCTION_ARGS)
{
	int inbound;
	int complaints =
		count_complaints(PG_GETARG_INTERACTION_HISTORY(0), as_of_argument(fcinfo, 1), &inbound);

	if (inbound == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8((double) complaints / inbound);
}

/* Complaints per order, both until as_of, whose day a time zone tells; NULL without an order. */
PG_FUNCTION_INFO_V1(crm_complaint_rate_of_orders);
Datum
crm_complaint_rate_of_orders(PG_FUNCTION_ARGS)
{
	TimestampTz		 as_of = as_of_argument(fcinfo, 2);
	DateADT			 today = local_day(as_of, time_zone_named(PG_GETARG_TEXT_PP(3)));
	PurchaseHistory *purchases = PG_GETARG_PURCHASES_KNOWN(1, today);
	int64			 orders =
		purchase_history_orders(purchases, purchase_history_count_until(purchases, today));
	int inbound;
	int complaints = count_complaints(PG_GETARG_INTERACTION_HISTORY(0), as_of, &inbound);

	if (orders == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8((double) complaints / (double) orders);
}

/* Number of requests that came in at or before as_of and are not closed then. */
PG_FUNCTION_INFO_V1(crm_open_requests);
Datum
crm_open_requests(PG_FUNCTION_ARGS)
{
	Request *requests;
	int n = find_requests(PG_GETARG_INTERACTION_HISTORY(0), as_of_argument(fcinfo, 1), &requests);
	int open = 0;

	for (int i = 0; i < n; i++)
		open += is_open(&requests[i]);
	PG_RETURN_INT32(open);
}

/* Number of requests that came in at or before as_of and have no answer then. */
PG_FUNCTION_INFO_V1(crm_unanswered_requests);
Datum
crm_unanswered_requests(PG_FUNCTION_ARGS)
{
	Request *requests;
	int n = find_requests(PG_GETARG_INTERACTION_HISTORY(0), as_of_argument(fcinfo, 1), &requests);
	int waiting = 0;

	for (int i = 0; i < n; i++)
		waiting += is_unanswered(&requests[i]);
	PG_RETURN_INT32(waiting);
}

/*
 * The mean of what was counted, as an interval rounded down to the microsecond; NULL
 * of nothing. Service time counts hours: its days are as long as the service.
 */
static Datum
mean_span(FunctionCallInfo fcinfo, int128 sum, int count, const ServiceHours *hours)
{
	Interval *span;

	if (count == 0)
		PG_RETURN_NULL();
	if (hours == NULL)
		PG_RETURN_INTERVAL_P(make_span(sum / count));
	span = palloc0(sizeof(Interval));
	span->time = (TimeOffset) (sum / count);
	PG_RETURN_INTERVAL_P(span);
}

/* The hours of the third argument, if the call has one. */
static const ServiceHours *
hours_argument(FunctionCallInfo fcinfo)
{
	return PG_NARGS() > 2 ? PG_GETARG_SERVICE_HOURS(2) : NULL;
}

/* (history, as_of [, hours]): mean time to the first answer, one still waiting counting its age at as_of; NULL without a request. */
PG_FUNCTION_INFO_V1(crm_first_response_time);
Datum
crm_first_response_time(PG_FUNCTION_ARGS)
{
	TimestampTz			as_of = as_of_argument(fcinfo, 1);
	const ServiceHours *hours = hours_argument(fcinfo);
	Request			   *requests;
	int					n = find_requests(PG_GETARG_INTERACTION_HISTORY(0), as_of, &requests);
	int					count = 0;
	int128				sum = 0;

	for (int i = 0; i < n; i++)
	{
		int128 time = response_time(&requests[i], as_of, hours);

		if (time >= 0)
		{
			count++;
			sum += time;
		}
	}
	return mean_span(fcinfo, sum, count, hours);
}

/* (history, as_of [, hours]): mean time from a request to its resolved_at, of those resolved at or before as_of; NULL without one. */
PG_FUNCTION_INFO_V1(crm_time_to_resolve);
Datum
crm_time_to_resolve(PG_FUNCTION_ARGS)
{
	const ServiceHours *hours = hours_argument(fcinfo);
	Request			   *requests;
	int n = find_requests(PG_GETARG_INTERACTION_HISTORY(0), as_of_argument(fcinfo, 1), &requests);
	int count = 0;
	int128 sum = 0;

	for (int i = 0; i < n; i++)
	{
		int128 time = resolution_time(&requests[i], hours);

		if (time >= 0)
		{
			count++;
			sum += time;
		}
	}
	return mean_span(fcinfo, sum, count, hours);
}

/* What service_requests keeps between rows. */
typedef struct RequestRows
{
	Request	   *requests;
	int			count;
	TimestampTz as_of;
} RequestRows;

static void
set_instant(Datum *value, bool *null, TimestampTz at)
{
	*value = TimestampTzGetDatum(at);
	*null = at == DT_NOEND;
}

static void
set_span(Datum *value, bool *null, int128 microseconds)
{
	*value = IntervalPGetDatum(make_span(microseconds));
	*null = microseconds < 0;
}

/* The requests at or before as_of, one a row, with what came of them by then. */
PG_FUNCTION_INFO_V1(crm_service_requests);
Datum
crm_service_requests(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	RequestRows		*state;

	if (SRF_IS_FIRSTCALL())
	{
		InteractionHistory *h = PG_GETARG_INTERACTION_HISTORY(0);
		TimestampTz			as_of = as_of_argument(fcinfo, 1);
		MemoryContext		before;

		rows = rows_start(fcinfo, sizeof(RequestRows));
		state = rows->user_fctx;
		state->as_of = as_of;
		before = MemoryContextSwitchTo(rows->multi_call_memory_ctx);
		state->count = find_requests(rows_copy_varlena(rows, h), as_of, &state->requests);
		MemoryContextSwitchTo(before);
	}
	rows = SRF_PERCALL_SETUP();
	state = rows->user_fctx;

	if (rows->call_cntr < (uint64) state->count)
	{
		const Request	  *request = &state->requests[rows->call_cntr];
		const Interaction *entry = request->entry;
		Datum			   values[8];
		bool			   nulls[8] = {false};

		values[0] = TimestampTzGetDatum(entry->at);
		values[1] = CStringGetTextDatum(interaction_kind_names[interaction_kind(entry)]);
		values[2] = PointerGetDatum(
			cstring_to_text_with_len(entry->channel, channel_length(entry->channel)));
		set_instant(&values[3], &nulls[3], request->answered_at);
		set_span(&values[4], &nulls[4], response_time(request, state->as_of, NULL));
		set_instant(&values[5], &nulls[5], request->resolved_at);
		set_span(&values[6], &nulls[6], resolution_time(request, NULL));
		values[7] = BoolGetDatum(is_open(request));
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}

/* The day an interval after another, on the calendar. */
static DateADT
day_after(DateADT day, const Interval *span)
{
	Timestamp at = DatumGetTimestamp(DirectFunctionCall2(
		timestamp_pl_interval, TimestampGetDatum((Timestamp) day * USECS_PER_DAY),
		PointerGetDatum(span)));
	DateADT	  last;

	CheckFiniteInstant(at, "the end of within");
	last = (DateADT) floor_div(at, USECS_PER_DAY);
	if (last <= day)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("within must be at least a day, not %s",
					DatumGetCString(DirectFunctionCall1(interval_out, PointerGetDatum(span))))));
	return last;
}

/*
 * Whether the customer bought again after the last complaint at or before
 * as_of: on a later day of the time zone, up to the day that within reaches.
 * NULL without a complaint, and while there was no purchase but the last day
 * is not over at as_of.
 */
static inline Datum
recovered(FunctionCallInfo fcinfo, int as_of_arg, int within_arg)
{
	InteractionHistory *h = PG_GETARG_INTERACTION_HISTORY(0);
	TimestampTz			as_of = as_of_argument(fcinfo, as_of_arg);
	pg_tz			   *zone = time_zone_named(PG_GETARG_TEXT_PP(4));
	DateADT				today = local_day(as_of, zone);
	PurchaseHistory	   *purchases = PG_GETARG_PURCHASES_KNOWN(1, today);
	int					n = interaction_history_count_until(h, as_of);
	DateADT				day;
	DateADT				last_day;
	int					to;

	while (n > 0 && !is_inbound_kind(&h->entries[n - 1], KIND_COMPLAINT))
		n--;
	if (n == 0)
		PG_RETURN_NULL();

	day = local_day(h->entries[n - 1].at, zone);
	last_day = day_after(day, PG_GETARG_INTERVAL_P(within_arg));
	to = purchase_history_count_until(purchases, Min(last_day, today));
	for (int i = purchase_history_count_until(purchases, day); i < to; i++)
		if (purchases->entries[i].orders > 0)
			PG_RETURN_BOOL(true);
	if (today <= last_day)
		PG_RETURN_NULL();
	PG_RETURN_BOOL(false);
}

/* (interactions, purchases, as_of, within, time_zone) */
PG_FUNCTION_INFO_V1(crm_recovered_as_of);
Datum
crm_recovered_as_of(PG_FUNCTION_ARGS)
{
	return recovered(fcinfo, 2, 3);
}

/* The arguments as they stood before 0.3.0. */
PG_FUNCTION_INFO_V1(crm_recovered);
Datum
crm_recovered(PG_FUNCTION_ARGS)
{
	return recovered(fcinfo, 3, 2);
}
