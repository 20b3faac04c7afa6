/*
 * tier_walk.c: the walk of one customer through a tier program. docs/tiers.md,
 * "The rules, exactly", is its specification; test/pgtap/tier_reference.sql is a
 * slow second implementation of the same text.
 *
 * Plain C: the callers check for interrupts between the changes, and between them
 * a walk looks at each entry twice at most, but for one that is worked out anew,
 * which checks for itself.
 */
#include "crm.h"

#include "base/weekday.h"
#include "miscadmin.h"
#include "tiers/tier_walk.h"
#include "tiers/tier_window.h"

/* ---- what is earned and kept ---- */

/* The highest rank earned by the window. */
static int
earned_rank(const TierWalk *w)
{
	for (int rank = w->program->ntiers; rank > w->never_below; rank--)
		if (reaches(w, rank, false))
			return rank;
	return w->never_below;
}

static bool
keeps_rank(const TierWalk *w, int earned)
{
	return earned >= w->rank || reaches(w, w->rank, true);
}

/* ---- validity ---- */

/* The tier was reached on the day by qualifying. */
static void
hold_as_qualified(TierWalk *w, DateADT day)
{
	w->grace_ends = NEVER;
	w->valid_from = day;
	w->renewals = 1;
	if (tier_program_follows(w->program))
		w->expires_on = NEVER;
	else if (!span_is_zero(w->program->validity))
		w->expires_on = day_plus_span(day, w->program->validity);
	else
		w->expires_on = period_begin(w, period_of(w, day) + 2);
}

/* The tier is held by what was before the day: for the rest of the period, or the fixed length. */
static void
hold_on(TierWalk *w, DateADT day)
{
	hold_as_qualified(w, day);
	if (!tier_program_follows(w->program) && span_is_zero(w->program->validity))
		w->expires_on = period_begin(w, period_of(w, day) + 1);
}

/* The tier ran out on the day and is renewed: a fixed validity counts on from its first day. */
static void
renew(TierWalk *w, DateADT day, bool kept_today)
{
	if (!span_is_zero(w->program->validity))
		w->expires_on = day_plus_spans(w->valid_from, w->program->validity, ++w->renewals);
	else if (kept_today)
		hold_as_qualified(w, day);
	else
		hold_on(w, day);
}

/* Remember lifetime tiers: no fall goes below them. */
static void
reach(TierWalk *w, int rank)
{
	for (int r = rank; r > w->never_below; r--)
		if (w->program->tiers[r - 1].lifetime || w->program->downgrade == DOWNGRADE_NONE)
		{
			w->never_below = r;
			break;
		}
}

/* ---- changes ---- */

static bool
tell(TierChange *change, DateADT day, int from, int to, TierReason reason)
{
	change->day = day;
	change->from = from;
	change->to = to;
	change->reason = reason;
	return true;
}

static bool
upgrade(TierWalk *w, DateADT day, int rank, TierChange *change)
{
	int	 from = w->rank;
	bool by_enrolment = from == 0 && rank == tier_base_rank(w->program);

	w->rank = rank;
	w->since = day;
	reach(w, rank);
	hold_as_qualified(w, day);
	return tell(change, day, from, rank, by_enrolment ? REASON_ENROLLED : REASON_QUALIFIED);
}

/* The soft landing holds the next tier for a time of its own. */
static void
land(TierWalk *w, DateADT day, int earned)
{
	w->rank = Max(w->rank - 1, w->never_below);
	if (earned >= w->rank)
		hold_as_qualified(w, day);
	else
		hold_on(w, day);
	if (tier_program_follows(w->program))
		w->expires_on = day_plus_span(day, w->program->period);
}

/* The tier falls on the day, to what the program says. */
static bool
fall(TierWalk *w, DateADT day, int earned, TierChange *change)
{
	const TierProgram *p = w->program;
	int				   from = w->rank;
	TierReason		   reason = REASON_EXPIRED;

	if (p->downgrade == DOWNGRADE_ONE_TIER)
	{
		land(w, day, earned);
		reason = w->rank > 0 ? REASON_SOFT_LANDING : REASON_EXPIRED;
	}
	else if (p->downgrade == DOWNGRADE_TO_BASE)
	{
		start_over(w, day);
		w->rank = earned_rank(w);
		hold_as_qualified(w, day);
	}
	else
	{
		w->rank = tier_program_follows(p) ? earned : Max(earned, w->earned_before);
		if (earned >= w->rank)
			hold_as_qualified(w, day);
		else
			hold_on(w, day);
	}
	w->since = day;
	if (tier_program_follows(p) &&
		(w->taken_back_on == day ||
		 (w->ahead > w->origin_entry && w->entries[w->ahead - 1].day == day &&
		  w->entries[w->ahead - 1].amount < 0)))
		reason = REASON_REFUND;
	return tell(change, day, from, w->rank, reason);
}

