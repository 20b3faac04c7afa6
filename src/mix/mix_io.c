/*
 * mix_io.c: text and binary forms of the type mix, equality, order and hash.
 *
 * The text form is {category (day orders amount, ...), ...}, for example
 * {bread (2024-01-05 1 2.50, 2024-01-12 1 2.50), "olive oil" (2024-01-05 1 9.00)}.
 * On input a category or a day may come twice: they add.
 */
#include "crm.h"

#include "base/scan.h"
#include "miscadmin.h"
#include "mix/mix.h"

/* Read "day orders amount". */
static PurchaseDay
scan_purchase_day(Scanner *s)
{
	PurchaseDay day;
	int64		orders;

	day.day = scan_date(s);
	CheckPurchaseDay(day.day);
	orders = scan_int64(s);
	CheckOrders(orders);
	day.orders = (int32) orders;
	day.amount = scan_amount(s);
	return day;
}

/* A name of a state may be empty, or of two categories. */
static void
CheckStateName(CategoryName name)
{
	if (name.len > STATE_NAME_SIZE)
		ereport(ERROR, (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
						errmsg("name of %d bytes is too long for a mix_state", name.len)));
}

typedef void (*NameCheck)(CategoryName name);

/* Read one category; the state, or a larger one. */
static Mix *
scan_category(Scanner *s, Mix *m, NameCheck check)
{
	CategoryName name = category_of_string(scan_label_or_empty(s)); /* empty in a state alone */

	check(name);
	scan_char(s, '(');
	do
	{
		PurchaseDay day = scan_purchase_day(s);

		CHECK_FOR_INTERRUPTS();
		m = mix_append(m, name, &day, 1);
	} while (scan_try_char(s, ','));
	scan_char(s, ')');
	return m;
}

/* The mix of a text. */
static Mix *
scan_mix(const char *type, const char *input, NameCheck check)
{
	Scanner s = scan_start(type, input);
	Mix	   *m = mix_create(0);

	scan_char(&s, '{');
	if (!scan_try_char(&s, '}'))
	{
		do
			m = scan_category(&s, m, check);
		while (scan_try_char(&s, ','));
		scan_char(&s, '}');
	}
	scan_end(&s);
	return mix_settle(m);
}

PG_FUNCTION_INFO_V1(crm_mix_in);
Datum
crm_mix_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_MIX(scan_mix("mix", PG_GETARG_CSTRING(0), CheckCategory));
}

PG_FUNCTION_INFO_V1(crm_mix_state_in);
Datum
crm_mix_state_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_MIX(scan_mix("mix_state", PG_GETARG_CSTRING(0), CheckStateName));
}

/* A mix as text. */
static char *
mix_text(const Mix *m)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (const MixCategory *at = mix_first(m); at < mix_end(m); at = category_next(at))
	{
		appendStringInfoString(&out, at == mix_first(m) ? "" : ", ");
		append_label(&out, pnstrdup(at->name, at->len), NULL);
		for (int i = 0; i < at->ndays; i++)
		{
			const PurchaseDay *day = &category_days(at)[i];

			CHECK_FOR_INTERRUPTS();
			appendStringInfo(&out, "%s%s %d %s", i == 0 ? " (" : ", ", date_to_text(day->day),
							 day->orders, amount_to_text(day->amount));
		}
		appendStringInfoChar(&out, ')');
	}
	appendStringInfoChar(&out, '}');
	return out.data;
}

PG_FUNCTION_INFO_V1(crm_mix_out);
Datum
crm_mix_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(mix_text(PG_GETARG_MIX(0)));
}

PG_FUNCTION_INFO_V1(crm_mix_state_out);
Datum
crm_mix_state_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(mix_text(mix_settle(PG_GETARG_MIX(0))));
}

/* What a category takes in a message at least: its lengths and a day. */
#define MESSAGE_DAY 16
#define MESSAGE_MIN_CATEGORY (4 + 4 + MESSAGE_DAY)

