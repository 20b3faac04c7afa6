/*
 * tier_window.h: the window of a walk: entries come into it, leave it, and are
 * corrected. The functions are inline, for tier_walk.c alone.
 *
 * A correction changes the metrics of the window only while the day of its
 * purchase is in it, so that a purchase leaves together with its refunds.
 */
#ifndef CRM_TIER_WINDOW_H
#define CRM_TIER_WINDOW_H

#include "crm.h"

#include "history/purchase_book.h"
#include "tiers/tier_program.h"

#include "miscadmin.h"

/* A status match: a tier on trial. */
typedef struct TierMatch
{
	DateADT first;
	DateADT end; /* the day after the last */
	int		rank;
} TierMatch;

/* Where a walk is, window and standing. */
typedef struct TierWalk
{
	const TierProgram *program;
	const PointsScale *scale; /* of the metric points */
	const TierTerms	  *terms;
	PurchaseBook	   book;
	const PurchaseDay *entries; /* of the history, net of the corrections booked so far */
	int				   nentries;
	int				   ncorrections;
	int				   next_correction;
	int				   npoints;		  /* with corrections: entries whose points book.points has */
	DateADT			   taken_back_on; /* booked day of the last correction that took money back */
	DateADT			   member_from;	  /* as given to tier_walk_start */
	int				   ahead;		  /* next entry to come */
	int				   behind;		  /* next entry to leave the window */
	DateADT			   leaves_on;	  /* rolling: when it leaves */
	int64			   orders_ahead;  /* orders before ahead, of the whole history */
	int64			   orders_behind;
	int				   nrefunds; /* entries of the window whose amount is negative */
	int				   nmetrics; /* the metrics that have rules, and the main one */
	uint8			   metrics[TIER_METRICS];

	DateADT enrolled_on;  /* NEVER: not at all */
	int		origin_entry; /* first entry that counts */
	int64	anchor_month; /* periods begin on anchor_mday of anchor_month + k x months, */
	int		anchor_mday;  /* weeks on that day of the calendar + 7 k */
	DateADT period_start; /* periodic: the period of the last day looked at */
	DateADT period_end;
	DateADT counts_from;		  /* after a fall to the base: entries before do not count */
	int128	metric[TIER_METRICS]; /* of the window */
	int128	carried;			  /* into the period, in the main metric; counted there */

	const TierMatch *matches;
	int				 nmatches;
	DateADT			 proven_on; /* the next match is; NEVER: none */
	int				 proven_rank;

	int		rank;
	int		never_below; /* base and lifetime tiers reached */
	DateADT since;
	DateADT valid_from; /* fixed: renewals count from here */
	int64	renewals;	/* fixed: how many validities from there */
	DateADT
		expires_on; /* when the tier runs out, or a soft landing is over; NEVER: follows or never falls */
	DateADT grace_ends;		 /* NEVER: not in grace */
	int		earned_before;	 /* rank earned on the day before the tier ran out */
	int128	metric_to_keep;	 /* the main metric that decided the last expiry */
	int128	metric_in_grace; /* and that of the end of its grace */
	bool	settled;		 /* renewals that will go on for ever are not told any more */
} TierWalk;

/* What an entry that is in the window is in a metric, after so many orders of the history. */
static inline int128
entry_value(const TierWalk *w, int metric, int index, int64 orders_before)
{
	const PurchaseDay *entry = &w->entries[index];

	switch (metric)
	{
		case METRIC_SPEND:
			return entry->amount;
		case METRIC_ORDERS:
			return entry->orders;
		case METRIC_PURCHASE_DAYS:
			return entry->orders > 0;
		default:
			if (unlikely(w->book.points != NULL))
				return w->book.points[index];
			return points_of_day(&w->program->earning, w->scale, entry, orders_before);
	}
}

/* An entry counts in the metrics of the window, or with sign -1 no more. */
static inline void
add_entry(TierWalk *w, int index, int64 orders_before, int sign)
{
	const PurchaseDay *entry = &w->entries[index];

	/* what most programs ask for, once and again for each entry */
	if (likely(w->nmetrics == 1 && w->metrics[0] == METRIC_SPEND))
		w->metric[METRIC_SPEND] += sign * (int128) entry->amount;
	else
		for (int i = 0; i < w->nmetrics; i++)
			w->metric[w->metrics[i]] += sign * entry_value(w, w->metrics[i], index, orders_before);
	w->nrefunds += sign * (entry->amount < 0);
}