/* The tier ran out on the day: grace, if there is one, else the fall. */
static bool
run_out(TierWalk *w, DateADT day, int earned, TierChange *change)
{
	if (span_is_zero(w->program->grace))
		return fall(w, day, earned, change);
	w->grace_ends = day_plus_span(day, w->program->grace);
	w->expires_on = NEVER;
	return tell(change, day, w->rank, w->rank, REASON_GRACE);
}

/* A day of the grace. */
static bool
step_in_grace(TierWalk *w, DateADT day, int earned, bool kept, TierChange *change)
{
	if (kept)
	{
		hold_as_qualified(w, day);
		return tell(change, day, w->rank, w->rank, REASON_RENEWED);
	}
	return day >= w->grace_ends && fall(w, day, earned, change);
}

/* A day while the standing follows the window, or is held by a soft landing. */
static bool
step_following(TierWalk *w, DateADT day, int earned, bool kept, TierChange *change)
{
	bool landing_over = day == w->expires_on;

	if (day < w->expires_on && w->expires_on != NEVER)
		return false;
	w->expires_on = NEVER;
	if (!kept)
		return run_out(w, day, earned, change);
	return landing_over && tell(change, day, w->rank, w->rank, REASON_RENEWED);
}

/* The day on which a tier held by period or for a fixed length runs out. */
static bool
step_at_expiry(TierWalk *w, DateADT day, int earned, bool kept, bool kept_before,
			   TierChange *change)
{
	if (!kept && !kept_before)
		return run_out(w, day, earned, change);
	if (w->settled && w->ahead == w->nentries && w->program->window == WINDOW_LIFETIME)
	{
		w->expires_on = NEVER;
		return false;
	}
	renew(w, day, kept);
	return tell(change, day, w->rank, w->rank, REASON_RENEWED);
}

/* What happens on a day. */
static bool
step(TierWalk *w, DateADT day, TierChange *change)
{
	bool	   follows = tier_program_follows(w->program);
	bool	   due = day == tier_walk_deadline(w);
	bool	   kept_before = false;
	TierMetric main_metric = w->program->metric;
	int		   earned;
	bool	   kept;

	/* By period and fixed, the day before decides too. */
	if (due && !follows)
	{
		move_window(w, day - 1);
		earned = earned_rank(w);
		kept_before = keeps_rank(w, earned);
		if (w->grace_ends == NEVER)
		{
			w->earned_before = earned;
			w->metric_to_keep = w->metric[main_metric];
		}
		else
			w->metric_in_grace = w->metric[main_metric];
	}

	move_window(w, day);
	earned = earned_rank(w);
	if (earned > w->rank)
		return upgrade(w, day, earned, change);
	if (w->rank <= w->never_below)
		return false;

	if (follows)
		w->metric_to_keep = w->metric[main_metric];
	kept = keeps_rank(w, earned);
	if (w->grace_ends != NEVER)
		return step_in_grace(w, day, earned, kept, change);
	if (follows)
		return step_following(w, day, earned, kept, change);
	return due && step_at_expiry(w, day, earned, kept, kept_before, change);
}

/* ---- status match ---- */

/*
 * The first day on which what was bought since the beginning of a match proves it, after a
 * day; NEVER if none does.
 */
static DateADT
proof_of(const TierWalk *w, const TierMatch *match, DateADT after)
{
	const TierProgram *p = w->program;
	int64			   wanted = w->terms->proof[match->rank - 1];
	int128			   value = 0;
	int64			   orders = 0;

	for (int i = 0; wanted > 0 && i < w->nentries && w->entries[i].day < match->end; i++)
	{
		const PurchaseDay *entry = &w->entries[i];

		if (i >= w->origin_entry && entry->day >= match->first)
			value += p->metric == METRIC_POINTS
						 ? points_of_day(&p->earning, w->scale, entry, orders)
						 : entry_value(w, p->metric, i, orders);
		orders += entry->orders;
		if (value >= wanted && i >= w->origin_entry && entry->day >= match->first)
			return entry->day > after ? entry->day : NEVER;
	}
	return NEVER;
}

static void
find_next_proof(TierWalk *w, DateADT after)
{
	w->proven_on = NEVER;
	for (int i = 0; i < w->nmatches; i++)
	{
		DateADT day = proof_of(w, &w->matches[i], after);

		if (day < w->proven_on || (day == w->proven_on && w->matches[i].rank > w->proven_rank))
		{
			w->proven_on = day;
			w->proven_rank = w->matches[i].rank;
		}
	}
}

