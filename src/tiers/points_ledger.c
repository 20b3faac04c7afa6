/*
 * points_ledger.c: one customer's points from movement to movement. docs/points.md,
 * "The rules, exactly", is its specification.
 *
 * Plain C but for interrupts, since a program may renew a tier each day until the
 * last date: a movement beyond what a balance can hold ends the ledger with
 * out_of_range, which the caller reports.
 */
#include "crm.h"

#include "miscadmin.h"
#include "tiers/points_ledger.h"

/* The tier held at the start of a day: by the purchases before it. */
static int
rank_at_start(PointsLedger *l, DateADT day)
{
	TierWalk   before;
	TierChange change;

	if (points_rule_program(l->rule) == NULL)
		return 0;
	/* All before the day is settled; the day itself is tried on a copy without what is booked on it. */
	while (tier_walk_next(&l->walk, day - 1, &change))
		CHECK_FOR_INTERRUPTS();
	before = l->walk;
	before.nentries = (int) (l->earned - l->book.days);
	before.ncorrections = before.next_correction;
	if (before.enrolled_on >= day)
		return 0;
	while (tier_walk_next(&before, day, &change))
		CHECK_FOR_INTERRUPTS();
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
	a->expired = 0;
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
	int newest = l->newest;

	while (points > 0 && l->oldest < newest)
	{
		PointsAward *a = &l->awards[newest - 1];
		int64		 taken = Min(points, a->left);

		a->left -= taken;
		points -= taken;
		newest -= a->left == 0;
	}
	l->debt += points;
	/* an award that a correction may come back to keeps its place */
	if (l->days == NULL)
		l->newest = newest;
}

/*
 * An award is taken back in part: what is left of it, but not what has expired; what
 * was redeemed is owed, and the newest awards pay it. Returns how many points go.
 */
static int64
take_from_award(PointsLedger *l, PointsAward *a, int64 points)
{
	int64 left = Min(points, a->left);
	int64 expired = Min(points - left, a->expired);

	a->left -= left;
	a->expired -= expired;
	take_back(l, points - left - expired);
	return points - expired;
}

/* Points of an award come back to it, unless it has expired by then. Returns how many come. */
static int64
return_to_award(PointsLedger *l, int index, int64 points, DateADT day)
{
	PointsAward *a = &l->awards[index];
	int64		 paid;

	if (a->expires_on <= day && a->expires_on != NEVER)
	{
		a->expired += points;
		return 0;
	}
	paid = Min(points, l->debt);
	l->debt -= paid;
	a->left += points - paid;
	l->oldest = Min(l->oldest, index);
	return points;
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
	PointsAward *a = &l->awards[l->oldest++];

	a->expired += a->left;
	a->left = 0;
	return book(l, m, a->expires_on, POINTS_EXPIRED, -(int128) a->expired);
}

/* The points of single purchases of a day, if they are given; else of its amount. */
static int128
base_points_of_day(PointsLedger *l, const PurchaseDay *entry)
{
	while (l->base < l->base_end && l->base->day < entry->day)
		l->base++;
	if (l->base < l->base_end && l->base->day == entry->day)
		return l->base->amount / AMOUNT_SCALE;
	return points_for_amount(l->scale, l->rule->earning.rate, entry->amount);
}

/* The points of a day's amount for a tier. */
static int128
points_of_amount(PointsLedger *l, const PurchaseDay *entry, int rank)
{
	int64  plain = l->rule->earning.rate;
	int64  rate = points_rate_of_rank(l->rule, rank);
	int128 base;

	if (likely(!l->scale->in_parts && !l->scale->per_purchase))
		return points_for_amount(l->scale, rate, entry->amount);
	base = base_points_of_day(l, entry);
	if (rate == plain || base > POINTS_BALANCE_MAX || base < -(int128) POINTS_BALANCE_MAX)
		return base;
	return points_rounded((PointsRounding) l->scale->rounding, base * rate, plain);
}

