/*
 * points.c: the balance, the statement and the expiry of a customer's points, and
 * what all of them are worth.
 *
 * All of them take (rule, earned, redeemed, day): the purchases, and the redemptions
 * as a history whose amounts are points.
 */
#include "crm.h"

#include "base/calendar.h"
#include "miscadmin.h"
#include "tiers/points_ledger.h"
#include "base/rows.h"
#include "utils/builtins.h"

static const char *const kind_names[] = {
	[POINTS_EXPIRED] = "expired",		[POINTS_EARNED] = "earned",
	[POINTS_REFUNDED] = "refunded",		[POINTS_REDEEMED] = "redeemed",
	[POINTS_RETURNED] = "returned",		[POINTS_PENDING] = "pending",
	[POINTS_REINSTATED] = "reinstated", [POINTS_RECEIVED] = "received",
};

/* Points are whole. */
static void
CheckWholePoints(const PurchaseDay *entries, int n, const char *what, const char *hint)
{
	for (int i = 0; i < n; i++)
		if (entries[i].amount % AMOUNT_SCALE != 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("%s of %s points on %s is not a whole number", what,
								   amount_to_text(entries[i].amount), date_to_text(entries[i].day)),
							errhint("%s", hint)));
}

/* A rule that rounds each purchase knows what the purchases of a day earned one by one. */
static void
CheckBasePoints(const PointsRule *r, const PurchaseBook *book, const PurchaseHistory *base_points)
{
	const PurchaseDay *base = base_points == NULL ? NULL : base_points->entries;
	const PurchaseDay *end = base_points == NULL ? NULL : base + base_points->nentries;

	if (!points_rule_terms(r)->scale.per_purchase)
	{
		if (base_points != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("rule does not round per purchase"),
					 errhint("Leave base_points out, or write \"round down per purchase\".")));
		return;
	}
	if (base_points != NULL)
		CheckWholePoints(base_points->entries, base_points->nentries, "base points",
						 "They are crm.base_points(rule, amount) of each purchase.");
	for (int i = 0; i < book->ndays; i++)
	{
		while (base < end && base->day < book->days[i].day)
			base++;
		if (book->days[i].orders > 1 && !(base < end && base->day == book->days[i].day))
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rule rounds per purchase, and %d purchases on %s are known by their sum",
						book->days[i].orders, date_to_text(book->days[i].day)),
				 errhint("Give base_points: crm.purchase_history(purchased_on, "
						 "crm.base_points(rule, amount)) of the purchases.")));
	}
}

static bool
has_null_argument(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3);
}

/* A ledger of a customer until a day, before its first movement: of gifts, too, no later ones. */
void
points_ledger_begin(PointsLedger *l, const PointsRule *r, const PointsHistories *of, DateADT until)
{
	PurchaseBook book = purchase_book(of->purchases, until);
	PointsGifts	 gifts = of->gifts;
	int nredeemed = of->redeemed == NULL ? 0 : purchase_history_count_until(of->redeemed, until);
	PointsEarned *days = NULL;

	if (of->redeemed != NULL)
		CheckWholePoints(of->redeemed->entries, nredeemed, "redemption",
						 "Redemptions are a history whose amounts are points.");
	CheckBasePoints(r, &book, of->base_points);
	while (gifts.n > 0 && gifts.gifts[gifts.n - 1].booked_on > until)
		gifts.n--;
	if (book.ncorrections > 0)
		days = MemoryContextAllocHuge(CurrentMemoryContext, book.ndays * sizeof(PointsEarned));
	points_ledger_start(l, r, &book, of->redeemed, nredeemed, of->base_points, gifts, days);
}

/* What a ledger came to with a movement is within range. */
static inline void
CheckLedger(const PointsLedger *l, const PointsMovement *m)
{
	if (unlikely(l->out_of_range))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("points on %s are out of range", date_to_text(m->day)),
						errdetail("A balance is at most %lld points either way.",
								  (long long) POINTS_BALANCE_MAX),
						errhint("Give a smaller rate, or count points in thousands.")));
}

/* The next movement, or an error if it is out of range. */
static bool
next_movement(PointsLedger *l, DateADT until, PointsMovement *m)
{
	bool found = points_ledger_next(l, until, m);

	CHECK_FOR_INTERRUPTS();
	CheckLedger(l, m);
	return found;
}

/* All movements until a day. */
static void
pass_movements(PointsLedger *l, DateADT until)
{
	PointsMovement m;

	points_ledger_pass(l, until, &m);
	CheckLedger(l, &m);
}

/* Its next movement; false if there is none. */
bool
points_ledger_move(PointsLedger *l, DateADT until, PointsMovement *m)
{
	return next_movement(l, until, m);
}

/*
 * The ledger of a customer at the end of a day. What is watched
 * remembers what was taken back and what expired.
 */
void
points_ledger_until(PointsLedger *l, const PointsRule *r, const PointsHistories *of, DateADT as_of,
					bool watched)
{
	points_ledger_begin(l, r, of, as_of);
	l->awards.watched = watched;
	l->awards.remembers = l->awards.remembers || watched;
	pass_movements(l, as_of);
}