/* The matches of the customer, which stay where they are. */
void
tier_walk_match(TierWalk *w, const TierMatch *matches, int n)
{
	w->matches = matches;
	w->nmatches = n;
	find_next_proof(w, DATEVAL_NOBEGIN);
}

/* The day on which a match is proven: its tier is held as if it had been reached. */
static bool
prove(TierWalk *w, DateADT day, TierChange *change)
{
	int	 from = w->rank;
	int	 rank = w->proven_rank;
	bool told = step(w, day, change);

	find_next_proof(w, day);
	if (w->rank > rank)
		return told;
	told = told && change->to != change->from ? told : false;
	if (w->rank < rank)
	{
		w->rank = rank;
		w->since = day;
		reach(w, rank);
		told = tell(change, day, from, rank, REASON_QUALIFIED);
	}
	hold_as_qualified(w, day);
	if (tier_program_follows(w->program))
		w->expires_on = day_plus_span(day, w->program->period);
	return told;
}

/* ---- the walk ---- */

/*
 * When nothing more is bought, a tier that follows the window is held until the first
 * entry leaves that it cannot do without: let go of those before it all at once.
 */
static void
leave_dispensable(TierWalk *w)
{
	const TierProgram *p = w->program;
	int64			   threshold;

	if (!w->settled || w->ahead < w->nentries || w->nrefunds > 0 || w->nmetrics != 1 ||
		p->window != WINDOW_ROLLING || !tier_program_follows(p) || w->rank <= w->never_below ||
		w->grace_ends != NEVER || w->expires_on != NEVER)
		return;
	threshold = tier_retain_threshold(&p->tiers[w->rank - 1], p->metric);
	while (w->behind < w->ahead &&
		   w->metric[p->metric] - entry_value(w, p->metric, w->behind, w->orders_behind) >=
			   threshold)
		leave_entry(w);
	set_leaves_on(w);
}

/* The next day on which something can change; NEVER if there is none. */
static DateADT
next_event(const TierWalk *w)
{
	DateADT day = tier_walk_deadline(w);

	/* who is not enrolled is by a correction alone, if that revokes */
	if (w->rank < w->never_below || w->enrolled_on == NEVER)
		return Min(w->enrolled_on, next_booked_on(w));
	day = Min(day, Min(next_booked_on(w), w->proven_on));
	if (w->ahead < w->nentries)
		day = Min(day, w->entries[w->ahead].day);
	if (tier_walk_leaving_matters(w))
		day = Min(day, w->leaves_on);
	return day;
}

/*
 * Whether a day that is no deadline changes nothing, seen at a glance: most days
 * are such, of programs with rules in one metric. The window stands at the day.
 */
static inline bool
nothing_changes(const TierWalk *w)
{
	const Tier *tiers = w->program->tiers;
	int			m = w->program->metric;

	if (w->nmetrics != 1 || w->rank < w->never_below ||
		(w->rank < w->program->ntiers && w->metric[m] >= tiers[w->rank].qualify[m]))
		return false;
	if (w->rank <= w->never_below)
		return true;
	if (w->grace_ends != NEVER)
		return false;
	return w->expires_on != NEVER || w->metric[m] >= tier_retain_threshold(&tiers[w->rank - 1], m);
}

/* ---- its start ---- */

/* The first purchase on or after the program's start, as an index, or n. */
static int
first_counted_purchase(const TierProgram *p, const PurchaseDay *entries, int n)
{
	int i = 0;

	while (i < n && (entries[i].orders == 0 || entries[i].day < p->starts_on))
		i++;
	return i;
}

/*
 * A walk over what is booked, before its first event and without its corrections.
 * member_from is the first day of the first membership, which enrols if it comes
 * before the first purchase; NEVER if there is none.
 */
