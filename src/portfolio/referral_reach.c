/*
 * referral_reach.c: how many customers each referrer of a network brought.
 *
 * For all referrers at once, in time linear in the network, however long its
 * chains are. Each customer is brought by one other, so the referrals are
 * trees, of which some hang on a cycle. In a tree, a referrer reaches all below
 * but those below the customers who stand one step too far; each of these
 * takes himself and all below him from the one referrer so many steps above.
 * On a cycle, everybody of it reaches all that hang on it, but for those too
 * far from him along the cycle and up the tree, which are customers in a row.
 */
#include "crm.h"

#include "miscadmin.h"
#include "portfolio/referral.h"

/*
 * A walk over the customers below one, each before those he brought. A referrer
 * is known by his first referral; the arrays of the walk hold those from the
 * beginning down to the place.
 */
typedef struct Walk
{
	const ReferralIndex *index;
	int					 depth;
	int					*referrer;
	int					*next;	/* the referral of his to look at next, or -1 */
	int64				*below; /* customers seen below him */
	bool				*seen;	/* by first referral: he has been walked over */
	int64				*reach; /* by first referral */
} Walk;

/* A cycle of referrers, each brought by the one before. */
typedef struct Cycle
{
	int	   n;
	int	  *referrers;
	bool  *is_on;	  /* by first referral */
	int64 *too_far;	  /* differences, by place on the cycle: customers that are out of reach */
	int64  customers; /* on it and hanging on it */
} Cycle;

/* Whether a referral is by the same customer as the one before. */
static inline bool
same_referrer(const ReferralIndex *index, int i)
{
	return i < index->n &&
		   key_order(referrer_of(index->referrals[i - 1]), referrer_of(index->referrals[i])) == 0;
}

static inline void
enter(Walk *w, int at, int referrer)
{
	w->referrer[at] = w->next[at] = referrer;
	w->below[at] = 0;
	w->seen[referrer] = true;
}

/* A customer, some steps below where the walk began, and all below him have been seen. */
static inline void
leave(Walk *w, int steps, int64 customers)
{
	if (steps > w->depth)
		w->reach[w->referrer[steps - w->depth - 1]] -= customers;
	if (steps > 0)
		w->below[steps - 1] += customers;
}

/* A customer so high on the tree at a place of a cycle is too far for those so far behind it. */
static void
note_height(Cycle *cycle, int place, int height, int depth)
{
	int nearest = Max(0, depth - height + 1);
	int begin = (place + 1) % cycle->n;
	int end;

	cycle->customers++;
	if (nearest >= cycle->n)
		return;
	end = begin + cycle->n - nearest;
	cycle->too_far[begin]++;
	cycle->too_far[Min(end, cycle->n)]--;
	if (end > cycle->n)
	{
		cycle->too_far[0]++;
		cycle->too_far[end - cycle->n]--;
	}
}

/* Walk over all below a referrer, up to the cycle that he may be on, at a place of it. */
static void
walk_below(Walk *w, int referrer, Cycle *cycle, int place)
{
	int at = 0;

	enter(w, 0, referrer);
	while (at >= 0)
	{
		int i = w->next[at];
		int brought = i >= 0 ? w->index->children[i] : -1;

		CHECK_FOR_INTERRUPTS();
		if (i < 0)
		{
			w->reach[w->referrer[at]] += w->below[at];
			leave(w, at, w->below[at] + 1);
			at--;
			continue;
		}
		w->next[at] = same_referrer(w->index, i + 1) ? i + 1 : -1;
		if (cycle && brought >= 0 && cycle->is_on[brought])
			continue;
		if (cycle)
			note_height(cycle, place, at + 1, w->depth);
		if (brought >= 0)
			enter(w, ++at, brought);
		else
			leave(w, at + 1, 1);
	}
}

/* The cycle above a referrer, who has one; marked has room for all referrals and is false throughout. */
static Cycle
find_cycle(const int *above, int referrer, bool *marked)
{
	Cycle cycle = {0};
	int	  on = referrer;

	for (; !marked[on]; on = above[on])
		marked[on] = true;
	for (; marked[referrer]; referrer = above[referrer])
		marked[referrer] = false;
	cycle.is_on = marked;
	for (int r = on; cycle.n == 0 || r != on; r = above[r])
		cycle.n++;
	cycle.referrers = palloc(cycle.n * sizeof(int));
	cycle.too_far = palloc0((cycle.n + 1) * sizeof(int64));
	for (int place = cycle.n - 1, r = on; place >= 0; place--, r = above[r])
	{
		cycle.referrers[place] = r;
		cycle.is_on[r] = true;
	}
	return cycle;
}

/* The reach of all on a cycle and of all that hang on it. */
static void
reach_around(Walk *w, Cycle *cycle)
{
	int64 too_far = 0;

	for (int place = 0; place < cycle->n; place++)
	{
		note_height(cycle, place, 0, w->depth);
		walk_below(w, cycle->referrers[place], cycle, place);
	}
	for (int place = 0; place < cycle->n; place++)
	{
		too_far += cycle->too_far[place];
		w->reach[cycle->referrers[place]] = cycle->customers - 1 - too_far;
	}
	for (int place = 0; place < cycle->n; place++)
		cycle->is_on[cycle->referrers[place]] = false;
	pfree(cycle->referrers);
	pfree(cycle->too_far);
}

/* Who brought each referrer, both by first referral; -1 for nobody. */
static int *
referrers_above(const ReferralIndex *index)
{
	int *above = palloc(Max(index->n, 1) * sizeof(int));
	int	 first = 0;

	for (int i = 0; i < index->n; i++)
		above[i] = -1;
	for (int i = 0; i < index->n; i++)
	{
		if (i > 0 && !same_referrer(index, i))
			first = i;
		if (index->children[i] >= 0)
			above[index->children[i]] = first;
	}
	return above;
}

/* How many customers each referrer brought within some steps, directly and through others, by first referral; palloc'ed. */
int64 *
referral_reaches(const ReferralIndex *index, int depth)
{
	Size  n = (Size) index->n + 1;
	int	 *above = referrers_above(index);
	bool *marked = palloc0(n * sizeof(bool));
	Walk  w = {0};

	w.index = index;
	w.depth = Min(depth, index->n);
	w.referrer = palloc(n * sizeof(int));
	w.next = palloc(n * sizeof(int));
	w.below = palloc(n * sizeof(int64));
	w.seen = palloc0(n * sizeof(bool));
	w.reach = palloc0(n * sizeof(int64));
	for (int i = 0; i < index->n; i++)
		if (above[i] < 0 && (i == 0 || !same_referrer(index, i)))
			walk_below(&w, i, NULL, 0);
	for (int i = 0; i < index->n; i++)
		if (!w.seen[i] && (i == 0 || !same_referrer(index, i)))
		{
			Cycle cycle = find_cycle(above, i, marked);

			reach_around(&w, &cycle);
		}
	pfree(above);
	pfree(marked);
	pfree(w.referrer);
	pfree(w.next);
	pfree(w.below);
	pfree(w.seen);
	return w.reach;
}