/* The next entry comes into the window. */
static inline void
enter_entry(TierWalk *w)
{
	int				   index = w->ahead++;
	const PurchaseDay *entry = &w->entries[index];

	if (unlikely(w->book.points != NULL) && index >= w->npoints)
	{
		w->book.points[index] =
			points_of_day(&w->program->earning, w->scale, entry, w->orders_ahead);
		w->npoints = index + 1;
	}
	add_entry(w, index, w->orders_ahead, 1);
	w->orders_ahead += entry->orders;
}

/* The oldest entry leaves it. */
static inline void
leave_entry(TierWalk *w)
{
	int index = w->behind++;

	add_entry(w, index, w->orders_behind, -1);
	w->orders_behind += w->entries[index].orders;
}

/* The next correction is booked: the day of its purchase is another, in the window or not. */
static inline void
book_correction(TierWalk *w)
{
	const BookedCorrection *correction = &w->book.corrections[w->next_correction++];
	int						index = correction->entry;
	bool					counts = index >= w->behind && index < w->ahead;
	PurchaseDay				before = w->entries[index];
	PurchaseDay				after = purchase_day_corrected(&before, correction);

	if (counts)
		add_entry(w, index, 0, -1);
	if (index < w->npoints)
		w->book.points[index] += points_of_correction(
			&w->program->earning,
			points_for_amount(w->scale, w->program->earning.rate, w->book.days[index].amount),
			&w->book.days[index], &before, &after, w->orders_ahead);
	w->book.net[index] = after;
	if (counts)
		add_entry(w, index, 0, 1);
	w->orders_ahead += after.orders - before.orders;
	if (index < w->behind)
		w->orders_behind += after.orders - before.orders;
	if (correction->amount < 0 && index >= w->origin_entry)
		w->taken_back_on = correction->booked;
}

/* The booked day of the next correction. */
static inline DateADT
next_booked_on(const TierWalk *w)
{
	return likely(w->next_correction == w->ncorrections)
			   ? NEVER
			   : w->book.corrections[w->next_correction].booked;
}

/* When the entry that is next to leave does so; known for rolling windows. */
static inline void
set_leaves_on(TierWalk *w)
{
	w->leaves_on =
		w->behind < w->ahead ? day_plus_span(w->entries[w->behind].day, w->program->period) : NEVER;
}

static inline DateADT
period_begin(const TierWalk *w, int64 number)
{
	if (unlikely(w->program->period.months == 0))
		return day_or_never(w->anchor_mday + number * w->program->period.days);
	return day_or_never(
		day_of_month(w->anchor_month + number * w->program->period.months, w->anchor_mday));
}

/* The number of the period that a day lies in. */
static inline int64
period_of(const TierWalk *w, DateADT day)
{
	int64 number;

	if (unlikely(w->program->period.months == 0))
		return floor_div((int64) day - w->anchor_mday, w->program->period.days);
	number = floor_div(month_of_day(day).month - w->anchor_month, w->program->period.months);
	return period_begin(w, number) > day ? number - 1 : number;
}

/* Whether the window has all that a rule of several metrics asks for. */
static inline bool
reaches_all(const TierWalk *w, const TierAlternative *a)
{
	for (int m = 0; m < TIER_METRICS; m++)
		if (a->thresholds[m] != NO_THRESHOLD && w->metric[m] < a->thresholds[m])
			return false;
	return true;
}

/* Whether the window meets a rule to reach a tier, or one to keep it. */
static inline bool
reaches(const TierWalk *w, int rank, bool retain)
{
	const Tier	*tier = &w->program->tiers[rank - 1];
	const int64 *thresholds = retain ? tier->retain : tier->qualify;

	for (int i = 0; i < w->nmetrics; i++)
	{
		int m = w->metrics[i];

		if (thresholds[m] != NO_THRESHOLD && w->metric[m] >= thresholds[m])
			return true;
	}
	for (int i = 0; unlikely(i < w->terms->nalternatives); i++)
	{
		const TierAlternative *a = &tier_program_alternatives(w->program)[i];

		if (a->rank == rank && a->retain == (int32) retain && reaches_all(w, a))
			return true;
	}
	return false;
}

