/*
 * service_hours.c: the type service_hours, and how long somebody was there between
 * two instants.
 *
 * The text form is rules separated by semicolons, in any order:
 *	 mon-fri 09:00-12:00, 13:00-17:00	times of a weekday, or of a range of them
 *	 closed 2024-12-25, 2024-12-26		days on which nobody is there
 *	 in Europe/Berlin					whose clock it is
 */
#include "crm.h"

#include "base/growth.h"
#include "base/calendar.h"
#include "base/json.h"
#include "base/scan.h"
#include "miscadmin.h"
#include "relationship/service_hours.h"
#include "utils/builtins.h"

/* What a value is made of, sorted or not. */
typedef struct Reading
{
	int			nspans;
	ServiceSpan spans[SERVICE_MAX_SPANS];
	int			nclosed;
	int			closed_room;
	DateADT	   *closed;
	char	   *zone;
} Reading;

static inline int
span_day(ServiceSpan span)
{
	return span.from / MINUTES_PER_DAY;
}

/* A closed day is one of the calendar. */
static inline DateADT
CheckClosedDay(DateADT day)
{
	CheckFiniteDate(day, "closed day");
	if (!IS_VALID_DATE(day))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("closed day is out of range")));
	return day;
}

/* A span ends after it began, on the same day. */
static inline void
CheckSpan(ServiceSpan span)
{
	if (span.from >= DAYS_PER_WEEK * MINUTES_PER_DAY || span.until <= span.from ||
		span.until > (span_day(span) + 1) * MINUTES_PER_DAY)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("service hours must end after they began, on the same day"),
			 errhint(
				 "Hours over midnight are two: 22:00-24:00, and 00:00-06:00 of the next day.")));
}

static void
read_span(Reading *read, ServiceSpan span)
{
	CheckSpan(span);
	if (read->nspans == SERVICE_MAX_SPANS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("service hours cannot have more than %d times of the week",
							   SERVICE_MAX_SPANS)));
	read->spans[read->nspans++] = span;
}

static void
read_closed(Reading *read, DateADT day)
{
	read->closed =
		array_with_room(read->closed, read->nclosed, &read->closed_room, sizeof(DateADT));
	read->closed[read->nclosed++] = CheckClosedDay(day);
}

static int
compare_spans(const void *a, const void *b)
{
	const ServiceSpan *x = a;
	const ServiceSpan *y = b;

	return x->from != y->from ? CRM_COMPARE(x->from, y->from) : CRM_COMPARE(x->until, y->until);
}

static int
compare_days(const void *a, const void *b)
{
	return CRM_COMPARE(*(const DateADT *) a, *(const DateADT *) b);
}

/* Put spans in order, those of a day that meet together. */
static void
sort_spans(Reading *read)
{
	int n = 0;

	qsort(read->spans, read->nspans, sizeof(ServiceSpan), compare_spans);
	for (int i = 0; i < read->nspans; i++)
		if (n > 0 && span_day(read->spans[n - 1]) == span_day(read->spans[i]) &&
			read->spans[i].from <= read->spans[n - 1].until)
			read->spans[n - 1].until = Max(read->spans[n - 1].until, read->spans[i].until);
		else
			read->spans[n++] = read->spans[i];
	read->nspans = n;
}

static void
sort_closed(Reading *read)
{
	int n = 0;

	if (read->nclosed > 0)
		qsort(read->closed, read->nclosed, sizeof(DateADT), compare_days);
	for (int i = 0; i < read->nclosed; i++)
		if (n == 0 || read->closed[n - 1] != read->closed[i])
			read->closed[n++] = read->closed[i];
	read->nclosed = n;
}

/* The value of what was read: it has hours, and a zone that is known. */
static ServiceHours *
service_hours_make(Reading *read)
{
	ServiceHours *hours;
	size_t		  len;

	if (read->nspans == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("service hours name no hours"),
				 errhint("Such as mon-fri 09:00-17:00.")));
	if (read->zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("service hours name no time zone"), errhint("Such as in Europe/Berlin.")));
	len = strlen(read->zone);
	if (len >= SERVICE_ZONE_SIZE)
		ereport(ERROR, (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
						errmsg("time zone \"%s\" is too long", read->zone)));
	time_zone_named(cstring_to_text(read->zone));
	sort_spans(read);
	sort_closed(read);
	hours = palloc0(SERVICE_HOURS_SIZE(read->nspans, read->nclosed));
	SET_VARSIZE(hours, SERVICE_HOURS_SIZE(read->nspans, read->nclosed));
	hours->version = SERVICE_HOURS_VERSION;
	hours->nspans = read->nspans;
	hours->nclosed = read->nclosed;
	memcpy(hours->zone, read->zone, len);
	memcpy(hours->spans, read->spans, sizeof(ServiceSpan) * read->nspans);
	if (read->nclosed > 0)
		memcpy(service_closed(hours), read->closed, sizeof(DateADT) * read->nclosed);
	return hours;
}

