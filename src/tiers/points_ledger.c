/*
 * points_ledger.c: one customer's points from movement to movement. docs/points.md,
 * "The rules, exactly", is its specification.
 *
 * Plain C but for interrupts, since a program may renew a tier each day until the
 * last date: a movement beyond what a balance can hold ends the ledger with
 * out_of_range, which the caller reports.
 */
#include "crm.h"

#include "common/int.h"
#include "miscadmin.h"
#include "tiers/points_ledger.h"

/* How a customer stands on a day by the first of the entries alone; the walk is settled until the day before. */
static pg_noinline TierWalk
walk_to_day(PointsLedger *l, DateADT day, int nentries)
{
	TierWalk   walk = l->walk;
	TierChange change;

	walk.nentries = nentries;
	walk.ncorrections = walk.next_correction;
	if (walk.enrolled_on <= day)
		while (tier_walk_next(&walk, day, &change))
			CHECK_FOR_INTERRUPTS();
	return walk;
}

/* The tier held at the start of a day: by the purchases before it. */
static int
rank_at_start(PointsLedger *l, DateADT day)
{
	TierChange change;

	if (points_rule_program(l->rule) == NULL)
		return 0;
	/* All before the day is settled; the day itself is tried on a copy without what is booked on it. */
	while (tier_walk_next(&l->walk, day - 1, &change))
		CHECK_FOR_INTERRUPTS();
	if (likely(tier_walk_rests_on(&l->walk, day)))
		return l->walk.rank;
	if (l->walk.enrolled_on >= day)
		return 0;
	return walk_to_day(l, day, (int) (l->earned - l->book.days)).rank;
}

/* And the tier held at its end, by its purchases too. */
static int
rank_at_end(PointsLedger *l, DateADT day)
{
	return walk_to_day(l, day, (int) (l->earned - l->book.days) + 1).rank;
}

/* Points are there from a day on: an award that expires as the rule and its tier say. */
static inline int
award(PointsLedger *l, int64 points, DateADT day, int rank)
{
	l->last_activity = Max(l->last_activity, day);
	return points_awards_add(&l->awards, day, day,
							 points_expire_on(l->terms, l->rule->expiry, day, rank), rank, points);
}

/* Points of a purchase, which may have to wait; the award, or NO_AWARD if all paid a debt. */
static inline int
award_purchase(PointsLedger *l, int64 points, DateADT day, int rank)
{
	DateADT available;

	if (likely(span_is_zero(l->terms->pending)))
		return award(l, points, day, rank);
	available = day_plus_span(day, l->terms->pending);
	return points_awards_add(
		&l->awards, day, available,
		available == NEVER ? NEVER : points_expire_on(l->terms, l->rule->expiry, available, rank),
		rank, points);
}

static DateADT
expiry_of(const PointsLedger *l, int index)
{
	return index == NO_AWARD ? NEVER : l->awards.awards[index].expires_on;
}

/* ---- movements ---- */

/* Book a movement; false if the balance cannot hold it. */
static inline bool
book(PointsLedger *l, PointsMovement *m, DateADT day, PointsKind kind, int128 points)
{
	int64 movement = (int64) points;
	int64 balance;

	m->day = day;
	m->kind = kind;
	m->rank = 0;
	m->expires_on = NEVER;
	m->award = NO_AWARD;
	if (unlikely(movement != points || movement > POINTS_BALANCE_MAX ||
				 movement < -POINTS_BALANCE_MAX ||
				 pg_add_s64_overflow(movement, l->balance, &balance) ||
				 balance > POINTS_BALANCE_MAX || balance < -POINTS_BALANCE_MAX))
	{
		l->out_of_range = true;
		return false;
	}
	l->balance = balance;
	m->points = movement;
	m->balance = balance;
	return true;
}

/* Book one more movement of an event, which is told after its first. */
static bool
book_more(PointsLedger *l, DateADT day, PointsKind kind, int128 points, int rank)
{
	PointsMovement *m = &l->more[l->nmore++];

	if (!book(l, m, day, kind, points))
		return false;
	m->rank = rank;
	return true;
}

