/*
 * tier_program.h: a loyalty program as a value.
 *
 * Tiers stand in rank order, the lowest first; rank 1 is the first of them and
 * rank 0 is no tier. Each tier has a qualifying threshold in some of the
 * metrics, any of which suffices, and may have lower ones to retain it.
 * Thresholds ascend strictly from tier to tier in each metric, and only the
 * first tier may have one of 0: it is then the base tier.
 *
 * A program that says no more has no terms: they stand behind the last tier of
 * those that do.
 *
 * All bytes that no field uses are zero, so that equal programs have equal
 * bytes; flags and the pads must be: receive rejects anything else.
 */
#ifndef CRM_TIER_PROGRAM_H
#define CRM_TIER_PROGRAM_H

#include "crm.h"

#include "lib/stringinfo.h"
#include "tiers/points_earning.h"
#include "base/calendar.h"
#include "base/names.h"
#include "base/scan.h"
#include "base/span.h"

#define TIER_PROGRAM_VERSION 1
#define TIER_PROGRAM_REVOKES 1 /* what is refunded revokes the tier that it gave */
#define TIER_PROGRAM_TERMS 2   /* terms stand behind the tiers */
#define TIER_PROGRAM_FLAGS (TIER_PROGRAM_REVOKES | TIER_PROGRAM_TERMS)
#define TIER_MAX 32
#define TIER_NAME_SIZE 64 /* with its terminating zero */

typedef enum TierMetric
{
	METRIC_SPEND, /* in 1/10000 of the currency unit; the others are counts */
	METRIC_ORDERS,
	METRIC_PURCHASE_DAYS,
	METRIC_POINTS
} TierMetric;

#define TIER_METRICS (METRIC_POINTS + 1)

typedef enum TierWindow
{
	WINDOW_ROLLING,
	WINDOW_CALENDAR, /* a year, quarter, month or week: period is 12, 3 or 1 months or 7 days */
	WINDOW_ANNIVERSARY,
	WINDOW_LIFETIME
} TierWindow;

typedef enum TierDowngrade
{
	DOWNGRADE_NONE,
	DOWNGRADE_ONE_TIER,
	DOWNGRADE_REQUALIFY,
	DOWNGRADE_TO_BASE
} TierDowngrade;

/* No rule in this metric. */
#define NO_THRESHOLD INT64CONST(-1)

typedef struct Tier
{
	int64 qualify[TIER_METRICS]; /* thresholds, or NO_THRESHOLD */
	int64 retain[TIER_METRICS];	 /* thresholds to keep the tier, or NO_THRESHOLD: as qualify */
	int32 lifetime;				 /* 1: never falls once reached; else 0 */
	int32 pad;
	char  name[TIER_NAME_SIZE]; /* zero-filled */
} Tier;

/* Thresholds in several metrics, all of which a tier asks for; one of its rules. */
typedef struct TierAlternative
{
	int32 rank;
	int32 retain;					/* 1: to keep the tier, 0: to reach it */
	int64 thresholds[TIER_METRICS]; /* two at least; the others NO_THRESHOLD */
} TierAlternative;

/* What a tier and those above it are entitled to. */
typedef struct TierBenefit
{
	int32 rank; /* the lowest that has it */
	int32 pad;
	char  name[TIER_NAME_SIZE]; /* zero-filled */
} TierBenefit;

/* What most programs need not say; alternatives, then benefits follow. */
typedef struct TierTerms
{
	PointsScale scale;			 /* of the metric points */
	int64		rollover;		 /* at most so much of the main metric goes on; 0: nothing */
	int64		fee;			 /* of a paid membership, in 1/AMOUNT_SCALE; 0: none */
	int64		renewal_fee;	 /* where it is another; else 0 */
	Span		fee_period;		 /* how long a fee is for */
	Span		proof_period;	 /* of a status match; zero: none */
	int64		proof[TIER_MAX]; /* main metric that proves a match of a tier; 0: none does */
	int32		nalternatives;	 /* by rank, those to reach a tier first */
	int32		nbenefits;
} TierTerms;