/* Read "09:00-12:00, 13:00-17:00" of the weekdays from one to another, over Sunday if that is before. */
static void
scan_spans(Scanner *s, Reading *read, int first, int last)
{
	do
	{
		int from = scan_minute(s);
		int until;

		scan_char(s, '-');
		until = scan_minute(s);
		for (int day = first;; day = (day + 1) % DAYS_PER_WEEK)
		{
			read_span(read, (ServiceSpan){(uint16) (day * MINUTES_PER_DAY + from),
										  (uint16) (day * MINUTES_PER_DAY + until)});
			if (day == last)
				break;
		}
	} while (scan_try_char(s, ','));
}

static void
scan_rule(Scanner *s, Reading *read)
{
	const Scanner start = *s;
	int			  first = scan_weekday(s);
	int			  last = first;

	if (first >= 0)
	{
		if (scan_try_char(s, '-') && (last = scan_weekday(s)) < 0)
			scan_error(s, "a weekday as mon");
		scan_spans(s, read, first, last);
	}
	else if (scan_try_word(s, "closed"))
		do
		{
			CHECK_FOR_INTERRUPTS();
			read_closed(read, scan_date(s));
		} while (scan_try_char(s, ','));
	else if (read->zone == NULL && scan_try_word(s, "in"))
		read->zone = scan_name(s, ";");
	else
		scan_error(&start, "a weekday as mon, \"closed\" or one \"in\"");
}

PG_FUNCTION_INFO_V1(crm_service_hours_in);
Datum
crm_service_hours_in(PG_FUNCTION_ARGS)
{
	Scanner s = scan_start("service_hours", PG_GETARG_CSTRING(0));
	Reading read = {0};

	while (!scan_at_end(&s))
	{
		scan_rule(&s, &read);
		if (!scan_try_char(&s, ';'))
			break;
	}
	scan_end(&s);
	PG_RETURN_SERVICE_HOURS(service_hours_make(&read));
}

/* Where the spans of a weekday begin, and how many there are. */
static int
spans_of_day(const ServiceHours *hours, int day, int *n)
{
	int first = 0;

	while (first < hours->nspans && span_day(hours->spans[first]) < day)
		first++;
	*n = 0;
	while (first + *n < hours->nspans && span_day(hours->spans[first + *n]) == day)
		(*n)++;
	return first;
}

/* Whether two weekdays have the same hours. */
static bool
same_hours(const ServiceHours *hours, int a, int b)
{
	int n;
	int m;
	int x = spans_of_day(hours, a, &n);
	int y = spans_of_day(hours, b, &m);

	for (int i = 0; i < n && n == m; i++)
		if (hours->spans[x + i].from % MINUTES_PER_DAY !=
				hours->spans[y + i].from % MINUTES_PER_DAY ||
			hours->spans[x + i].until - hours->spans[x + i].from !=
				hours->spans[y + i].until - hours->spans[y + i].from)
			return false;
	return n == m;
}

/* Write the spans of the weekdays from one to another. */
static void
append_days(StringInfo out, const ServiceHours *hours, int first, int last)
{
	int n;
	int at = spans_of_day(hours, first, &n);

	appendStringInfoString(out, weekday_names[first]);
	if (last > first)
		appendStringInfo(out, "-%s", weekday_names[last]);
	for (int i = at; i < at + n; i++)
	{
		int from = hours->spans[i].from - first * MINUTES_PER_DAY;
		int until = hours->spans[i].until - first * MINUTES_PER_DAY;

		appendStringInfo(out, "%s %02d:%02d-%02d:%02d", i > at ? "," : "", from / MINS_PER_HOUR,
						 from % MINS_PER_HOUR, until / MINS_PER_HOUR, until % MINS_PER_HOUR);
	}
	appendStringInfoString(out, "; ");
}