/* Points come to wait, or are taken back while they do: the balance is as before. */
static bool
book_pending(PointsLedger *l, PointsMovement *m, DateADT day, int128 points)
{
	int128 balance = l->balance;

	if (!book(l, m, day, POINTS_PENDING, points))
		return false;
	l->balance = (int64) balance;
	m->balance = l->balance;
	return true;
}

/* Points went from the balance and from those that wait: up to two movements. */
static bool
book_taken(PointsLedger *l, PointsMovement *m, DateADT day, int64 taken, int64 waiting, int rank)
{
	bool booked;

	if (waiting == 0)
		booked = book(l, m, day, POINTS_REFUNDED, -(int128) taken);
	else
		booked = book_pending(l, m, day, -(int128) waiting) &&
				 (taken == 0 || book_more(l, day, POINTS_REFUNDED, -(int128) taken, rank));
	m->rank = rank;
	return booked;
}

/* What expires next does. */
static pg_attribute_always_inline bool
expire(PointsLedger *l, PointsMovement *m, DateADT day)
{
	int index = l->awards.first;

	if (!book(l, m, day, POINTS_EXPIRED, -(int128) points_awards_expire(&l->awards, index, day)))
		return false;
	m->award = index;
	return true;
}

/* Nothing happened for too long: all that is available expires, an award at a time. */
static bool
lapse(PointsLedger *l, PointsMovement *m, DateADT day)
{
	points_awards_lapse(&l->awards, day);
	if (l->awards.first == NO_AWARD)
	{
		l->last_activity = DATEVAL_NOBEGIN;
		return false;
	}
	return expire(l, m, day);
}

/* Points that waited are available. */
static bool
ripen(PointsLedger *l, PointsMovement *m, int index)
{
	PointsAward *a = &l->awards.awards[index];
	DateADT		 day = a->available_on;

	l->last_activity = Max(l->last_activity, day);
	if (!book(l, m, day, POINTS_EARNED, points_awards_ripen(&l->awards, index)))
		return false;
	m->rank = a->rank;
	m->expires_on = a->left > 0 ? a->expires_on : NEVER;
	return true;
}

/* A purchase brings back what expired not long ago: an award of its day, told after what it earns. */
static bool
reinstate(PointsLedger *l, DateADT day, int rank)
{
	int64 points = points_awards_reinstate(&l->awards, l->terms->reinstatement, day);

	if (points == 0)
		return true;
	if (!book_more(l, day, POINTS_REINSTATED, points, rank))
		return false;
	l->more[l->nmore - 1].expires_on = expiry_of(l, award(l, points, day, rank));
	return true;
}

/* The points of single purchases of a day, if they are given; else of its amount. */
static int128
base_points_of_day(PointsLedger *l, const PurchaseDay *entry)
{
	while (l->base < l->base_end && l->base->day < entry->day)
		l->base++;
	if (l->base < l->base_end && l->base->day == entry->day)
		return l->base->amount / AMOUNT_SCALE;
	return points_for_amount(&l->terms->scale, l->rule->earning.rate, entry->amount);
}

/* The same of a rule that rounds what is not a day's amount. */
static int128
points_of_parts(PointsLedger *l, const PurchaseDay *entry, int64 rate)
{
	int64  plain = l->rule->earning.rate;
	int128 base = base_points_of_day(l, entry);

	if (rate == plain || base > POINTS_BALANCE_MAX || base < -(int128) POINTS_BALANCE_MAX)
		return base;
	return points_rounded((PointsRounding) l->terms->scale.rounding, base * rate, plain);
}

/* The points of a day's amount for a tier. */
static inline int128
points_of_amount(PointsLedger *l, const PurchaseDay *entry, int rank)
{
	int64 rate = points_rate_of_rank(l->rule, rank);

	if (unlikely(l->terms->scale.in_parts || l->terms->scale.per_purchase))
		return points_of_parts(l, entry, rate);
	return points_for_amount(&l->terms->scale, rate, entry->amount);
}

