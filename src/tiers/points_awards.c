/*
 * points_awards.c: awards come, wait, are spent, taken back, given back, and expire.
 * docs/points.md, "The rules, exactly", is its specification.
 */
#include "crm.h"

#include "base/growth.h"
#include "tiers/points_awards.h"

/* No awards, with room for so many; what grows stays in this memory context. */
void
points_awards_start(PointsAwards *a, int room)
{
	memset(a, 0, sizeof(*a));
	a->memory = CurrentMemoryContext;
	a->room = Max(room, 8);
	a->awards = MemoryContextAllocHuge(a->memory, (Size) a->room * sizeof(PointsAward));
	a->first = a->last = NO_AWARD;
}

/* ---- lists ---- */

static void
add_gone(PointsAwards *a, PointsGoneList *list, int award, int cause, DateADT day, int64 points)
{
	if (points == 0)
		return;
	if (list->gone == NULL)
		list->gone = MemoryContextAllocHuge(a->memory, (list->room = 16) * sizeof(PointsGone));
	list->gone = array_with_room(list->gone, list->n, &list->room, sizeof(PointsGone));
	list->gone[list->n++] = (PointsGone){award, cause, day, points};
}

/* An award that has points again, or now, takes its place by the day on which it expires. */
static inline void
link_award(PointsAwards *a, int index)
{
	PointsAward *award = &a->awards[index];
	int			 before = a->last;

	while (before != NO_AWARD &&
		   (a->awards[before].expires_on > award->expires_on ||
			(a->awards[before].expires_on == award->expires_on && before > index)))
		before = a->awards[before].before;
	award->before = before;
	award->behind = before == NO_AWARD ? a->first : a->awards[before].behind;
	if (award->behind == NO_AWARD)
		a->last = index;
	else
		a->awards[award->behind].before = index;
	if (before == NO_AWARD)
		a->first = index;
	else
		a->awards[before].behind = index;
}

static inline void
unlink_award(PointsAwards *a, int index)
{
	PointsAward *award = &a->awards[index];

	if (award->before == NO_AWARD)
		a->first = award->behind;
	else
		a->awards[award->before].behind = award->behind;
	if (award->behind == NO_AWARD)
		a->last = award->before;
	else
		a->awards[award->behind].before = award->before;
}

/* Points come to an award, or go from it: it is in the list while it has some and does not wait. */
static void
change_left(PointsAwards *a, int index, int64 points)
{
	PointsAward *award = &a->awards[index];
	bool		 had = award->left > 0;

	award->left += points;
	if (award->waits)
		a->waiting += points;
	else if (award->left > 0 && !had)
		link_award(a, index);
	else if (award->left == 0 && had)
		unlink_award(a, index);
	if (award->left > 0 && index >= a->newest_open)
		a->newest_open = index + 1;
}

/* ---- points come ---- */

/* The debt is paid first; returns what is left of the points. */
static inline int64
pay_debt(PointsAwards *a, int64 points)
{
	int64 paid = Min(points, a->debt);

	a->debt -= paid;
	return points - paid;
}

/* Room for more awards; rarely needed, so not within what each award asks for. */
static pg_noinline void
make_room(PointsAwards *a)
{
	a->awards = array_with_room(a->awards, a->n, &a->room, sizeof(PointsAward));
}

/*
 * An award of a day. One that is available at once pays the debt first: NO_AWARD if
 * nothing is left of it.
 */
int
points_awards_add(PointsAwards *a, DateADT day, DateADT available_on, DateADT expires_on, int rank,
				  int64 points)
{
	PointsAward *award;
	bool		 waits = available_on > day;

	if (!waits)
		points = pay_debt(a, points);
	if (points == 0)
		return NO_AWARD;
	if (unlikely(a->n == a->room))
		make_room(a);
	award = &a->awards[a->n];
	*award = (PointsAward){.awarded_on = day,
						   .available_on = available_on,
						   .expires_on = expires_on,
						   .rank = rank,
						   .waits = waits,
						   .left = points};
	if (waits)
		a->waiting += points;
	else
		link_award(a, a->n);
	a->newest_open = a->n + 1;
	return a->n++;
}

