/*
 * points_awards.c: awards come, wait, are spent, taken back, given back, and expire.
 * docs/points.md, "The rules, exactly", is its specification.
 */
#include "crm.h"

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
add_gone(PointsAwards *a, PointsGoneList *list, int award, DateADT day, int64 points)
{
	if (list->n == list->room)
	{
		list->room = Max(16, list->room * 2);
		list->gone = list->gone == NULL
						 ? MemoryContextAllocHuge(a->memory, list->room * sizeof(PointsGone))
						 : repalloc_huge(list->gone, (Size) list->room * sizeof(PointsGone));
	}
	list->gone[list->n++] = (PointsGone){award, day, points};
}

/* An award that has points again, or now, takes its place by the day on which it expires. */
static void
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

static void
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
static int64
pay_debt(PointsAwards *a, int64 points)
{
	int64 paid = Min(points, a->debt);

	a->debt -= paid;
	return points - paid;
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
	if (a->n == a->room)
	{
		a->room *= 2;
		a->awards = repalloc_huge(a->awards, (Size) a->room * sizeof(PointsAward));
	}
	award = &a->awards[a->n];
	*award = (PointsAward){day, available_on, expires_on, rank, NO_AWARD, NO_AWARD, waits, 0, 0};
	change_left(a, a->n, points);
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
		add_gone(a, &a->spent, index, day, taken);
		rest -= taken;
	}
	if (a->forgives)
		return points - rest;
	a->debt += rest;
	return points;
}

/*
 * A redemption is cancelled: what was spent last goes back to its award, with its
 * expiry. Returns what no award and no debt takes back; expired is what comes back too
 * late, award_of the last award that something came back to, or NO_AWARD.
 */
int64
points_awards_unspend(PointsAwards *a, int64 points, DateADT day, int *award_of, int64 *expired)
{
	*award_of = NO_AWARD;
	*expired = 0;
	points = pay_debt(a, points);
	while (points > 0 && a->spent.n > 0)
	{
		PointsGone	*gone = &a->spent.gone[a->spent.n - 1];
		PointsAward *award = &a->awards[gone->award];
		int64		 back = Min(points, gone->points);

		gone->points -= back;
		*award_of = gone->award;
		a->spent.n -= gone->points == 0;
		points -= back;
		if (award->expires_on <= day && award->expires_on != NEVER)
		{
			award->expired += back;
			*expired += back;
			if (a->remembers)
				add_gone(a, &a->expired, gone->award, day, back);
		}
		else
			change_left(a, gone->award, back);
	}
	return points;
}

/* ---- refunds ---- */

/* As many of the points as an award has left. */
static int64
take_left(PointsAwards *a, int index, int64 points, DateADT day, int64 *waiting)
{
	int64 taken = Min(points, a->awards[index].left);

	if (taken == 0)
		return 0;
	if (a->awards[index].waits)
		*waiting += taken;
	change_left(a, index, -taken);
	if (a->watched)
		add_gone(a, &a->taken, index, day, taken);
	return taken;
}

/*
 * Points are taken back, from the newest awards first; what goes beyond is owed.
 * Returns how many went that were available or are owed; adds to waiting those that were not.
 */
int64
points_awards_take(PointsAwards *a, int64 points, DateADT day, int64 *waiting)
{
	int64 rest = points;
	int64 waited = 0;

	while (rest > 0 && a->newest_open > 0)
	{
		rest -= take_left(a, a->newest_open - 1, rest, day, &waited);
		a->newest_open -= a->awards[a->newest_open - 1].left == 0;
	}
	*waiting += waited;
	if (a->forgives)
		return points - rest - waited;
	a->debt += rest;
	return points - waited;
}

/*
 * An award is taken back in part: what is left of it, but not what has expired; what
 * was redeemed is owed, and the newest awards pay it. Returns as points_awards_take.
 */
int64
points_awards_take_from(PointsAwards *a, int index, int64 points, DateADT day, int64 *waiting)
{
	int64 waited = 0;
	int64 left = take_left(a, index, points, day, &waited);
	int64 expired = Min(points - left, a->awards[index].expired);

	*waiting += waited;
	a->awards[index].expired -= expired;
	return left - waited + points_awards_take(a, points - left - expired, day, waiting);
}

/* Points of an award come back to it, unless it has expired by then. Returns how many come. */
int64
points_awards_return(PointsAwards *a, int index, int64 points, DateADT day)
{
	PointsAward *award = &a->awards[index];

	if (award->expires_on <= day && award->expires_on != NEVER)
	{
		award->expired += points;
		return 0;
	}
	change_left(a, index, award->waits ? points : pay_debt(a, points));
	return points;
}

/* ---- expiry ---- */

/* What is left of an award expires; returns how much. */
int64
points_awards_expire(PointsAwards *a, int index, DateADT day)
{
	int64 points = a->awards[index].left;

	change_left(a, index, -points);
	a->awards[index].expired += points;
	if (a->remembers)
		add_gone(a, &a->expired, index, day, points);
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