/*
 * Binary form: version and flags (int16), the number of categories (int32), and
 * of each its name with its length before it (int32), the number of its days
 * (int32), and of each the day and the orders (int32) and the amount (int64).
 */
static bytea *
mix_message(const Mix *m)
{
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, m->version);
	pq_sendint16(&out, m->flags);
	pq_sendint32(&out, m->ncategories);
	for (const MixCategory *at = mix_first(m); at < mix_end(m); at = category_next(at))
	{
		send_counted_text(&out, at->name, at->len);
		pq_sendint32(&out, at->ndays);
		for (int i = 0; i < at->ndays; i++)
		{
			pq_sendint32(&out, category_days(at)[i].day);
			pq_sendint32(&out, category_days(at)[i].orders);
			pq_sendint64(&out, category_days(at)[i].amount);
		}
	}
	return pq_endtypsend(&out);
}

PG_FUNCTION_INFO_V1(crm_mix_send);
Datum
crm_mix_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(mix_message(PG_GETARG_MIX(0)));
}

PG_FUNCTION_INFO_V1(crm_mix_state_send);
Datum
crm_mix_state_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(mix_message(mix_settle(PG_GETARG_MIX(0))));
}

/* The days of a category of a message, of which it has room for so many. */
static PurchaseDay *
receive_days(StringInfo message, int ndays)
{
	PurchaseDay *days =
		MemoryContextAllocHuge(CurrentMemoryContext, Max((Size) ndays, 1) * sizeof(PurchaseDay));

	for (int i = 0; i < ndays; i++)
	{
		days[i].day = (DateADT) pq_getmsgint(message, 4);
		days[i].orders = (int32) pq_getmsgint(message, 4);
		days[i].amount = pq_getmsgint64(message);
		CheckPurchaseDay(days[i].day);
		CheckOrders(days[i].orders);
		if (!AmountIsValid(days[i].amount))
			amount_out_of_range(amount_to_text(days[i].amount));
	}
	return days;
}

/* The mix of a message. */
static Mix *
receive_mix(StringInfo message, const char *type, NameCheck check)
{
	Mix *sent = mix_create(0);
	Mix *settled;
	int	 n;

	receive_header(message, type, 2, MIX_VERSION, 0);
	n = receive_count(message, type, "categories", MESSAGE_MIN_CATEGORY);
	for (int i = 0; i < n; i++)
	{
		CategoryName name = category_of_string(receive_counted_text(message, "category"));
		int			 ndays = receive_count(message, type, "days", MESSAGE_DAY);

		CHECK_FOR_INTERRUPTS();
		check(name);
		sent = mix_append(sent, name, receive_days(message, ndays), ndays);
	}
	settled = mix_settle(sent);
	if (settled->used != sent->used ||
		memcmp(settled->categories, sent->categories, sent->used) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("categories or days of a mix are out of order, or hold nothing")));
	return settled;
}

PG_FUNCTION_INFO_V1(crm_mix_recv);
Datum
crm_mix_recv(PG_FUNCTION_ARGS)
{
	PG_RETURN_MIX(receive_mix((StringInfo) PG_GETARG_POINTER(0), "mix", CheckCategory));
}

PG_FUNCTION_INFO_V1(crm_mix_state_recv);
Datum
crm_mix_state_recv(PG_FUNCTION_ARGS)
{
	PG_RETURN_MIX(receive_mix((StringInfo) PG_GETARG_POINTER(0), "mix_state", CheckStateName));
}

static Content
content(const void *value)
{
	const Mix *m = value;

	return (Content){m->categories, (Size) m->used};
}

/* By the first category or day that differs, as bytes. */
static int
order(const void *x, const void *y)
{
	Content a = content(x);
	Content b = content(y);
	int		order = memcmp(a.at, b.at, Min(a.size, b.size));

	return order != 0 ? order : CRM_COMPARE(a.size, b.size);
}

VALUE_FUNCTIONS(mix, order, content);