PG_FUNCTION_INFO_V1(crm_service_hours_out);
Datum
crm_service_hours_out(PG_FUNCTION_ARGS)
{
	ServiceHours  *hours = PG_GETARG_SERVICE_HOURS(0);
	StringInfoData out;

	initStringInfo(&out);
	for (int first = 0, last; first < DAYS_PER_WEEK; first = last + 1)
	{
		int n;

		for (last = first; last + 1 < DAYS_PER_WEEK && same_hours(hours, first, last + 1);)
			last++;
		spans_of_day(hours, first, &n);
		if (n > 0)
			append_days(&out, hours, first, last);
	}
	for (int i = 0; i < hours->nclosed; i++)
		appendStringInfo(&out, "%s %s", i == 0 ? "closed" : ",",
						 date_to_text(service_closed(hours)[i]));
	appendStringInfo(&out, "%sin %s", hours->nclosed > 0 ? "; " : "", hours->zone);
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(crm_service_hours_to_jsonb);
Datum
crm_service_hours_to_jsonb(PG_FUNCTION_ARGS)
{
	ServiceHours  *hours = PG_GETARG_SERVICE_HOURS(0);
	StringInfoData json;

	initStringInfo(&json);
	append_json_field(&json, "{", "zone", hours->zone, SERVICE_ZONE_SIZE);
	appendStringInfoString(&json, ",\"hours\":[");
	for (int i = 0; i < hours->nspans; i++)
	{
		int day = span_day(hours->spans[i]);
		int from = hours->spans[i].from - day * MINUTES_PER_DAY;
		int until = hours->spans[i].until - day * MINUTES_PER_DAY;

		appendStringInfo(&json,
						 "%s{\"weekday\":\"%s\",\"from\":\"%02d:%02d\",\"until\":\"%02d:%02d\"}",
						 i > 0 ? "," : "", weekday_names[day], from / MINS_PER_HOUR,
						 from % MINS_PER_HOUR, until / MINS_PER_HOUR, until % MINS_PER_HOUR);
	}
	appendStringInfoString(&json, "],\"closed\":[");
	for (int i = 0; i < hours->nclosed; i++)
		appendStringInfo(&json, "%s\"%s\"", i > 0 ? "," : "",
						 date_to_text(service_closed(hours)[i]));
	appendStringInfoString(&json, "]}");
	PG_RETURN_DATUM(jsonb_of_text(&json));
}

/*
 * Binary form: version and flags (int16), the time zone with its length before it,
 * the number of spans (int32) and of each both minutes (int16), the number of
 * closed days and the days (int32).
 */
PG_FUNCTION_INFO_V1(crm_service_hours_send);
Datum
crm_service_hours_send(PG_FUNCTION_ARGS)
{
	ServiceHours  *hours = PG_GETARG_SERVICE_HOURS(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, hours->version);
	pq_sendint16(&out, hours->flags);
	send_counted_text(&out, hours->zone, strlen(hours->zone));
	pq_sendint32(&out, hours->nspans);
	for (int i = 0; i < hours->nspans; i++)
	{
		pq_sendint16(&out, hours->spans[i].from);
		pq_sendint16(&out, hours->spans[i].until);
	}
	pq_sendint32(&out, hours->nclosed);
	for (int i = 0; i < hours->nclosed; i++)
		pq_sendint32(&out, service_closed(hours)[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(crm_service_hours_recv);
Datum
crm_service_hours_recv(PG_FUNCTION_ARGS)
{
	StringInfo	  message = (StringInfo) PG_GETARG_POINTER(0);
	Reading		  read = {0};
	ServiceHours *hours;
	int			  nspans;
	int			  nclosed;
	ServiceSpan	  sent[SERVICE_MAX_SPANS];

	receive_header(message, "service_hours", 2, SERVICE_HOURS_VERSION, 0);
	read.zone = receive_counted_text(message, "time zone");
	nspans = receive_count(message, "service_hours", "spans", 4);
	for (int i = 0; i < nspans; i++)
	{
		ServiceSpan span;

		span.from = (uint16) pq_getmsgint(message, 2);
		span.until = (uint16) pq_getmsgint(message, 2);
		read_span(&read, span);
		sent[i] = span;
	}
	nclosed = receive_count(message, "service_hours", "closed days", 4);
	for (int i = 0; i < nclosed; i++)
	{
		CHECK_FOR_INTERRUPTS();
		read_closed(&read, (DateADT) pq_getmsgint(message, 4));
		if (i > 0 && read.closed[i] <= read.closed[i - 1])
			ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
							errmsg("closed days of service_hours are out of order")));
	}
	hours = service_hours_make(&read);
	if (hours->nspans != nspans || memcmp(hours->spans, sent, sizeof(ServiceSpan) * nspans) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("times of service_hours are out of order, or meet")));
	PG_RETURN_SERVICE_HOURS(hours);
}

VALUE_FUNCTIONS(service_hours, value_bytes_order, value_bytes);

static bool
is_closed(const ServiceHours *hours, DateADT day)
{
	return hours->nclosed > 0 && bsearch(&day, service_closed(hours), hours->nclosed,
										 sizeof(DateADT), compare_days) != NULL;
}

/* A walk over the times that somebody is there, from an instant on. */
typedef struct ServiceWalk
{
	const ServiceHours *hours;
	LocalClock			clock;
	DateADT				day;
	DateADT				last_day; /* nothing is looked for after it */
	int					next;	  /* span of the day */
	int					left;	  /* spans of the day */
	TimestampTz			from;	  /* what was found */
	TimestampTz			until;
} ServiceWalk;

static void
enter_day(ServiceWalk *walk)
{
	walk->next = spans_of_day(walk->hours, weekday_of(walk->day), &walk->left);
	if (is_closed(walk->hours, walk->day))
		walk->left = 0;
}

/* Start a walk on the day of an instant. */
static ServiceWalk
walk_start(const ServiceHours *hours, TimestampTz from)
{
	ServiceWalk walk = {0};
	pg_tz	   *zone = time_zone_named(cstring_to_text(hours->zone));

	walk.hours = hours;
	clock_set(&walk.clock, zone, from);
	walk.day = local_day(from, zone);
	walk.last_day = DATEVAL_NOEND;
	enter_day(&walk);
	return walk;
}

/* The next time that somebody is there; false behind the last day. */
static bool
walk_next(ServiceWalk *walk)
{
	const ServiceSpan *span;
	int				   midnight;

	while (walk->left == 0)
	{
		CHECK_FOR_INTERRUPTS();
		if (walk->day >= walk->last_day || !IS_VALID_DATE(walk->day + 1))
			return false;
		walk->day++;
		enter_day(walk);
	}
	span = &walk->hours->spans[walk->next++];
	walk->left--;
	midnight = weekday_of(walk->day) * MINUTES_PER_DAY;
	walk->from = local_bound(walk->day, span->from - midnight, &walk->clock);
	walk->until = local_bound(walk->day, span->until - midnight, &walk->clock);
	return walk->from != DT_NOEND && walk->until != DT_NOEND;
}

/* Microseconds of service time from an instant until another; 0 if that is not later. */
int128
service_time(const ServiceHours *hours, TimestampTz from, TimestampTz until)
{
	ServiceWalk walk;
	int128		sum = 0;

	if (until <= from)
		return 0;
	walk = walk_start(hours, from);
	walk.last_day = local_day(until, walk.clock.zone);
	while (walk_next(&walk))
		sum += Max(Min(walk.until, until) - Max(walk.from, from), 0);
	return sum;
}

/* A length of time in hours, as large as the calendar is long. */
static Interval *
hours_span(int128 microseconds)
{
	Interval *span = palloc0(sizeof(Interval));

	if (microseconds > PG_INT64_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("interval out of range")));
	span->time = (TimeOffset) microseconds;
	return span;
}

