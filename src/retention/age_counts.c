/*
 * age_counts.c: making, growing, adding, ordering and sending counts by age.
 */
#include "crm.h"

#include "base/growth.h"
#include "retention/age_counts.h"
#include "common/int.h"
#include "libpq/pqformat.h"

/* All days that a date can be, the most ages that there are. */
#define MAX_AGES (DATE_END_JULIAN - DATETIME_MIN_JULIAN)
/* Ten thousand years in days: every age has room of its own, whether anybody has it or not. */
#define MAX_COUNTED_AGE 3652425
/* 15 ages and the header fill 256 bytes; twice as many and one more fill the next power of two. */
#define FIRST_CAPACITY 15

void
age_counts_overflow(void)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("number of customers is out of range")));
}

/* No ages, and room for some. */
AgeCounts *
age_counts_create(int capacity)
{
	Size	   size = AGE_COUNTS_SIZE(capacity);
	AgeCounts *c = palloc(size);

	memset(c, 0, offsetof(AgeCounts, ages));
	SET_VARSIZE(c, size);
	c->version = AGE_COUNTS_VERSION;
	return c;
}

static AgeCounts *
copy_with_capacity(const AgeCounts *from, int capacity)
{
	AgeCounts *c = age_counts_create(capacity);

	c->unit = from->unit;
	c->basis = from->basis;
	c->as_of = from->as_of;
	c->nages = Min(from->nages, capacity);
	memcpy(c->ages, from->ages, c->nages * sizeof(AgeCount));
	return c;
}

/* One stray date must not ask for all the memory there is. */
static inline void
CheckCountedAge(const AgeCounts *state, int age)
{
	if (unlikely(age > MAX_COUNTED_AGE))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("age of %d %ss is too long to count", age,
							   period_unit_name(PERIOD_UNIT(state->unit))),
						errdetail("Customers are counted up to an age of %d.", MAX_COUNTED_AGE),
						errhint("Look for dates far in the past or in the future.")));
}

/* A larger copy with room for this age, at least for a few. */
AgeCounts *
age_counts_grow(const AgeCounts *state, int age)
{
	CheckCountedAge(state, age);
	return state_grown(state, AGE_COUNTS_SIZE(state->nages),
					   (Max(age + 1, FIRST_CAPACITY) - state->nages) * sizeof(AgeCount),
					   AGE_COUNTS_SIZE((Size) MAX_COUNTED_AGE + 1));
}

/* A copy that ends with the last age that counts somebody. */
AgeCounts *
age_counts_trim(const AgeCounts *state)
{
	int		   n = state->nages;
	AgeCounts *c;

	while (n > 0 && state->ages[n - 1].ended == 0 && state->ages[n - 1].happened == 0)
		n--;
	c = copy_with_capacity(state, n);
	return c;
}

/* The counts of both; the caller has seen that they count the same. */
AgeCounts *
age_counts_plus(const AgeCounts *a, const AgeCounts *b)
{
	AgeCounts *sum = copy_with_capacity(a, Max(a->nages, b->nages));

	if (b->nages > 0)
		sum = age_counts_reach(sum, b->nages - 1);
	for (int i = 0; i < b->nages; i++)
		if (pg_add_s64_overflow(sum->ages[i].ended, b->ages[i].ended, &sum->ages[i].ended) ||
			pg_add_s64_overflow(sum->ages[i].happened, b->ages[i].happened, &sum->ages[i].happened))
			age_counts_overflow();
	return sum;
}

/* Order of two values: what they count, then the first age that differs, then the fewer ages. */
int
age_counts_order(const void *x, const void *y)
{
	const AgeCounts *a = x;
	const AgeCounts *b = y;
	int				 order = CRM_COMPARE(a->unit, b->unit);

	if (order == 0)
		order = CRM_COMPARE(a->basis, b->basis);
	if (order == 0)
		order = CRM_COMPARE(a->as_of, b->as_of);
	for (int i = 0; i < Min(a->nages, b->nages) && order == 0; i++)
	{
		order = CRM_COMPARE(a->ages[i].ended, b->ages[i].ended);
		if (order == 0)
			order = CRM_COMPARE(a->ages[i].happened, b->ages[i].happened);
	}
	return order != 0 ? order : CRM_COMPARE(a->nages, b->nages);
}

/* What a hash covers: everything behind the length word. */
Content
age_counts_content(const void *counts)
{
	const AgeCounts *c = counts;

	return (Content){&c->version, AGE_COUNTS_SIZE(c->nages) - offsetof(AgeCounts, version)};
}

/*
 * Binary form: version (int16), unit and basis (a byte each), as_of and the
 * number of ages (int32), then ended and happened (int64) of every age.
 */
bytea *
age_counts_send(const AgeCounts *c)
{
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, c->version);
	pq_sendbyte(&out, c->unit);
	pq_sendbyte(&out, c->basis);
	pq_sendint32(&out, c->as_of);
	pq_sendint32(&out, c->nages);
	for (int i = 0; i < c->nages; i++)
	{
		pq_sendint64(&out, c->ages[i].ended);
		pq_sendint64(&out, c->ages[i].happened);
	}
	return pq_endtypsend(&out);
}

/* The version is this release's. */
static inline void
CheckVersion(int version, const char *type_name)
{
	if (version != AGE_COUNTS_VERSION)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unsupported %s version %d", type_name, version)));
}

/* The count is what the message holds, to the byte. */
static inline void
CheckMessageLength(const StringInfo message, int nages, const char *type_name)
{
	if (nages < 0 || nages > MAX_AGES ||
		(int64) (message->len - message->cursor) != (int64) nages * (int64) sizeof(AgeCount))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("%s of %d ages has %d bytes of them", type_name, nages,
							   message->len - message->cursor)));
}

/* The bytes as they came; the caller checks what they mean. */
AgeCounts *
age_counts_recv(StringInfo message, const char *type_name)
{
	int		   version = pq_getmsgint(message, 2);
	int		   unit = pq_getmsgbyte(message);
	int		   basis = pq_getmsgbyte(message);
	DateADT	   as_of = (DateADT) pq_getmsgint(message, 4);
	int		   nages = (int) pq_getmsgint(message, 4);
	AgeCounts *c;

	CheckVersion(version, type_name);
	CheckMessageLength(message, nages, type_name);
	c = age_counts_create(nages);
	c->unit = unit;
	c->basis = basis;
	c->as_of = as_of;
	c->nages = nages;
	for (int i = 0; i < nages; i++)
	{
		c->ages[i].ended = pq_getmsgint64(message);
		c->ages[i].happened = pq_getmsgint64(message);
	}
	return c;
}