/* The points of a day's amount on which tiers are reached: what is beyond a threshold at the rate of its tier. */
static int128
points_split(PointsLedger *l, const PurchaseDay *entry, int from, int to)
{
	const TierProgram *p = points_rule_program(l->rule);
	int128			   at = 0;
	int128			   end;
	int128			   points = 0;

	if (l->walk.enrolled_on < entry->day)
	{
		TierWalk before = walk_to_day(l, entry->day, (int) (l->earned - l->book.days));

		tier_walk_pass(&before, entry->day);
		at = before.metric[METRIC_SPEND];
	}
	end = at + entry->amount;
	for (int rank = from; rank < to; rank++)
	{
		int64  threshold = tier_main_threshold(p, rank + 1, false);
		int128 until = threshold == NO_THRESHOLD ? at : Min(Max(threshold, at), end);

		points += points_rate_of_rank(l->rule, rank) * (until - at);
		at = until;
	}
	points += points_rate_of_rank(l->rule, to) * (end - at);
	return points_rounded((PointsRounding) l->terms->scale.rounding, points,
						  (int128) POINTS_RATE_SCALE * l->terms->scale.per);
}

/*
 * The points of a day's amount by the tier held at its start, or as the rule says of a
 * day on which a higher one is reached, which rank then is.
 */
static int128
points_of_reaching(PointsLedger *l, const PurchaseDay *entry, int *rank)
{
	int from = *rank;
	int to = l->terms->reaching == REACHING_OLD || entry->amount <= 0 ? from
																	  : rank_at_end(l, entry->day);

	if (to <= from)
		return points_of_amount(l, entry, from);
	*rank = to;
	return l->terms->reaching == REACHING_NEW ? points_of_amount(l, entry, to)
											  : points_split(l, entry, from, to);
}

/* What a day of the history earns or takes back, which may be nothing. */
static bool
earn(PointsLedger *l, PointsMovement *m)
{
	const PurchaseDay *entry = l->earned;
	int				   rank = rank_at_start(l, entry->day);
	int128			   award_points = points_of_reaching(l, entry, &rank);
	int128 points = award_points + points_of_orders(&l->rule->earning, entry->orders, l->orders);
	PointsEarned *day = l->days == NULL ? NULL : &l->days[l->earned - l->book.days];

	l->orders += entry->orders;
	l->earned++;
	if (day != NULL)
		*day = (PointsEarned){*entry, award_points, rank, NO_AWARD};
	if (entry->orders > 0)
		l->last_activity = Max(l->last_activity, entry->day);
	if (points > 0)
	{
		int index;

		if (!(span_is_zero(l->terms->pending) ? book(l, m, entry->day, POINTS_EARNED, points)
											  : book_pending(l, m, entry->day, points)))
			return false;
		index = award_purchase(l, m->points, entry->day, rank);
		m->expires_on = expiry_of(l, index);
		if (day != NULL)
			day->award = index;
	}
	else
	{
		int64 waiting = 0;
		int64 taken;

		if (!book(l, m, entry->day, POINTS_REFUNDED, points))
			return false;
		l->balance -= m->points;
		taken = points_awards_take(&l->awards, -m->points, entry->day, &waiting);
		if (!book_taken(l, m, entry->day, taken, waiting, rank))
			return false;
	}
	m->rank = rank;
	if (entry->orders > 0 && !span_is_zero(l->terms->reinstatement))
		return reinstate(l, entry->day, rank);
	return true;
}

/* A correction that finds no award of its purchase makes one of the booked day. */
static void
award_correction(PointsLedger *l, PointsMovement *m, PointsEarned *day, DateADT booked)
{
	int64 points = m->points;

	if (day_plus_span(booked, l->terms->pending) > booked)
		book_pending(l, m, booked, points);
	else
		book(l, m, booked, POINTS_EARNED, points);
	day->award = award_purchase(l, points, booked, day->rank);
	m->expires_on = expiry_of(l, day->award);
}