/* An award that waited is available; returns its points, of which the debt is paid first. */
int64
points_awards_ripen(PointsAwards *a, int index)
{
	PointsAward *award = &a->awards[index];
	int64		 points = award->left;

	change_left(a, index, -points);
	award->waits = false;
	change_left(a, index, pay_debt(a, points));
	return points;
}

/* ---- redemptions ---- */

/* Those are spent first that expire first. Returns how many points went, debt included. */
int64
points_awards_spend(PointsAwards *a, int64 points, DateADT day)
{
	int64 rest = points;

	while (rest > 0 && a->first != NO_AWARD)
	{
		int	  index = a->first;
		int64 taken = Min(rest, a->awards[index].left);

		change_left(a, index, -taken);
		add_gone(a, &a->spent, index, NO_AWARD, day, taken);
		rest -= taken;
	}
	if (a->forgives)
	{
		add_gone(a, &a->spent, GONE_FORGIVEN, NO_AWARD, day, rest);
		return points - rest;
	}
	a->debt += rest;
	return points;
}

static bool
has_expired(const PointsAward *award, DateADT day)
{
	return award->expires_on <= day && award->expires_on != NEVER;
}

/*
 * A redemption is cancelled: what was spent last goes back to its award, with its
 * expiry, and what was forgiven last does not. Returns what no award, no debt and
 * nothing forgiven takes back; expired is what comes back too late, award_of the last award that
 * something came back to, or NO_AWARD, forgiven what never was there.
 */
int64
points_awards_unspend(PointsAwards *a, int64 points, DateADT day, int *award_of, int64 *expired,
					  int64 *forgiven)
{
	*award_of = NO_AWARD;
	*expired = *forgiven = 0;
	points = pay_debt(a, points);
	while (points > 0 && a->spent.n > 0)
	{
		PointsGone	*gone = &a->spent.gone[a->spent.n - 1];
		PointsAward *award;
		int64		 back = Min(points, gone->points);

		gone->points -= back;
		a->spent.n -= gone->points == 0;
		points -= back;
		if (gone->award == GONE_FORGIVEN)
		{
			*forgiven += back;
			continue;
		}
		*award_of = gone->award;
		award = &a->awards[gone->award];
		if (has_expired(award, day))
		{
			award->expired += back;
			*expired += back;
			if (a->remembers)
				add_gone(a, &a->expired, gone->award, NO_AWARD, day, back);
		}
		else
			change_left(a, gone->award, back);
	}
	return points;
}

/* ---- refunds ---- */

/* As many of the points as an award has left; cause is the award that is taken back, or NO_AWARD. */
static int64
take_left(PointsAwards *a, int index, int cause, int64 points, DateADT day, int64 *waiting)
{
	int64 taken = Min(points, a->awards[index].left);

	if (taken == 0)
		return 0;
	if (a->awards[index].waits)
		*waiting += taken;
	change_left(a, index, -taken);
	if (a->watched || cause != NO_AWARD)
		add_gone(a, &a->taken, index, cause, day, taken);
	return taken;
}

/*
 * Points are taken back, from the newest awards first; what goes beyond is owed, or
 * forgiven. Returns how many went that were available or are owed; adds to waiting
 * those that were not.
 */
static int64
take_newest(PointsAwards *a, int cause, int64 points, DateADT day, int64 *waiting)
{
	int64 rest = points;
	int64 waited = 0;

	while (rest > 0 && a->newest_open > 0)
	{
		rest -= take_left(a, a->newest_open - 1, cause, rest, day, &waited);
		a->newest_open -= a->awards[a->newest_open - 1].left == 0;
	}
	*waiting += waited;
	if (cause != NO_AWARD)
		add_gone(a, &a->taken, a->forgives ? GONE_FORGIVEN : GONE_OWED, cause, day, rest);
	if (a->forgives)
		return points - rest - waited;
	a->debt += rest;
	return points - waited;
}