/* The least that the rules that a rank meets ask for in the main metric; NO_THRESHOLD if none does. */
static inline int64
met_threshold(const TierWalk *w, int rank)
{
	int	  m = w->program->metric;
	int64 threshold = w->program->tiers[rank - 1].qualify[m];

	if (w->metric[m] < threshold)
		threshold = NO_THRESHOLD;
	for (int i = 0; i < w->terms->nalternatives; i++)
	{
		const TierAlternative *a = &tier_program_alternatives(w->program)[i];

		if (a->rank == rank && !a->retain && a->thresholds[m] != NO_THRESHOLD && reaches_all(w, a))
			threshold =
				threshold == NO_THRESHOLD ? a->thresholds[m] : Min(threshold, a->thresholds[m]);
	}
	return threshold;
}

/* What is beyond the threshold of the highest tier earned, in the main metric, and goes on. */
static inline int128
surplus(const TierWalk *w)
{
	int	  rank = w->program->ntiers;
	int64 threshold;

	while (rank > 0 && !reaches(w, rank, false))
		rank--;
	threshold = rank == 0 ? 0 : met_threshold(w, rank);
	if (threshold <= 0)
		return 0;
	return Min(w->metric[w->program->metric] - threshold, w->terms->rollover);
}

/* What is booked until a day comes in. */
static inline void
take_in(TierWalk *w, DateADT day)
{
	while (w->ahead < w->nentries && w->entries[w->ahead].day <= day)
		enter_entry(w);
	while (unlikely(next_booked_on(w) <= day && next_booked_on(w) != NEVER))
		book_correction(w);
}

static inline void
set_carried(TierWalk *w, int128 carried)
{
	w->metric[w->program->metric] += carried - w->carried;
	w->carried = carried;
}

static inline void
set_period(TierWalk *w, int64 number)
{
	w->period_start = period_begin(w, number);
	w->period_end = period_begin(w, number + 1);
}

/* The end of the period: what is of it leaves, but for the surplus. */
static inline void
end_period(TierWalk *w, DateADT day)
{
	int128 carried;

	take_in(w, w->period_end - 1);
	carried = surplus(w);
	while (w->behind < w->ahead && w->entries[w->behind].day < w->period_end)
		leave_entry(w);
	set_carried(w, carried);
	if (carried == 0)
	{
		/* nothing happens until the next entry */
		if (w->ahead < w->nentries && w->entries[w->ahead].day < day)
			day = w->entries[w->ahead].day;
		set_period(w, period_of(w, Max(day, w->period_end)));
	}
	else
		set_period(w, period_of(w, w->period_end));
}

/* Take the window on, period by period, since one leaves something to the next. */
static void
move_with_rollover(TierWalk *w, DateADT day)
{
	if (w->period_end == DATEVAL_NOBEGIN)
		set_period(w, period_of(w, w->enrolled_on));
	while (day >= w->period_end)
	{
		CHECK_FOR_INTERRUPTS();
		end_period(w, day);
	}
	take_in(w, day);
}

/* Take the window on to a day that is not before the last one. */
static inline void
move_window(TierWalk *w, DateADT day)
{
	bool none_left = w->behind == w->ahead;

	if (unlikely(w->terms->rollover > 0))
	{
		move_with_rollover(w, day);
		return;
	}
	take_in(w, day);

	if (w->program->window == WINDOW_ROLLING)
	{
		if (none_left)
			set_leaves_on(w);
		while (w->leaves_on <= day && w->leaves_on != NEVER)
		{
			leave_entry(w);
			set_leaves_on(w);
		}
	}
	else if (tier_window_is_periodic(w->program))
	{
		if (day >= w->period_end)
		{
			int64 number = period_of(w, day);

			w->period_start = period_begin(w, number);
			w->period_end = period_begin(w, number + 1);
		}
		while (w->behind < w->ahead && w->entries[w->behind].day < w->period_start)
			leave_entry(w);
	}
}

/* Forget what was before the day: the customer starts over. */
static inline void
start_over(TierWalk *w, DateADT day)
{
	while (w->behind < w->ahead && w->entries[w->behind].day < day)
		leave_entry(w);
	if (w->program->window == WINDOW_ROLLING)
		set_leaves_on(w);
	set_carried(w, 0);
}

#endif /* CRM_TIER_WINDOW_H */