/* A correction gives points: back to where they were taken from, or to the award of its purchase. */
static bool
add_to_award(PointsLedger *l, PointsMovement *m, PointsEarned *day, DateADT booked)
{
	int64 waiting = 0;
	int64 anew = 0;
	int64 came;

	if (m->points == 0)
		return true;
	if (day->award == NO_AWARD)
	{
		award_correction(l, m, day, booked);
		return true;
	}
	came = points_awards_return(&l->awards, day->award, m->points, booked, &waiting, &anew);
	if (anew > 0)
		award(l, anew, booked, day->rank);
	came += anew;
	if (waiting == 0)
		return book(l, m, booked, POINTS_EARNED, came);
	return book_pending(l, m, booked, waiting) &&
		   (came == 0 || book_more(l, booked, POINTS_EARNED, came, day->rank));
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
	l->balance -= m->points;
	if (points < 0)
	{
		int64 waiting = 0;
		int64 taken = day->award == NO_AWARD
						  ? points_awards_take(&l->awards, -m->points, correction->booked, &waiting)
						  : points_awards_take_from(&l->awards, day->award, -m->points,
													correction->booked, &waiting);

		if (!book_taken(l, m, correction->booked, taken, waiting, day->rank))
			return false;
	}
	else if (!add_to_award(l, m, day, correction->booked))
		return false;
	m->rank = day->rank;
	return true;
}

/* A cancelled redemption: what no redemption took is an award of the day, what was forgiven is nothing. */
static bool
give_back(PointsLedger *l, PointsMovement *m, int64 points)
{
	int64 expired;
	int64 forgiven;
	int	  index;
	int64 beyond = points_awards_unspend(&l->awards, points, m->day, &index, &expired, &forgiven);

	if (forgiven > 0)
	{
		l->balance -= m->points;
		if (!book(l, m, m->day, POINTS_RETURNED, points - forgiven))
			return false;
	}
	if (beyond > 0)
		index = award(l, beyond, m->day, 0);
	m->expires_on = expiry_of(l, index);
	return expired == 0 || book_more(l, m->day, POINTS_EXPIRED, -(int128) expired, 0);
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
		return give_back(l, m, -points);
	if (points > 0)
		l->last_activity = Max(l->last_activity, entry->day);
	l->balance -= m->points;
	return book(l, m, entry->day, POINTS_REDEEMED,
				-(int128) points_awards_spend(&l->awards, points, entry->day));
}

/* Points that come from elsewhere, with an expiry of their own. */
static bool
receive_gift(PointsLedger *l, PointsMovement *m)
{
	const PointsGift *gift = l->gifts++;

	if (gift->expires_on <= gift->booked_on)
	{
		m->points = 0;
		return true;
	}
	if (!book(l, m, gift->booked_on, POINTS_RECEIVED, gift->points))
		return false;
	if (l->last_activity == DATEVAL_NOBEGIN)
		l->last_activity = gift->booked_on;
	m->expires_on = expiry_of(l, points_awards_add(&l->awards, gift->booked_on, gift->booked_on,
												   gift->expires_on, 0, gift->points));
	return true;
}

/* What one event has more to tell; false if it has told all. */
static bool
tell_more(PointsLedger *l, PointsMovement *m)
{
	while (l->next_more < l->nmore)
	{
		*m = l->more[l->next_more++];
		if (m->points != 0)
			return true;
	}
	l->nmore = l->next_more = 0;
	return false;
}

/*
 * The next movement on or before a day; false if there is none, or if it is out of
 * range. On one day points expire first, then those that waited are available, then
 * they are earned or taken back, then taken back by corrections, then received, then redeemed.
 */
