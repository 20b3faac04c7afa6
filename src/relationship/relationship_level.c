/*
 * relationship_level.c: the five levels as an ordered type, and the level that
 * a customer's record shows.
 */
#include "crm.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "base/names.h"
#include "base/value.h"
#include "relationship/interaction_history.h"
#include "libpq/pqformat.h"
#include "history/purchase_history.h"
#include "relationship/relationship_level.h"
#include "utils/array.h"
#include "utils/builtins.h"

static const char level_names[RELATIONSHIP_LEVELS + 1][16] = {
	"", "basic", "reactive", "accountable", "proactive", "partnership",
};
static const Names levels = NAMES("relationship level", "Levels", NULL, LEVEL_BASIC, level_names);

PG_FUNCTION_INFO_V1(crm_relationship_level_in);
Datum
crm_relationship_level_in(PG_FUNCTION_ARGS)
{
	char *name = PG_GETARG_CSTRING(0);
	int	  level = names_find(&levels, name, strlen(name));

	if (level < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input value for type %s: \"%s\"", "relationship_level", name),
				 errhint("%s", names_hint(&levels))));
	PG_RETURN_RELATIONSHIP_LEVEL(level);
}

PG_FUNCTION_INFO_V1(crm_relationship_level_out);
Datum
crm_relationship_level_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(pstrdup(level_names[PG_GETARG_RELATIONSHIP_LEVEL(0)]));
}

/* Binary form: the number of the level (int8), 1 to 5. */
PG_FUNCTION_INFO_V1(crm_relationship_level_send);
Datum
crm_relationship_level_send(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint8(&out, PG_GETARG_RELATIONSHIP_LEVEL(0));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(crm_relationship_level_recv);
Datum
crm_relationship_level_recv(PG_FUNCTION_ARGS)
{
	int level = pq_getmsgint((StringInfo) PG_GETARG_POINTER(0), 1);

	if (level < LEVEL_BASIC || level > LEVEL_PARTNERSHIP)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unknown relationship level %d", level)));
	PG_RETURN_RELATIONSHIP_LEVEL(level);
}

static int
compare_levels(FunctionCallInfo fcinfo)
{
	return CRM_COMPARE(PG_GETARG_RELATIONSHIP_LEVEL(0), PG_GETARG_RELATIONSHIP_LEVEL(1));
}

COMPARISON_FUNCTIONS(relationship_level, compare_levels);

PG_FUNCTION_INFO_V1(crm_relationship_level_hash);
Datum
crm_relationship_level_hash(PG_FUNCTION_ARGS)
{
	return hash_uint32(PG_GETARG_RELATIONSHIP_LEVEL(0));
}

PG_FUNCTION_INFO_V1(crm_relationship_level_hash_extended);
Datum
crm_relationship_level_hash_extended(PG_FUNCTION_ARGS)
{
	return hash_uint32_extended(PG_GETARG_RELATIONSHIP_LEVEL(0), PG_GETARG_INT64(1));
}

/* The number of a level, 1 (basic) to 5 (partnership). */
PG_FUNCTION_INFO_V1(crm_relationship_level_number);
Datum
crm_relationship_level_number(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(PG_GETARG_RELATIONSHIP_LEVEL(0));
}

/* How many levels the practised one lies below the recommended one; negative if above. */
PG_FUNCTION_INFO_V1(crm_relationship_gap);
Datum
crm_relationship_gap(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32((int) PG_GETARG_RELATIONSHIP_LEVEL(0) - (int) PG_GETARG_RELATIONSHIP_LEVEL(1));
}

/*
 * The level that a record shows
 */

#define RECORD_DAYS 365	   /* how far back the record is read */
#define FOLLOW_UP_DAYS 30  /* a purchase is followed up within these */
#define RECORD_QUARTERS 4  /* the record is cut into this many equal parts */
#define REGULAR_QUARTERS 3 /* contact in so many of them is regular */

/* What the interactions of the last year amount to. */
typedef struct Record
{
	bool	 answered;					/* something that came in was answered */
	bool	 personal;					/* there was an outbound contact of no campaign's kind */
	bool	 quarters[RECORD_QUARTERS]; /* those with an unprompted one */
	int		 contacts;					/* outbound ones */
	DateADT *contact_days;				/* their local days, ascending but for clock changes */
} Record;

/* Whether an inbound interaction was dealt with on the spot. */
static bool
is_answered_at_once(const Interaction *entry)
{
	return interaction_outcome(entry) == OUTCOME_ANSWERED ||
		   interaction_outcome(entry) == OUTCOME_RESOLVED;
}

/* Note an outbound contact of the last year, which age days lie behind. */
static void
record_contact(Record *r, bool prompted, bool campaign, double age)
{
	r->answered |= prompted;
	r->personal |= !campaign;
	if (!prompted && !campaign)
		r->quarters[Min((int) (age * RECORD_QUARTERS / RECORD_DAYS), RECORD_QUARTERS - 1)] = true;
}

/*
 * Read the first n entries. An outbound one is prompted if something came in
 * before it and nothing went out after that.
 */
static Record
read_record(const InteractionHistory *h, int n, TimestampTz as_of, pg_tz *zone,
			const bool *is_campaign)
{
	Record		r = {0};
	TimestampTz start = as_of - RECORD_DAYS * USECS_PER_DAY;
	TimestampTz inbound = DT_NOBEGIN;  /* the last before the entry's instant */
	TimestampTz outbound = DT_NOBEGIN; /* likewise */
	TimestampTz last_inbound = DT_NOBEGIN;
	TimestampTz last_outbound = DT_NOBEGIN;

	r.contact_days = palloc(Max(n, 1) * sizeof(DateADT));
	for (int i = 0; i < n; i++)
	{
		const Interaction *entry = &h->entries[i];

		if (i == 0 || entry->at > entry[-1].at)
		{
			inbound = last_inbound;
			outbound = last_outbound;
		}
		if (!interaction_is_outbound(entry))
		{
			last_inbound = entry->at;
			r.answered |= entry->at > start && is_answered_at_once(entry);
			continue;
		}
		last_outbound = entry->at;
		if (entry->at > start)
		{
			record_contact(&r, inbound != DT_NOBEGIN && inbound >= outbound,
						   is_campaign[interaction_kind(entry)],
						   (double) (as_of - entry->at) / USECS_PER_DAY);
			r.contact_days[r.contacts++] = local_day(entry->at, zone);
		}
	}
	return r;
}

/* Whether we made contact 1 to 30 days after a day. */
static bool
is_followed_up(const Record *r, DateADT day)
{
	int low = 0;
	int high = r->contacts;

	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (r->contact_days[middle] <= day)
			low = middle + 1;
		else
			high = middle;
	}
	return low < r->contacts && r->contact_days[low] - day <= FOLLOW_UP_DAYS;
}