/* A refund that knows no purchase takes back. */
int64
points_awards_take(PointsAwards *a, int64 points, DateADT day, int64 *waiting)
{
	return take_newest(a, NO_AWARD, points, day, waiting);
}

/*
 * An award is taken back in part: what is left of it, but not what has expired; what
 * was redeemed is owed, and the newest awards pay it. Returns as take_newest.
 */
int64
points_awards_take_from(PointsAwards *a, int index, int64 points, DateADT day, int64 *waiting)
{
	int64 waited = 0;
	int64 left = take_left(a, index, index, points, day, &waited);
	int64 expired = Min(points - left, a->awards[index].expired);

	*waiting += waited;
	a->awards[index].expired -= expired;
	add_gone(a, &a->taken, GONE_EXPIRED, index, day, expired);
	return left - waited + take_newest(a, index, points - left - expired, day, waiting);
}

/* ---- refunds that are undone ---- */

/* Points come back to an award, unless it has expired by then. Returns how many are there again. */
static int64
come_back(PointsAwards *a, int index, int64 points, DateADT day, int64 *waiting)
{
	PointsAward *award = &a->awards[index];

	if (has_expired(award, day))
	{
		award->expired += points;
		return 0;
	}
	if (award->waits)
		*waiting += points;
	change_left(a, index, award->waits ? points : pay_debt(a, points));
	return award->waits ? 0 : points;
}

/*
 * Points of an award that was taken back are given back: what was taken last comes
 * back to where it was taken from; what was forgiven does not, and what had expired has. What was
 * never taken is of the award, too. Returns how many come that are available; adds to
 * waiting those that are not, and to anew what was owed, paid since, and has no award to
 * come back to.
 */
int64
points_awards_return(PointsAwards *a, int index, int64 points, DateADT day, int64 *waiting,
					 int64 *anew)
{
	int64 came = 0;

	for (int i = a->taken.n - 1; i >= 0 && points > 0; i--)
	{
		PointsGone *gone = &a->taken.gone[i];
		int64		back = gone->cause == index ? Min(points, gone->points) : 0;
		int64		paid;

		if (back == 0)
			continue;
		gone->points -= back;
		points -= back;
		switch (gone->award)
		{
			case GONE_FORGIVEN:
				break;
			case GONE_EXPIRED:
				a->awards[index].expired += back;
				break;
			case GONE_OWED:
				paid = back - pay_debt(a, back);
				came += paid;
				if (has_expired(&a->awards[index], day))
					*anew += back - paid;
				else
					came += come_back(a, index, back - paid, day, waiting);
				break;
			default:
				came += come_back(a, gone->award, back, day, waiting);
		}
	}
	return came + come_back(a, index, points, day, waiting);
}

/* ---- expiry ---- */

/* What is left of an award of the list expires; returns how much. */
int64
points_awards_expire(PointsAwards *a, int index, DateADT day)
{
	PointsAward *award = &a->awards[index];
	int64		 points = award->left;

	unlink_award(a, index);
	award->left = 0;
	award->expired += points;
	if (a->remembers)
		add_gone(a, &a->expired, index, NO_AWARD, day, points);
	return points;
}

/* All that is available lapses on a day: what was spent of it does not come back later, either. */
void
points_awards_lapse(PointsAwards *a, DateADT day)
{
	for (; a->lapsed < a->n && !a->awards[a->lapsed].waits; a->lapsed++)
		a->awards[a->lapsed].expires_on = Min(a->awards[a->lapsed].expires_on, day);
}

/*
 * What expired less than a length before a day, and was not taken back since, is
 * wanted again; returns how much.
 */
int64
points_awards_reinstate(PointsAwards *a, Span within, DateADT day)
{
	int64 points = 0;

	for (; a->expired.first < a->expired.n; a->expired.first++)
	{
		PointsGone	*gone = &a->expired.gone[a->expired.first];
		PointsAward *award = &a->awards[gone->award];
		int64		 back = Min(gone->points, award->expired);

		if (day_plus_span(gone->day, within) <= day)
			continue;
		award->expired -= back;
		gone->points -= back;
		points += back;
	}
	return points;
}
