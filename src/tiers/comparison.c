/*
 * comparison.c: the type program_comparison: its layout and its forms.
 *
 * The text form is, for example
 * from 2024-01-01 until 2024-12-31 {none 0 0, Bronze 0 2, Silver 5 0} other {none 0 0, Base 3 1}
 * moves {1/1 40, 2/1 8} points {900 20 500} other {880 0 560}: of each tier upgrades and downgrades to it;
 * customers by rank / other rank, those without left out; points earned, expired, open.
 */
#include "crm.h"

#include "base/calendar.h"
#include "base/scan.h"
#include "base/value.h"
#include "common/int.h"
#include "tiers/comparison.h"

/* A comparison of no customers. */
ProgramComparison *
comparison_create(int nranks, int nranks_other, Days days)
{
	Size			   size = COMPARISON_SIZE(nranks, nranks_other);
	ProgramComparison *c = palloc0(size);

	SET_VARSIZE(c, size);
	c->version = COMPARISON_VERSION;
	c->nranks[0] = nranks;
	c->nranks[1] = nranks_other;
	c->days = days;
	return c;
}

void
comparison_add(int64 *to, int64 count)
{
	if (pg_add_s64_overflow(*to, count, to))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("counts of a comparison are out of range"),
						errhint("Compare fewer customers at a time.")));
}

/* ---- text ---- */

static int64
scan_count(Scanner *s)
{
	const Scanner here = *s;
	int64		  count = scan_int64(s);

	if (count < 0)
		scan_error(&here, "a count that is not negative");
	return count;
}

/* Read "{none upgrades downgrades, tier upgrades downgrades, ...}"; returns how many. */
static int
scan_tiers(Scanner *s, ComparedTier *tiers)
{
	int n = 0;

	scan_char(s, '{');
	do
	{
		if (n > TIER_MAX)
			scan_error(s, "no more than 32 tiers");
		memset(&tiers[n], 0, sizeof(ComparedTier));
		if (n == 0)
			scan_word(s, "none");
		else
		{
			Tier tier;

			tier_set_name(&tier, scan_label(s));
			memcpy(tiers[n].name, tier.name, TIER_NAME_SIZE);
		}
		tiers[n].upgrades = scan_count(s);
		tiers[n++].downgrades = scan_count(s);
	} while (scan_try_char(s, ','));
	scan_char(s, '}');
	return n;
}

/* Read "{rank/rank customers, ...}" in ascending order. */
static void
scan_moves(Scanner *s, ProgramComparison *c)
{
	int64 last = -1;

	scan_char(s, '{');
	if (scan_try_char(s, '}'))
		return;
	do
	{
		const Scanner here = *s;
		int64		  rank = scan_int64(s);
		int64		  other;

		scan_char(s, '/');
		other = scan_int64(s);
		if (rank < 0 || rank >= c->nranks[0] || other < 0 || other >= c->nranks[1] ||
			rank * c->nranks[1] + other <= last)
			scan_error(&here, "ranks of both programs in ascending order");
		last = rank * c->nranks[1] + other;
		*compared_customers(c, (int) rank, (int) other) = scan_count(s);
	} while (scan_try_char(s, ','));
	scan_char(s, '}');
}

static void
scan_points(Scanner *s, ComparedPoints *points)
{
	scan_char(s, '{');
	points->earned = scan_count(s);
	points->expired = scan_count(s);
	points->open = scan_count(s);
	scan_char(s, '}');
}

/* Days in order. */
static void
CheckDays(Days days, int errcode_of_input)
{
	if (!IS_VALID_DATE(days.first) || !IS_VALID_DATE(days.last) || days.first > days.last)
		ereport(ERROR,
				(errcode(errcode_of_input), errmsg("days of a program_comparison are not in order"),
				 errhint("Write from the first day until the last.")));
}

/* Read "from 2024-01-01 until 2024-12-31". */
static Days
scan_days(Scanner *s)
{
	Days days;

	scan_word(s, "from");
	days.first = scan_date(s);
	scan_word(s, "until");
	days.last = scan_date(s);
	CheckDays(days, ERRCODE_INVALID_TEXT_REPRESENTATION);
	return days;
}

PG_FUNCTION_INFO_V1(crm_program_comparison_in);
Datum
crm_program_comparison_in(PG_FUNCTION_ARGS)
{
	Scanner			   s = scan_start("program_comparison", PG_GETARG_CSTRING(0));
	ComparedTier	   tiers[2][TIER_MAX + 1];
	int				   n[2];
	Days			   days = scan_days(&s);
	ProgramComparison *c;

	n[0] = scan_tiers(&s, tiers[0]);
	scan_word(&s, "other");
	n[1] = scan_tiers(&s, tiers[1]);
	c = comparison_create(n[0], n[1], days);
	for (int i = 0; i < 2; i++)
		memcpy(compared_tiers(c, i), tiers[i], n[i] * sizeof(ComparedTier));
	scan_word(&s, "moves");
	scan_moves(&s, c);
	if (scan_try_word(&s, "points"))
	{
		c->flags = COMPARISON_POINTS;
		scan_points(&s, &c->points[0]);
		scan_word(&s, "other");
		scan_points(&s, &c->points[1]);
	}
	scan_end(&s);
	PG_RETURN_POINTER(c);
}

static void
append_tiers(StringInfo out, const ComparedTier *tiers, int n)
{
	for (int i = 0; i < n; i++)
	{
		appendStringInfoString(out, i == 0 ? "{none" : ", ");
		if (i > 0)
			append_label(out, tiers[i].name, NULL);
		appendStringInfo(out, " " INT64_FORMAT " " INT64_FORMAT, tiers[i].upgrades,
						 tiers[i].downgrades);
	}
	appendStringInfoChar(out, '}');
}