#define TIER_ALTERNATIVES_MAX 64
#define TIER_BENEFITS_MAX 64
#define ROLLOVER_ALL AMOUNT_MAX

/* Terms with all that follows them, while a program is made. */
typedef struct TierTermsDraft
{
	TierTerms		terms;
	TierAlternative alternatives[TIER_ALTERNATIVES_MAX];
	TierBenefit		benefits[TIER_BENEFITS_MAX];
} TierTermsDraft;

typedef struct TierProgram
{
	int32		  vl_len_; /* varlena header, do not touch */
	uint16		  version; /* TIER_PROGRAM_VERSION */
	uint16		  flags;   /* TIER_PROGRAM_FLAGS; the others are reserved, zero */
	int32		  ntiers;
	uint8		  metric;	 /* the main TierMetric */
	uint8		  window;	 /* TierWindow */
	uint8		  downgrade; /* TierDowngrade */
	uint8		  pad;
	Span		  period;		/* zero for lifetime */
	Span		  grace;		/* zero: none */
	Span		  validity;		/* zero: by the window */
	DateADT		  starts_on;	/* DATEVAL_NOBEGIN: from the first purchase */
	int32		  fiscal_start; /* calendar: 100 * month + day on which a year begins, of weeks
								   1 for Monday to 7; else 0 */
	PointsEarning earning;		/* of the metric points; zero where it is not used */
	Tier		  tiers[FLEXIBLE_ARRAY_MEMBER];
} TierProgram;

#define TIER_PROGRAM_SIZE(n) (offsetof(TierProgram, tiers) + (Size) (n) * sizeof(Tier))

#define DatumGetTierProgram(d) ((TierProgram *) PG_DETOAST_DATUM(d))
#define PG_GETARG_TIER_PROGRAM(n) DatumGetTierProgram(PG_GETARG_DATUM(n))
#define PG_RETURN_TIER_PROGRAM(p) PG_RETURN_POINTER(p)

/* tier_program.c: what a program may be */
extern const Names	   tier_metrics;
extern const Names	   tier_downgrades;
extern const TierTerms tier_plain_terms;
extern TierProgram	  *tier_program_create(int ntiers);
extern void			   tier_set_calendar(TierProgram *p, Period period);
extern void			   CheckTierProgram(const TierProgram *p);
extern int			   tier_find(const TierProgram *p, const char *name);
extern char			  *tier_names(const TierProgram *p);
extern int			   tier_rank_by_name(const TierProgram *p, const char *name);
extern void			   tier_set_name(Tier *tier, const char *name);
extern void			   tier_lead_with_main_metric(TierProgram *p);
extern const char	  *tier_metric_name(int metric);
extern const char	  *tier_downgrade_name(int downgrade);
extern const char	  *tier_window_name(const TierProgram *p);
extern Numeric		   tier_metric_to_numeric(int metric, int128 value);
extern int64		   tier_aim_from_numeric(int metric, const char *metric_word, const char *what,
											 Numeric value);
extern int64		   tier_threshold_from_numeric(int metric, Numeric value);

/* tier_terms.c: what most programs need not say */
extern void			tier_terms_start(TierTermsDraft *d, const TierProgram *p);
extern TierProgram *tier_program_with_terms(TierProgram *p, const TierTermsDraft *d);
extern void			tier_terms_add_alternative(TierTermsDraft *d, int rank, bool retain,
											   const int64 *thresholds);
extern void			scan_tier_terms(Scanner *s, const TierProgram *p, TierTermsDraft *d);
extern void			tier_rollover_from_text(const char *text, const TierProgram *p, TierTerms *t);
extern void tier_benefits_from_text(const char *text, const TierProgram *p, TierTermsDraft *d);
extern void append_tier_terms(StringInfo out, const TierProgram *p);
extern void append_tier_terms_json(StringInfo out, const TierProgram *p);
extern void send_tier_terms(StringInfo out, const TierProgram *p);
extern TierProgram *receive_tier_terms(StringInfo message, TierProgram *p);
extern void			CheckTierTerms(const TierProgram *p);