/* The points of single purchases, as they were before corrections; NULL if they are not given. */
PurchaseHistory *
points_base_argument(FunctionCallInfo fcinfo, int n)
{
	return argument_is_given(fcinfo, n) ? PG_GETARG_PURCHASE_HISTORY(n) : NULL;
}

/* Gifts, in the memory context of the call; none if they are not given. */
static PointsGifts
gifts_argument(FunctionCallInfo fcinfo, int n)
{
	return points_gifts_read(argument_is_given(fcinfo, n) ? PG_GETARG_ARRAYTYPE_P(n) : NULL);
}

/*
 * What a customer's points are made of, as arguments: purchases, which is given, redemptions behind it,
 * base points and gifts, each of which may be NULL or missing.
 */
PointsHistories
points_histories_of_arguments(FunctionCallInfo fcinfo, int purchases, int base_points, int gifts,
							  DateADT as_of)
{
	PointsHistories of;

	of.purchases = PG_GETARG_PURCHASE_HISTORY(purchases);
	of.redeemed =
		PG_ARGISNULL(purchases + 1) ? NULL : PG_GETARG_PURCHASES_KNOWN(purchases + 1, as_of);
	of.base_points = points_base_argument(fcinfo, base_points);
	of.gifts = gifts_argument(fcinfo, gifts);
	return of;
}

/*
 * The ledger of the arguments (rule, purchases, redeemed, as_of, ..., base_points, gifts)
 * at the end of that day, which it returns.
 */
DateADT
points_ledger_of_arguments(FunctionCallInfo fcinfo, int base_points, PointsLedger *l)
{
	DateADT			as_of = CheckFiniteDate(PG_GETARG_DATEADT(3), "as_of");
	PointsHistories of =
		points_histories_of_arguments(fcinfo, 1, base_points, base_points + 1, as_of);

	points_ledger_until(l, PG_GETARG_POINTS_RULE(0), &of, as_of, false);
	return as_of;
}

/* Points at the end of a day; negative if more were taken back than there were. */
PG_FUNCTION_INFO_V1(crm_points_balance);
Datum
crm_points_balance(PG_FUNCTION_ARGS)
{
	PointsLedger l;

	if (has_null_argument(fcinfo))
		PG_RETURN_NULL();
	points_ledger_of_arguments(fcinfo, 4, &l);
	PG_RETURN_INT64(l.balance);
}

/* Points valid at the end of as_of that will have expired at the end of another day, if they are not spent. */
PG_FUNCTION_INFO_V1(crm_points_expiring);
Datum
crm_points_expiring(PG_FUNCTION_ARGS)
{
	PointsLedger   l;
	PointsMovement m;
	DateADT		   as_of;
	DateADT		   by;
	int64		   expiring = 0;

	if (has_null_argument(fcinfo) || PG_ARGISNULL(4))
		PG_RETURN_NULL();
	by = CheckFiniteDate(PG_GETARG_DATEADT(4), "until");
	points_ledger_of_arguments(fcinfo, 5, &l);
	as_of = PG_GETARG_DATEADT(3);
	while (next_movement(&l, by, &m))
		if (m.kind == POINTS_EXPIRED && l.awards.awards[m.award].available_on <= as_of)
			expiring -= m.points;
	PG_RETURN_INT64(expiring);
}

typedef struct Statement
{
	PointsLedger ledger;
	DateADT		 until;
	bool		 empty;
} Statement;

/* Start a ledger over copies that live as long as the rows. */
static void
start_statement(FunctionCallInfo fcinfo, FuncCallContext *rows, Statement *s)
{
	MemoryContext	before;
	PointsHistories of;

	s->until = CheckFiniteDate(PG_GETARG_DATEADT(3), "as_of");
	before = MemoryContextSwitchTo(rows->multi_call_memory_ctx);
	of = points_histories_of_arguments(fcinfo, 1, 4, 5, s->until);
	of.purchases = rows_copy_varlena(rows, of.purchases);
	if (of.redeemed != NULL)
		of.redeemed = rows_copy_varlena(rows, of.redeemed);
	if (of.base_points != NULL)
		of.base_points = rows_copy_varlena(rows, of.base_points);
	points_ledger_begin(&s->ledger, rows_copy_varlena(rows, PG_GETARG_POINTS_RULE(0)), &of,
						s->until);
	MemoryContextSwitchTo(before);
}

/* Every movement until a day as rows (day, kind, points, balance, tier, expires_on). */
PG_FUNCTION_INFO_V1(crm_points_statement);
Datum
crm_points_statement(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	Statement		*s;
	PointsMovement	 m;
	Datum			 values[6] = {0};
	bool			 nulls[6] = {false};

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, sizeof(Statement));
		s = rows->user_fctx;
		s->empty = has_null_argument(fcinfo);
		if (!s->empty)
			start_statement(fcinfo, rows, s);
	}
	rows = SRF_PERCALL_SETUP();
	s = rows->user_fctx;

	if (s->empty || !next_movement(&s->ledger, s->until, &m))
		SRF_RETURN_DONE(rows);

	values[0] = DateADTGetDatum(m.day);
	values[1] = CStringGetTextDatum(kind_names[m.kind]);
	values[2] = Int64GetDatum(m.points);
	values[3] = Int64GetDatum(m.balance);
	nulls[4] = m.rank == 0;
	if (!nulls[4])
		values[4] =
			CStringGetTextDatum(points_rule_program(s->ledger.rule)->tiers[m.rank - 1].name);
	nulls[5] = m.expires_on == NEVER;
	values[5] = DateADTGetDatum(m.expires_on);
	return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
}