static void
append_points(StringInfo out, const char *before, const ComparedPoints *points)
{
	appendStringInfo(out, " %s {" INT64_FORMAT " " INT64_FORMAT " " INT64_FORMAT "}", before,
					 points->earned, points->expired, points->open);
}

PG_FUNCTION_INFO_V1(crm_program_comparison_out);
Datum
crm_program_comparison_out(PG_FUNCTION_ARGS)
{
	ProgramComparison *c = PG_GETARG_COMPARISON(0);
	const char		  *before = " moves {";
	StringInfoData	   out;

	initStringInfo(&out);
	appendStringInfo(&out, "from %s until %s ", date_to_text(c->days.first),
					 date_to_text(c->days.last));
	append_tiers(&out, compared_tiers(c, 0), c->nranks[0]);
	appendStringInfoString(&out, " other ");
	append_tiers(&out, compared_tiers(c, 1), c->nranks[1]);
	for (int rank = 0; rank < c->nranks[0]; rank++)
		for (int other = 0; other < c->nranks[1]; other++)
			if (*compared_customers(c, rank, other) > 0)
			{
				appendStringInfo(&out, "%s%d/%d " INT64_FORMAT, before, rank, other,
								 *compared_customers(c, rank, other));
				before = ", ";
			}
	appendStringInfoString(&out, *before == ',' ? "}" : " moves {}");
	if (c->flags & COMPARISON_POINTS)
	{
		append_points(&out, "points", &c->points[0]);
		append_points(&out, "other", &c->points[1]);
	}
	PG_RETURN_CSTRING(out.data);
}

/* ---- binary ---- */

/*
 * Binary form: version, flags (int16); first and last day (int32); number of ranks of both (int8); of each tier but
 * no tier its name, and of all upgrades and downgrades (int64); customers by both ranks
 * (int64); if flags say so earned, expired, open (int64) of both.
 */
PG_FUNCTION_INFO_V1(crm_program_comparison_send);
Datum
crm_program_comparison_send(PG_FUNCTION_ARGS)
{
	ProgramComparison *c = PG_GETARG_COMPARISON(0);
	StringInfoData	   out;

	pq_begintypsend(&out);
	pq_sendint16(&out, c->version);
	pq_sendint16(&out, c->flags);
	pq_sendint32(&out, c->days.first);
	pq_sendint32(&out, c->days.last);
	pq_sendint8(&out, c->nranks[0]);
	pq_sendint8(&out, c->nranks[1]);
	for (int which = 0; which < 2; which++)
		for (int i = 0; i < c->nranks[which]; i++)
		{
			if (i > 0)
				pq_sendstring(&out, compared_tiers(c, which)[i].name);
			pq_sendint64(&out, compared_tiers(c, which)[i].upgrades);
			pq_sendint64(&out, compared_tiers(c, which)[i].downgrades);
		}
	for (int i = 0; i < c->nranks[0] * c->nranks[1]; i++)
		pq_sendint64(&out, compared_customers(c, 0, 0)[i]);
	for (int which = 0; which < 2 && (c->flags & COMPARISON_POINTS) != 0; which++)
	{
		pq_sendint64(&out, c->points[which].earned);
		pq_sendint64(&out, c->points[which].expired);
		pq_sendint64(&out, c->points[which].open);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

static int64
receive_nonnegative(StringInfo message)
{
	int64 count = pq_getmsgint64(message);

	if (count < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("negative count in program_comparison")));
	return count;
}

static Days
receive_days(StringInfo message)
{
	Days days;

	days.first = (DateADT) pq_getmsgint(message, 4);
	days.last = (DateADT) pq_getmsgint(message, 4);
	CheckDays(days, ERRCODE_INVALID_BINARY_REPRESENTATION);
	return days;
}

static int
receive_ranks(StringInfo message)
{
	int n = pq_getmsgbyte(message);

	if (n < 1 || n > TIER_MAX + 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid number of ranks %d in program_comparison", n)));
	return n;
}

PG_FUNCTION_INFO_V1(crm_program_comparison_recv);
Datum
crm_program_comparison_recv(PG_FUNCTION_ARGS)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	int		   flags =
		receive_header(message, "program_comparison", 2, COMPARISON_VERSION, COMPARISON_POINTS);
	Days			   days = receive_days(message);
	int				   n = receive_ranks(message);
	int				   m = receive_ranks(message);
	ProgramComparison *c = comparison_create(n, m, days);

	c->flags = (uint16) flags;
	for (int which = 0; which < 2; which++)
		for (int i = 0; i < c->nranks[which]; i++)
		{
			ComparedTier *tier = &compared_tiers(c, which)[i];
			Tier		  named;

			if (i > 0)
			{
				tier_set_name(&named, pq_getmsgstring(message));
				memcpy(tier->name, named.name, TIER_NAME_SIZE);
			}
			tier->upgrades = receive_nonnegative(message);
			tier->downgrades = receive_nonnegative(message);
		}
	for (int i = 0; i < n * m; i++)
		compared_customers(c, 0, 0)[i] = receive_nonnegative(message);
	for (int which = 0; which < 2 && (flags & COMPARISON_POINTS) != 0; which++)
	{
		c->points[which].earned = receive_nonnegative(message);
		c->points[which].expired = receive_nonnegative(message);
		c->points[which].open = receive_nonnegative(message);
	}
	PG_RETURN_POINTER(c);
}

VALUE_FUNCTIONS(program_comparison, value_bytes_order, value_bytes);