/* tier_program_io.c: its forms */
extern int64		scan_tier_threshold(Scanner *s, int metric);
extern void			append_tier_threshold(StringInfo out, int metric, int64 threshold);
extern TierProgram *tier_program_scan(Scanner *s);
extern void			tier_rules_from_text(const char *text, const char *name, TierProgram *p,
										 TierTermsDraft *draft, int rank, bool retain);
extern void			tier_program_append(StringInfo out, const TierProgram *p);
extern TierProgram *tier_program_receive(StringInfo message);
extern void			tier_program_send_to(StringInfo out, const TierProgram *p);
extern void			tier_program_append_json(StringInfo out, const TierProgram *p);

static inline const TierTerms *
tier_program_terms(const TierProgram *p)
{
	return (p->flags & TIER_PROGRAM_TERMS) == 0 ? &tier_plain_terms
												: (const TierTerms *) &p->tiers[p->ntiers];
}

/* Rules of several metrics, by rank. */
static inline const TierAlternative *
tier_program_alternatives(const TierProgram *p)
{
	return (const TierAlternative *) (tier_program_terms(p) + 1);
}

static inline const TierBenefit *
tier_program_benefits(const TierProgram *p)
{
	return (const TierBenefit *) (tier_program_alternatives(p) +
								  tier_program_terms(p)->nalternatives);
}

static inline bool
tier_window_is_periodic(const TierProgram *p)
{
	return p->window == WINDOW_CALENDAR || p->window == WINDOW_ANNIVERSARY;
}

/* Calendar weeks, which have a weekday as their start. */
static inline bool
tier_window_is_weekly(const TierProgram *p)
{
	return p->window == WINDOW_CALENDAR && p->period.months == 0;
}

/* A correction makes the standing be worked out anew, as if it had been bought so. */
static inline bool
tier_program_revokes(const TierProgram *p)
{
	return (p->flags & TIER_PROGRAM_REVOKES) != 0;
}

/* The standing follows the window day by day. */
static inline bool
tier_program_follows(const TierProgram *p)
{
	return !tier_window_is_periodic(p) && span_is_zero(p->validity);
}

/* Rank of the base tier, which every enrolled customer holds; 0 if there is none. */
static inline int
tier_base_rank(const TierProgram *p)
{
	for (int m = 0; m < TIER_METRICS; m++)
		if (p->tiers[0].qualify[m] == 0)
			return 1;
	return 0;
}

/* Whether any rule is in a metric. */
static inline bool
tier_program_uses(const TierProgram *p, int metric)
{
	for (int i = 0; i < tier_program_terms(p)->nalternatives; i++)
		if (tier_program_alternatives(p)[i].thresholds[metric] != NO_THRESHOLD)
			return true;
	for (int i = 0; i < p->ntiers; i++)
		if (p->tiers[i].qualify[metric] != NO_THRESHOLD ||
			p->tiers[i].retain[metric] != NO_THRESHOLD)
			return true;
	return false;
}

/* What keeping a tier takes in a metric, or NO_THRESHOLD. */
static inline int64
tier_retain_threshold(const Tier *tier, int metric)
{
	return tier->retain[metric] != NO_THRESHOLD ? tier->retain[metric] : tier->qualify[metric];
}

/*
 * What a rank takes in the main metric, to reach it or to keep it, by itself or, where no rule is in
 * it alone, along with others; or NO_THRESHOLD.
 */
static inline int64
tier_main_threshold(const TierProgram *p, int rank, bool retain)
{
	const Tier *tier = &p->tiers[rank - 1];
	int64 threshold = retain ? tier_retain_threshold(tier, p->metric) : tier->qualify[p->metric];

	for (int kept = retain; kept >= 0; kept--)
		for (int i = 0; i < tier_program_terms(p)->nalternatives; i++)
		{
			const TierAlternative *a = &tier_program_alternatives(p)[i];

			if (threshold == NO_THRESHOLD && a->rank == rank && a->retain == kept)
				threshold = a->thresholds[p->metric];
		}
	return threshold;
}

#endif /* CRM_TIER_PROGRAM_H */
