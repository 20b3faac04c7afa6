/*
 * standing_walk.c: the walk of a customer as it looks through overrides and
 * memberships.
 */
#include "crm.h"

#include "miscadmin.h"
#include "tiers/tier_mask.h"

/* The rank of the walk, raised, lowered or taken away. */
static inline int
masked_rank(const StandingWalk *s)
{
	const TierSegment *segment = &s->mask->segments[s->segment];

	if (!segment->member)
		return 0;
	return Min(Max(s->walk.rank, segment->floor), segment->ceiling);
}

static inline DateADT
next_segment_day(const StandingWalk *s)
{
	return s->segment + 1 < s->mask->nsegments ? s->mask->segments[s->segment + 1].first_day
											   : NEVER;
}

/* Why the rank changed on the first day of a segment, or while one holds it. */
static TierReason
mask_reason(const StandingWalk *s, bool was_member)
{
	const TierSegment *segment = &s->mask->segments[s->segment];

	if (was_member != segment->member)
		return segment->member ? REASON_JOINED : REASON_LEFT;
	if (s->rank > s->walk.rank)
		return REASON_FLOOR;
	if (s->rank < s->walk.rank)
		return REASON_CEILING;
	return REASON_OVERRIDE_ENDED;
}

/* A walk over what is booked, before its first event. */
void
standing_walk_start(StandingWalk *s, const TierProgram *p, const PurchaseBook *book,
					const TierMask *mask)
{
	tier_walk_start(&s->walk, p, book, mask->member_from);
	if (mask->nmatches > 0)
		tier_walk_match(&s->walk, mask->matches, mask->nmatches);
	s->mask = mask;
	s->segment = 0;
	s->rank = masked_rank(s);
	s->since = DATEVAL_NOBEGIN;
	s->reason = !mask->segments[0].member ? REASON_LEFT
				: s->rank > 0			  ? REASON_FLOOR
										  : REASON_NOT_ENROLLED;
}

/* Take over what the walk or the mask did on a day; false if it does not show. */
static bool
show(StandingWalk *s, DateADT day, const TierChange *walked, bool was_member, TierChange *change)
{
	int	 before = s->rank;
	bool joined_or_left = was_member != s->mask->segments[s->segment].member;
	bool by_walk;

	s->rank = masked_rank(s);
	by_walk = walked != NULL && s->rank == s->walk.rank && !joined_or_left &&
			  (s->rank == before || walked->from != walked->to);
	if (s->rank == before && !(by_walk && walked->from == walked->to))
	{
		if (by_walk)
			s->reason = walked->reason;
		else if (joined_or_left)
			s->reason = mask_reason(s, was_member);
		return false;
	}
	if (s->rank != before)
		s->since = day;
	s->reason = by_walk ? walked->reason : mask_reason(s, was_member);
	change->day = day;
	change->from = before;
	change->to = s->rank;
	change->reason = s->reason;
	return true;
}

/* Take the walk on to the next change that shows, on or before a day, and tell it; false if there is none. */
bool
standing_walk_next(StandingWalk *s, DateADT until, TierChange *change)
{
	for (;;)
	{
		DateADT	   mask_day = next_segment_day(s);
		DateADT	   day = mask_day;
		TierChange walked;
		bool	   was_member = s->mask->segments[s->segment].member;
		bool	   by_walk = tier_walk_next(&s->walk, Min(until, mask_day), &walked);

		if (by_walk)
			day = walked.day;
		else if (mask_day == NEVER || mask_day > until)
			return false;
		if (day == mask_day)
			s->segment++;
		if (show(s, day, by_walk ? &walked : NULL, was_member, change))
			return true;
		/* renewals that nobody sees may go on for the life of the calendar */
		CHECK_FOR_INTERRUPTS();
	}
}