/* Whether more than half of the last year's purchase days were followed up; one still in time waits. */
static bool
is_accountable(const Record *r, const PurchaseHistory *purchases, DateADT today)
{
	int to = purchase_history_count_until(purchases, today);
	int followed = 0;
	int missed = 0;

	for (int i = purchase_history_count_until(purchases, today - RECORD_DAYS); i < to; i++)
	{
		const PurchaseDay *entry = &purchases->entries[i];

		if (entry->orders == 0)
			continue;
		if (is_followed_up(r, entry->day))
			followed++;
		else if (today - entry->day > FOLLOW_UP_DAYS)
			missed++;
	}
	return followed > missed;
}

/* Whether we came of our own accord in most quarters of the year. */
static bool
is_proactive(const Record *r)
{
	int quarters = 0;

	for (int i = 0; i < RECORD_QUARTERS; i++)
		quarters += r->quarters[i];
	return quarters >= REGULAR_QUARTERS;
}

/* The kinds of an array of their names. */
static void
read_campaign_kinds(ArrayType *names, bool *is_campaign)
{
	Datum *elements;
	bool  *nulls;
	int	   n;

	memset(is_campaign, 0, INTERACTION_KINDS * sizeof(bool));
	deconstruct_array(names, TEXTOID, -1, false, 'i', &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		text *name;

		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("kinds of campaigns cannot be null")));
		name = DatumGetTextPP(elements[i]);
		is_campaign[interaction_kind_from(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name))] = true;
	}
}

/*
 * The highest level that the 365 days until as_of show:
 *	 partnership	is_partner says so (joint work on site, a named owner) and we made contact;
 *	 proactive		unprompted outbound contact of no campaign's kind in 3 of the 4 quarters;
 *	 accountable	outbound contact within 30 days after most purchase days;
 *	 reactive		something that came in was answered, or there was a personal contact;
 *	 basic			nothing of that.
 */
PG_FUNCTION_INFO_V1(crm_practised_level);
Datum
crm_practised_level(PG_FUNCTION_ARGS)
{
	InteractionHistory *h = PG_GETARG_INTERACTION_HISTORY(0);
	TimestampTz			as_of = CheckFiniteInstant(PG_GETARG_TIMESTAMPTZ(2), "as_of");
	pg_tz			   *zone = time_zone_named(PG_GETARG_TEXT_PP(3));
	DateADT				today = local_day(as_of, zone);
	PurchaseHistory	   *purchases = PG_GETARG_PURCHASES_KNOWN(1, today);
	bool				is_partner = PG_GETARG_BOOL(4);
	bool				is_campaign[INTERACTION_KINDS];
	Record				r;

	read_campaign_kinds(PG_GETARG_ARRAYTYPE_P(5), is_campaign);
	r = read_record(h, interaction_history_count_until(h, as_of), as_of, zone, is_campaign);
	if (is_partner && r.contacts > 0)
		PG_RETURN_RELATIONSHIP_LEVEL(LEVEL_PARTNERSHIP);
	if (is_proactive(&r))
		PG_RETURN_RELATIONSHIP_LEVEL(LEVEL_PROACTIVE);
	if (is_accountable(&r, purchases, today))
		PG_RETURN_RELATIONSHIP_LEVEL(LEVEL_ACCOUNTABLE);
	if (r.answered || r.personal)
		PG_RETURN_RELATIONSHIP_LEVEL(LEVEL_REACTIVE);
	PG_RETURN_RELATIONSHIP_LEVEL(LEVEL_BASIC);
}