/* (hours, from, until): how long somebody was there, in hours; 0 if until is not after from. */
PG_FUNCTION_INFO_V1(crm_service_time);
Datum
crm_service_time(PG_FUNCTION_ARGS)
{
	PG_RETURN_INTERVAL_P(hours_span(service_time(
		PG_GETARG_SERVICE_HOURS(0), CheckFiniteInstant(PG_GETARG_TIMESTAMPTZ(1), "from"),
		CheckFiniteInstant(PG_GETARG_TIMESTAMPTZ(2), "until"))));
}

/* (hours, from, within): the instant by which so much service time has passed. */
PG_FUNCTION_INFO_V1(crm_service_deadline);
Datum
crm_service_deadline(PG_FUNCTION_ARGS)
{
	TimestampTz from = CheckFiniteInstant(PG_GETARG_TIMESTAMPTZ(1), "from");
	int64		left = interval_microseconds(PG_GETARG_INTERVAL_P(2), "within");
	ServiceWalk walk = walk_start(PG_GETARG_SERVICE_HOURS(0), from);

	while (walk_next(&walk))
	{
		int64 length = walk.until - Max(walk.from, from);

		if (length >= left)
			PG_RETURN_TIMESTAMPTZ(Max(walk.from, from) + left);
		left -= Max(length, 0);
	}
	ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					errmsg("deadline lies beyond the calendar")));
}