/* ---- what is left of each award ---- */

typedef struct OpenAwards
{
	const TierProgram *program;
	PointsAward		  *awards;
	int				   n;
	int				   next;
} OpenAwards;

/* The awards at the end of a day, each with the day on which it goes if nothing happens. */
static void
find_open_awards(PointsLedger *l, OpenAwards *open)
{
	PointsMovement m;

	open->n = l->awards.n;
	open->awards =
		MemoryContextAllocHuge(CurrentMemoryContext, Max(open->n, 1) * sizeof(PointsAward));
	memcpy(open->awards, l->awards.awards, open->n * sizeof(PointsAward));
	while (next_movement(l, NEVER - 1, &m))
		if (m.kind == POINTS_EXPIRED)
			open->awards[m.award].expires_on = m.day;
}

/* Each award that has points left as rows (awarded_on, tier, points, available_on, expires_on). */
PG_FUNCTION_INFO_V1(crm_points_awards);
Datum
crm_points_awards(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	OpenAwards		*open;

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, sizeof(OpenAwards));
		open = rows->user_fctx;
		if (!has_null_argument(fcinfo))
		{
			MemoryContext before = MemoryContextSwitchTo(rows->multi_call_memory_ctx);
			PointsLedger  l;

			points_ledger_of_arguments(fcinfo, 4, &l);
			open->program = points_rule_program(l.rule);
			find_open_awards(&l, open);
			MemoryContextSwitchTo(before);
		}
	}
	rows = SRF_PERCALL_SETUP();
	open = rows->user_fctx;

	while (open->next < open->n)
	{
		const PointsAward *a = &open->awards[open->next++];
		Datum			   values[5] = {0};
		bool			   nulls[5] = {false};

		if (a->left == 0)
			continue;
		values[0] = DateADTGetDatum(a->awarded_on);
		nulls[1] = a->rank == 0;
		if (!nulls[1])
			values[1] = CStringGetTextDatum(open->program->tiers[a->rank - 1].name);
		values[2] = Int64GetDatum(a->left);
		nulls[3] = a->available_on == NEVER;
		values[3] = DateADTGetDatum(a->available_on);
		nulls[4] = a->expires_on == NEVER;
		values[4] = DateADTGetDatum(a->expires_on);
		SRF_RETURN_NEXT(rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}

/* ---- liability ---- */

static bool
numeric_is_between(Numeric value, int64 low, int64 high)
{
	return DatumGetBool(
			   DirectFunctionCall2(numeric_ge, NumericGetDatum(value),
								   DirectFunctionCall1(int8_numeric, Int64GetDatum(low)))) &&
		   DatumGetBool(
			   DirectFunctionCall2(numeric_le, NumericGetDatum(value),
								   DirectFunctionCall1(int8_numeric, Int64GetDatum(high))));
}

/* Breakage is a share. */
static void
CheckBreakageRate(Numeric rate)
{
	if (!numeric_is_between(rate, 0, 1))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("breakage rate %s is out of range",
						DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(rate)))),
				 errdetail("It is the share of points that nobody will redeem, from 0 to 1."),
				 errhint("Write 0.15 for 15 %%.")));
}

/* A point is worth money, or nothing. */
void
CheckPointValue(Numeric value)
{
	if (!numeric_is_between(value, 0, 1000000))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("point value %s is out of range",
						DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value)))),
				 errdetail("It is an amount of money from 0 to 1000000."),
				 errhint("Write what one point is worth, 0.01 for a hundredth.")));
}

/* State + points x value x (1 - breakage): exact. A negative balance is no asset and counts as none. */
PG_FUNCTION_INFO_V1(crm_points_liability_transition);
Datum
crm_points_liability_transition(PG_FUNCTION_ARGS)
{
	int64 points;
	Datum kept;
	Datum owed;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	points = Max(PG_GETARG_INT64(1), 0);
	CheckPointValue(PG_GETARG_NUMERIC(2));
	CheckBreakageRate(PG_GETARG_NUMERIC(3));
	kept = DirectFunctionCall2(numeric_sub, DirectFunctionCall1(int8_numeric, Int64GetDatum(1)),
							   PG_GETARG_DATUM(3));
	owed = DirectFunctionCall2(
		numeric_mul,
		DirectFunctionCall2(numeric_mul, DirectFunctionCall1(int8_numeric, Int64GetDatum(points)),
							PG_GETARG_DATUM(2)),
		kept);
	if (PG_ARGISNULL(0))
		PG_RETURN_DATUM(owed);
	PG_RETURN_DATUM(DirectFunctionCall2(numeric_add, PG_GETARG_DATUM(0), owed));
}