/* What a day of the history earns or takes back, which may be nothing. */
static bool
earn(PointsLedger *l, PointsMovement *m)
{
	const PurchaseDay *entry = l->earned;
	int				   rank = rank_at_start(l, entry->day);
	int128			   award_points = points_of_amount(l, entry, rank);
	int128 points = award_points + points_of_orders(&l->rule->earning, entry->orders, l->orders);
	PointsEarned *day = l->days == NULL ? NULL : &l->days[l->earned - l->book.days];

	l->orders += entry->orders;
	l->earned++;
	if (day != NULL)
		*day = (PointsEarned){*entry, award_points, rank, -1};
	if (!book(l, m, entry->day, points < 0 ? POINTS_REFUNDED : POINTS_EARNED, points))
		return false;
	m->rank = rank;
	if (points <= 0)
	{
		take_back(l, -m->points);
		return true;
	}
	m->expires_on = award(l, m->points, entry->day);
	if (day != NULL)
		day->award = l->newest - 1;
	return true;
}

/*
 * What a correction takes back of the award of its purchase, or gives back to it: at
 * the rate of that day, in proportion.
 */
static bool
correct(PointsLedger *l, PointsMovement *m)
{
	const BookedCorrection *correction = &l->book.corrections[l->next_correction++];
	PointsEarned		   *day = &l->days[correction->entry];
	PurchaseDay				after = purchase_day_corrected(&day->net, correction);
	int128					points =
		points_of_correction(&l->rule->earning, day->points, &l->book.days[correction->entry],
							 &day->net, &after, l->orders);

	l->orders += after.orders - day->net.orders;
	day->net = after;
	/* try whether the balance can hold it before awards change */
	if (!book(l, m, correction->booked, POINTS_REFUNDED, points))
		return false;
	m->rank = day->rank;
	l->balance -= m->points;
	if (points < 0 && day->award >= 0)
		m->points = -take_from_award(l, &l->awards[day->award], -m->points);
	else if (points < 0)
		take_back(l, -m->points);
	else if (points > 0 && day->award >= 0)
		m->points = return_to_award(l, day->award, m->points, correction->booked);
	else if (points > 0)
	{
		m->expires_on = award(l, m->points, correction->booked);
		day->award = l->newest - 1;
	}
	if (points > 0)
		m->kind = POINTS_EARNED;
	l->balance += m->points;
	m->balance = l->balance;
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
 * taken back by corrections, then redeemed.
 */
bool
points_ledger_next(PointsLedger *l, DateADT until, PointsMovement *m)
{
	while (!l->out_of_range)
	{
		DateADT expires = l->oldest < l->newest ? l->awards[l->oldest].expires_on : NEVER;
		DateADT earns = l->earned < l->earned_end ? l->earned->day : NEVER;
		DateADT redeems = l->redeemed < l->redeemed_end ? l->redeemed->day : NEVER;
		DateADT corrects = l->next_correction < l->book.ncorrections
							   ? l->book.corrections[l->next_correction].booked
							   : NEVER;
		DateADT day = Min(Min(expires, earns), Min(corrects, redeems));
		bool	booked;

		if (day == NEVER || day > until)
			return false;
		if (expires == day)
			booked = expire_oldest(l, m);
		else if (earns == day)
			booked = earn(l, m);
		else if (corrects == day)
			booked = correct(l, m);
		else
			booked = redeem(l, m);
		if (booked && m->points != 0)
			return true;
	}
	return false;
}

/*
 * A ledger of what was bought and the first entries of what was redeemed, before its
 * first movement. awards has room for as many as there are days, corrections and
 * redemptions; days for as many as the book has, NULL if it has no corrections.
 * base_points, the points of single purchases by day, may be NULL.
 */
void
points_ledger_start(PointsLedger *l, const PointsRule *r, const PurchaseBook *earned,
					const PurchaseHistory *redeemed, int nredeemed,
					const PurchaseHistory *base_points, PointsAward *awards, PointsEarned *days)
{
	memset(l, 0, sizeof(*l));
	l->rule = r;
	l->scale = &points_rule_terms(r)->scale;
	l->book = *earned;
	l->days = days;
	l->earned = earned->days;
	l->earned_end = earned->days + earned->ndays;
	if (redeemed != NULL)
	{
		l->redeemed = redeemed->entries;
		l->redeemed_end = redeemed->entries + nredeemed;
	}
	if (base_points != NULL)
	{
		l->base = base_points->entries;
		l->base_end = base_points->entries + base_points->nentries;
	}
	l->awards = awards;
	if (points_rule_program(r) != NULL)
		tier_walk_start(&l->walk, points_rule_program(r), earned, NEVER);
}
