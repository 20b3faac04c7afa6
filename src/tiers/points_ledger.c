/*
 * points_ledger.c: one customer's points from movement to movement. docs/points.md,
 * "The rules, exactly", is its specification.
 *
 * Plain C without PostgreSQL calls: a movement beyond what a balance can hold ends
 * the ledger with out_of_range, which the caller reports.
 */
#include "crm.h"

#include "tiers/points_ledger.h"

/* The tier held at the start of a day: by the purchases before it. */
static int
rank_at_start(PointsLedger *l, DateADT day)
{
	TierWalk   before;
	TierChange change;

	if (points_rule_program(l->rule) == NULL)
		return 0;
	/* All before the day is settled; the day itself is tried on a copy without its entries. */
	while (tier_walk_next(&l->walk, day - 1, &change))
		continue;
	before = l->walk;
	before.nentries = (int) (l->earned - l->first);
	if (before.enrolled_on >= day)
		return 0;
	while (tier_walk_next(&before, day, &change))
		continue;
	return before.rank;
}

/* ---- awards ---- */

/* Points come: they pay the debt first, and the rest is an award; tells when it expires. */
static DateADT
award(PointsLedger *l, int64 points, DateADT day)
{
	int64		 paid = Min(points, l->debt);
	PointsAward *a = &l->awards[l->newest];

	l->debt -= paid;
	if (points == paid)
		return NEVER;
	a->left = points - paid;
	a->expires_on = span_is_zero(l->rule->expiry) ? NEVER : day_plus_span(day, l->rule->expiry);
	l->newest++;
	return a->expires_on;
}

/* Points are spent: the oldest awards first. */
static void
spend(PointsLedger *l, int64 points)
{
	while (points > 0 && l->oldest < l->newest)
	{
		PointsAward *a = &l->awards[l->oldest];
		int64		 taken = Min(points, a->left);

		a->left -= taken;
		points -= taken;
		l->oldest += a->left == 0;
	}
	l->debt += points;
}

/* Points are taken back: the newest awards first. */
static void
take_back(PointsLedger *l, int64 points)
{
	while (points > 0 && l->oldest < l->newest)
	{
		PointsAward *a = &l->awards[l->newest - 1];
		int64		 taken = Min(points, a->left);

		a->left -= taken;
		points -= taken;
		l->newest -= a->left == 0;
	}
	l->debt += points;
}

/* ---- movements ---- */

/* Book a movement; false if the balance cannot hold it. */
static bool
book(PointsLedger *l, PointsMovement *m, DateADT day, PointsKind kind, int128 points)
{
	int128 balance = points + l->balance;

	m->day = day;
	m->kind = kind;
	m->rank = 0;
	m->expires_on = NEVER;
	if (points > POINTS_BALANCE_MAX || points < -POINTS_BALANCE_MAX ||
		balance > POINTS_BALANCE_MAX || balance < -POINTS_BALANCE_MAX)
	{
		l->out_of_range = true;
		return false;
	}
	l->balance = (int64) balance;
	m->points = (int64) points;
	m->balance = l->balance;
	return true;
}

static bool
expire_oldest(PointsLedger *l, PointsMovement *m)
{
	const PointsAward *a = &l->awards[l->oldest++];

	return book(l, m, a->expires_on, POINTS_EXPIRED, -(int128) a->left);
}

/* What a day of the history earns or takes back, which may be nothing. */
static bool
earn(PointsLedger *l, PointsMovement *m)
{
	const PurchaseDay *entry = l->earned;
	int				   rank = rank_at_start(l, entry->day);
	int128			   points =
		points_of_day(&l->rule->earning, points_rate_of_rank(l->rule, rank), entry, l->orders);

	l->orders += entry->orders;
	l->earned++;
	if (!book(l, m, entry->day, points < 0 ? POINTS_REFUNDED : POINTS_EARNED, points))
		return false;
	m->rank = rank;
	if (points > 0)
		m->expires_on = award(l, m->points, entry->day);
	else
		take_back(l, -m->points);
	return true;
}

/* Points redeemed on a day, or given back where a redemption was cancelled. */
static bool
redeem(PointsLedger *l, PointsMovement *m)
{
	const PurchaseDay *entry = l->redeemed++;
	int64			   points = entry->amount / AMOUNT_SCALE;

	if (!book(l, m, entry->day, points < 0 ? POINTS_RETURNED : POINTS_REDEEMED, -(int128) points))
		return false;
	if (points < 0)
		m->expires_on = award(l, -points, entry->day);
	else
		spend(l, points);
	return true;
}

/*
 * The next movement on or before a day; false if there is none, or if it is out of
 * range. On one day points expire first, then they are earned or taken back, then
 * redeemed.
 */
bool
points_ledger_next(PointsLedger *l, DateADT until, PointsMovement *m)
{
	while (!l->out_of_range)
	{
		DateADT expires = l->oldest < l->newest ? l->awards[l->oldest].expires_on : NEVER;
		DateADT earns = l->earned < l->earned_end ? l->earned->day : NEVER;
		DateADT redeems = l->redeemed < l->redeemed_end ? l->redeemed->day : NEVER;
		DateADT day = Min(Min(expires, earns), redeems);
		bool	booked;

		if (day == NEVER || day > until)
			return false;
		if (expires == day)
			booked = expire_oldest(l, m);
		else if (earns == day)
			booked = earn(l, m);
		else
			booked = redeem(l, m);
		if (booked && m->points != 0)
			return true;
	}
	return false;
}

/*
 * A ledger of the first entries of what was bought and what was redeemed, before
 * its first movement. awards has room for as many as there are entries in both.
 */
void
points_ledger_start(PointsLedger *l, const PointsRule *r, const PurchaseHistory *earned,
					int nearned, const PurchaseHistory *redeemed, int nredeemed,
					PointsAward *awards)
{
	memset(l, 0, sizeof(*l));
	l->rule = r;
	l->first = l->earned = earned->entries;
	l->earned_end = earned->entries + nearned;
	if (redeemed != NULL)
	{
		l->redeemed = redeemed->entries;
		l->redeemed_end = redeemed->entries + nredeemed;
	}
	l->awards = awards;
	if (points_rule_program(r) != NULL)
		tier_walk_start(&l->walk, points_rule_program(r), earned, nearned, NEVER);
}