static void
start_walk(TierWalk *w, const TierProgram *p, const PurchaseBook *book, DateADT member_from)
{
	const PurchaseDay *entries = book->net != NULL ? book->net : book->days;
	int				   n = book->ndays;
	int				   first = first_counted_purchase(p, entries, n);

	memset(w, 0, sizeof(*w));
	w->program = p;
	w->terms = tier_program_terms(p);
	w->scale = &w->terms->scale;
	w->proven_on = NEVER;
	w->book = *book;
	w->entries = entries;
	w->nentries = n;
	w->member_from = member_from;
	w->taken_back_on = DATEVAL_NOBEGIN;
	w->nmetrics = 0;
	for (int m = 0; m < TIER_METRICS; m++)
		if (m == p->metric || tier_program_uses(p, m))
			w->metrics[w->nmetrics++] = m;
	w->leaves_on = w->expires_on = w->grace_ends = NEVER;
	w->enrolled_on = first < n ? entries[first].day : NEVER;
	if (member_from < w->enrolled_on)
	{
		w->enrolled_on = member_from;
		for (first = 0; first < n && entries[first].day < member_from;)
			first++;
	}
	if (w->enrolled_on == NEVER)
		return;

	w->origin_entry = w->ahead = w->behind = first;
	for (int i = 0; i < first; i++)
		w->orders_ahead += entries[i].orders;
	w->orders_behind = w->orders_ahead;
	w->never_below = tier_base_rank(p);
	if (tier_window_is_weekly(p))
		w->anchor_mday = FIRST_MONDAY + p->fiscal_start - 1;
	else if (p->window == WINDOW_CALENDAR)
	{
		w->anchor_month = 2000 * 12 + p->fiscal_start / 100 - 1;
		w->anchor_mday = p->fiscal_start % 100;
	}
	else
	{
		MonthDay enrolled = month_of_day(w->enrolled_on);

		w->anchor_month = enrolled.month;
		w->anchor_mday = enrolled.mday;
	}
	w->period_start = w->period_end = DATEVAL_NOBEGIN;
}

/* ---- what is revoked ---- */

/*
 * The day on which something is corrected, of a program that revokes: the standing
 * is worked out anew as if all that was corrected had been bought so. What was told
 * before stays as it was.
 */
static bool
work_out_anew(TierWalk *w, DateADT day, TierChange *change)
{
	TierWalk   anew;
	TierChange last;
	int		   from = w->rank;
	bool	   told_today = false;

	/* a window that nobody has entered yet has no periods to pass through */
	if (w->enrolled_on == NEVER)
		while (next_booked_on(w) <= day && next_booked_on(w) != NEVER)
			book_correction(w);
	else
		move_window(w, day);
	start_walk(&anew, w->program, &w->book, w->member_from);
	anew.nentries = w->nentries;
	anew.npoints = w->npoints;
	anew.ncorrections = anew.next_correction = w->next_correction;
	anew.taken_back_on = w->taken_back_on;
	tier_walk_match(&anew, w->matches, w->nmatches);
	while (tier_walk_next(&anew, day, &last))
	{
		CHECK_FOR_INTERRUPTS();
		told_today = last.day == day;
	}
	anew.ncorrections = w->ncorrections;
	anew.settled = w->settled;
	*w = anew;
	if (w->rank < from)
		return tell(change, day, from, w->rank, REASON_REFUND);
	if (w->rank > from)
		return tell(change, day, from, w->rank, told_today ? last.reason : REASON_QUALIFIED);
	return told_today && last.from == last.to && tell(change, day, from, from, last.reason);
}

/*
 * Take the walk on to the next change on or before a day, and tell it. False if
 * there is none: the walk then stands at the last event until that day.
 */
bool
tier_walk_next(TierWalk *w, DateADT until, TierChange *change)
{
	DateADT day;

	if (w->enrolled_on == NEVER &&
		!(tier_program_revokes(w->program) && next_booked_on(w) != NEVER))
		return false;
	leave_dispensable(w);
	while ((day = next_event(w)) <= until && day != NEVER)
	{
		if (unlikely(day == next_booked_on(w)) && tier_program_revokes(w->program))
		{
			if (work_out_anew(w, day, change))
				return true;
			continue;
		}
		if (unlikely(day == w->proven_on))
		{
			if (prove(w, day, change))
				return true;
			continue;
		}
		if (day != tier_walk_deadline(w))
		{
			move_window(w, day);
			if (nothing_changes(w))
				continue;
		}
		if (step(w, day, change))
			return true;
	}
	return false;
}

/* Bring the window to a day up to which there is no event left. */
void
tier_walk_pass(TierWalk *w, DateADT day)
{
	if (w->enrolled_on <= day && w->enrolled_on != NEVER)
		move_window(w, day);
}

/*
 * A walk over what is booked, before its first event. member_from is the first day
 * of the first membership, which enrols if it comes before the first purchase;
 * NEVER if there is none. The walk and its copies book the corrections in
 * book->net and keep points in book->points: a book is for one of them at a time.
 */
void
tier_walk_start(TierWalk *w, const TierProgram *p, const PurchaseBook *book, DateADT member_from)
{
	start_walk(w, p, book, member_from);
	w->ncorrections = book->ncorrections;
	while (next_booked_on(w) < w->enrolled_on && !tier_program_revokes(p))
		book_correction(w);
}