static pg_attribute_always_inline bool
move_on(PointsLedger *l, DateADT until, PointsMovement *m)
{
	while (!l->out_of_range)
	{
		int		ripe = NO_AWARD;
		DateADT expires = expiry_of(l, l->awards.first);
		DateADT lapses = NEVER;
		DateADT ripens = NEVER;
		DateADT earns = l->earned < l->earned_end ? l->earned->day : NEVER;
		DateADT redeems = l->redeemed < l->redeemed_end ? l->redeemed->day : NEVER;
		DateADT corrects = l->next_correction < l->book.ncorrections
							   ? l->book.corrections[l->next_correction].booked
							   : NEVER;
		DateADT receives = NEVER;
		DateADT day = Min(Min(expires, earns), Min(corrects, redeems));
		bool	booked;

		if (unlikely(l->gifts < l->gifts_end))
		{
			receives = l->gifts->booked_on;
			day = Min(day, receives);
		}
		if (unlikely(l->may_wait))
		{
			ripe = points_awards_next_ripe(&l->awards);
			ripens = ripe == NO_AWARD ? NEVER : l->awards.awards[ripe].available_on;
			day = Min(day, ripens);
		}
		if (unlikely(l->may_lapse))
		{
			lapses = points_lapse_on(l->terms, l->last_activity);
			day = Min(day, lapses);
		}
		if (unlikely(l->nmore > 0) && tell_more(l, m))
			return true;
		if (day == NEVER || day > until)
			return false;
		if (expires == day)
			booked = expire(l, m, day);
		else if (lapses == day)
			booked = lapse(l, m, day);
		else if (ripens == day)
			booked = ripen(l, m, ripe);
		else if (earns == day)
			booked = earn(l, m);
		else if (corrects == day)
			booked = correct(l, m);
		else if (receives == day)
			booked = receive_gift(l, m);
		else
			booked = redeem(l, m);
		if (booked && m->points != 0)
			return true;
	}
	return false;
}

/* The same, for who is told each movement. */
bool
points_ledger_next(PointsLedger *l, DateADT until, PointsMovement *m)
{
	return move_on(l, until, m);
}

/* All movements until a day, for who asks where they lead; m is the one that is out of range, if one is. */
void
points_ledger_pass(PointsLedger *l, DateADT until, PointsMovement *m)
{
	while (move_on(l, until, m))
		CHECK_FOR_INTERRUPTS();
}

/*
 * A ledger of what was bought and the first entries of what was redeemed, before its
 * first movement. gifts may be none. days has room for as many as the book has, NULL if it has no
 * corrections. base_points, the points of single purchases by day, may be NULL. What
 * grows stays in the memory context of the call.
 */
void
points_ledger_start(PointsLedger *l, const PointsRule *r, const PurchaseBook *earned,
					const PurchaseHistory *redeemed, int nredeemed,
					const PurchaseHistory *base_points, PointsGifts gifts, PointsEarned *days)
{
	memset(l, 0, sizeof(*l));
	l->rule = r;
	l->terms = points_rule_terms(r);
	l->book = *earned;
	l->days = days;
	l->earned = earned->days;
	l->earned_end = earned->days + earned->ndays;
	if (redeemed != NULL)
	{
		l->redeemed = redeemed->entries;
		l->redeemed_end = redeemed->entries + nredeemed;
	}
	l->gifts = gifts.gifts;
	l->gifts_end = gifts.gifts + gifts.n;
	if (base_points != NULL)
	{
		l->base = base_points->entries;
		l->base_end = base_points->entries + base_points->nentries;
	}
	points_awards_start(&l->awards, earned->ndays);
	l->awards.forgives = l->terms->forgives;
	l->awards.remembers = !span_is_zero(l->terms->reinstatement);
	l->last_activity = DATEVAL_NOBEGIN;
	l->may_wait = !span_is_zero(l->terms->pending);
	l->may_lapse = !span_is_zero(l->terms->inactivity);
	if (points_rule_program(r) != NULL)
		tier_walk_start(&l->walk, points_rule_program(r), earned, NEVER);
}
