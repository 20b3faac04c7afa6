/*
 * tier_program.c: what a tier program may be, and the names of its parts.
 *
 * Input, receive and the constructors all end in CheckTierProgram.
 */
#include "crm.h"

#include "base/calendar.h"
#include "base/span_io.h"
#include "tiers/tier_program.h"
#include "utils/builtins.h"

static const char metric_names[TIER_METRICS][16] = {"spend", "orders", "purchase_days", "points"};
static const char downgrade_names[][16] = {"none", "one_tier", "requalify", "to_base"};
const Names		  tier_metrics = NAMES("metric", "Metrics", NULL, 0, metric_names);
const Names		  tier_downgrades = NAMES("downgrade", "Downgrades", NULL, 0, downgrade_names);

/* A program of so many tiers without rules, all its bytes zero. */
TierProgram *
tier_program_create(int ntiers)
{
	TierProgram *p;

	if (ntiers < 1 || ntiers > TIER_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("tier program cannot have %d tiers", ntiers),
						errdetail("A program has 1 to %d tiers.", TIER_MAX),
						errhint("Name the tiers, the lowest first: '{Bronze,Silver,Gold}'.")));
	p = palloc0(TIER_PROGRAM_SIZE(ntiers));
	SET_VARSIZE(p, TIER_PROGRAM_SIZE(ntiers));
	p->version = TIER_PROGRAM_VERSION;
	p->ntiers = ntiers;
	p->downgrade = DOWNGRADE_REQUALIFY;
	p->starts_on = DATEVAL_NOBEGIN;
	for (int i = 0; i < ntiers; i++)
		for (int m = 0; m < TIER_METRICS; m++)
			p->tiers[i].qualify[m] = p->tiers[i].retain[m] = NO_THRESHOLD;
	return p;
}

/* ---- names ---- */

const char *
tier_metric_name(int metric)
{
	return metric_names[metric];
}

const char *
tier_downgrade_name(int downgrade)
{
	return downgrade_names[downgrade];
}

/* A calendar window: years, quarters, months or weeks, and where they start. */
void
tier_set_calendar(TierProgram *p, Period period)
{
	int shift = PERIOD_SHIFT(period);

	p->window = WINDOW_CALENDAR;
	p->period = (Span){0, 0};
	switch (PERIOD_UNIT(period))
	{
		case PERIOD_WEEK:
			p->period.days = DAYS_PER_WEEK;
			p->fiscal_start = shift + 1;
			return;
		case PERIOD_MONTH:
			p->period.months = 1;
			break;
		case PERIOD_QUARTER:
			p->period.months = 3;
			break;
		default:
			p->period.months = MONTHS_PER_YEAR;
	}
	p->fiscal_start = 100 * (shift + 1) + 1;
}

/* Weeks, and the weekday that they start with. */
static Period
week_of(const TierProgram *p)
{
	int shift = p->fiscal_start - 1;

	return PERIOD_WEEK |
		   (Period) ((shift < 0 || shift >= DAYS_PER_WEEK ? 0 : shift) << PERIOD_SHIFT_BITS);
}

/* The window as its text form begins. */
const char *
tier_window_name(const TierProgram *p)
{
	switch (p->window)
	{
		case WINDOW_ROLLING:
			return "rolling";
		case WINDOW_ANNIVERSARY:
			return "anniversary";
		case WINDOW_LIFETIME:
			return "lifetime";
		default:
			return p->period.months == 12  ? "calendar year"
				   : p->period.months == 3 ? "calendar quarter"
				   : p->period.months == 1 ? "calendar month"
										   : psprintf("calendar %s", period_name(week_of(p)));
	}
}

/* The rank of a tier by its name; 0 if the program has none of that name. */
int
tier_find(const TierProgram *p, const char *name)
{
	for (int i = 0; i < p->ntiers; i++)
		if (strcmp(p->tiers[i].name, name) == 0)
			return i + 1;
	return 0;
}

/* The names of all tiers as a list for people. */
char *
tier_names(const TierProgram *p)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < p->ntiers; i++)
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", p->tiers[i].name);
	return names.data;
}

/* The rank of a tier by its name, or an error that lists the tiers. */
int
tier_rank_by_name(const TierProgram *p, const char *name)
{
	int rank = tier_find(p, name);

	if (rank > 0)
		return rank;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("program has no tier \"%s\"", name),
			 errdetail("Its tiers are %s.", tier_names(p)),
			 errhint("Write one of these names, as it is spelt there.")));
	return 0; /* not reached */
}

/* ---- values of a metric ---- */

/* A value of a metric as numeric: spend in the currency unit, the others as counts. */
Numeric
tier_metric_to_numeric(int metric, int128 value)
{
	if (metric == METRIC_SPEND)
		return amount_to_numeric(value);
	if (value >= PG_INT64_MIN && value <= PG_INT64_MAX)
		return DatumGetNumeric(DirectFunctionCall1(int8_numeric, Int64GetDatum((int64) value)));
	/* Points far beyond bigint: what they are in ten-thousandths still fits. */
	return DatumGetNumeric(DirectFunctionCall2(
		numeric_round, NumericGetDatum(amount_to_numeric(value * AMOUNT_SCALE)), Int32GetDatum(0)));
}

/* detail may have a place for what the value is: a threshold, a target. */
static void
threshold_error(int metric, const char *metric_word, const char *what, Numeric value,
				const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s %s cannot be %s", metric_word, what,
					DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value)))),
			 errdetail(detail, what),
			 errhint("%s", metric == METRIC_SPEND ? "Write an amount like 500 or 99.95."
												  : "Write a whole number like 5.")));
}

/*
 * What is to be reached, in the unit that the metric counts in; not rounded. Errors call
 * it by the metric's word, NULL for its own, and by what it is.
 */
int64
tier_aim_from_numeric(int metric, const char *metric_word, const char *what, Numeric value)
{
	int64		amount = amount_from_numeric(value);
	const char *word = metric_word != NULL ? metric_word : metric_names[metric];

	if (amount < 0)
		threshold_error(metric, word, what, value, "A %s is not negative.");
	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(value),
										  NumericGetDatum(amount_to_numeric(amount)))))
		threshold_error(metric, word, what, value, "An amount has at most four decimals.");
	if (metric == METRIC_SPEND)
		return amount;
	if (amount % AMOUNT_SCALE != 0)
		threshold_error(metric, word, what, value, "A %s of a count is a whole number.");
	return amount / AMOUNT_SCALE;
}

/* A threshold in the unit that the metric counts in; not rounded. */
int64
tier_threshold_from_numeric(int metric, Numeric value)
{
	return tier_aim_from_numeric(metric, NULL, "threshold", value);
}

static char *
threshold_text(int metric, int64 threshold)
{
	return metric == METRIC_SPEND ? amount_to_text(threshold) : psprintf(INT64_FORMAT, threshold);
}

/* ---- checks ---- */

/* A name fits into its place and prints on one line. */
static void
CheckTierName(const char *name)
{
	const char *detail = NULL;

	if (name[0] == '\0')
		detail = "A tier has a name.";
	else if (strlen(name) >= TIER_NAME_SIZE)
		detail = "A name has at most 63 bytes.";
	for (const char *c = name; *c != '\0'; c++)
		if ((unsigned char) *c < ' ' || *c == 0x7f)
			detail = "A name has no control characters.";
	if (detail != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid tier name \"%s\"", name),
				 errdetail("%s", detail), errhint("Write a shorter or plainer name.")));
}

void
tier_set_name(Tier *tier, const char *name)
{
	CheckTierName(name);
	memset(tier->name, 0, TIER_NAME_SIZE);
	memcpy(tier->name, name, strlen(name));
}

static void
CheckNamesDistinct(const TierProgram *p)
{
	for (int i = 0; i < p->ntiers; i++)
		for (int j = 0; j < i; j++)
			if (strcmp(p->tiers[i].name, p->tiers[j].name) == 0)
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("tier \"%s\" appears twice", p->tiers[i].name),
								errhint("Give each tier a name of its own.")));
}

static void
CheckThresholdRange(const Tier *tier, int metric, int64 threshold)
{
	if (threshold != NO_THRESHOLD && (threshold < 0 || threshold > AMOUNT_MAX))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("%s threshold of tier \"%s\" is out of range", metric_names[metric],
							   tier->name),
						errhint("Write a threshold that a customer can reach.")));
}

/* Whether reaching a tier takes a metric along with others. */
static bool
is_asked_for(const TierProgram *p, int rank, int metric)
{
	for (int i = 0; i < tier_program_terms(p)->nalternatives; i++)
	{
		const TierAlternative *a = &tier_program_alternatives(p)[i];

		if (a->rank == rank && !a->retain && a->thresholds[metric] != NO_THRESHOLD)
			return true;
	}
	return false;
}

/* Each tier can be reached, and only the first by everybody. */
static void
CheckQualifying(const TierProgram *p, int rank)
{
	const Tier *tier = &p->tiers[rank - 1];
	bool		any = false;

	for (int m = 0; m < TIER_METRICS; m++)
	{
		CheckThresholdRange(tier, m, tier->qualify[m]);
		CheckThresholdRange(tier, m, tier->retain[m]);
		any = any || tier->qualify[m] != NO_THRESHOLD || is_asked_for(p, rank, m);
		if (rank > 1 && tier->qualify[m] == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s threshold of tier \"%s\" cannot be 0", metric_names[m], tier->name),
					 errdetail("Only the first tier is for everybody."),
					 errhint("Write more than 0, or leave the metric out of this tier.")));
	}
	if (!any)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("tier \"%s\" has no qualifying threshold", tier->name),
						errhint("Give it one, or say all by rules => '{spend 0,orders 5}'.")));
}

/* Of the rules of the first tier the first that names the main metric leads, where none is in it alone. */
void
tier_lead_with_main_metric(TierProgram *p)
{
	TierAlternative *a = (TierAlternative *) tier_program_alternatives(p);
	const int		 n = tier_program_terms(p)->nalternatives;

	if (p->tiers[0].qualify[p->metric] != NO_THRESHOLD)
		return;
	for (int i = 0; i < n && a[i].rank == 1 && !a[i].retain; i++)
		if (a[i].thresholds[p->metric] != NO_THRESHOLD)
		{
			TierAlternative first = a[i];

			memmove(a + 1, a, i * sizeof(TierAlternative));
			a[0] = first;
			return;
		}
}

/* The text form knows the main metric by the first tier. */
static void
CheckMainMetric(const TierProgram *p)
{
	if (tier_main_threshold(p, 1, false) == NO_THRESHOLD)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("tier \"%s\" has no threshold in the main metric %s",
							   p->tiers[0].name, metric_names[p->metric]),
						errdetail("The first tier needs one."),
						errhint("Give it a %s threshold, or choose another main metric.",
								metric_names[p->metric])));
}

/* A metric asks more of each tier than of the ones below it. */
static void
CheckThresholdsAscend(const TierProgram *p, int metric)
{
	const Tier *below = NULL;

	for (int i = 0; i < p->ntiers; i++)
	{
		const Tier *tier = &p->tiers[i];

		if (tier->qualify[metric] == NO_THRESHOLD)
			continue;
		if (below != NULL && tier->qualify[metric] <= below->qualify[metric])
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s threshold %s of tier \"%s\" is not above the %s of tier \"%s\"",
						metric_names[metric], threshold_text(metric, tier->qualify[metric]),
						tier->name, threshold_text(metric, below->qualify[metric]), below->name),
				 errhint("Thresholds ascend from the lowest tier to the highest.")));
		below = tier;
	}
}

/* Keeping a tier takes something, and not more than reaching it. */
static void
CheckRetainThreshold(const TierProgram *p, int rank, int metric)
{
	const Tier *tier = &p->tiers[rank - 1];
	int64		retain = tier->retain[metric];

	if (retain == NO_THRESHOLD)
		return;
	if (retain == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("retain threshold of tier \"%s\" cannot be 0", tier->name),
						errhint("Make it a lifetime tier if it never falls.")));
	if (tier->qualify[metric] != NO_THRESHOLD && retain > tier->qualify[metric])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("retain threshold %s of tier \"%s\" is above its qualifying threshold %s",
						threshold_text(metric, retain), tier->name,
						threshold_text(metric, tier->qualify[metric])),
				 errhint("Write at most %s, or leave it out.",
						 threshold_text(metric, tier->qualify[metric]))));
}

static void
CheckRetainsAscend(const TierProgram *p, int metric)
{
	const Tier *below = NULL;

	for (int rank = 1; rank <= p->ntiers; rank++)
	{
		const Tier *tier = &p->tiers[rank - 1];

		CheckRetainThreshold(p, rank, metric);
		if (tier_retain_threshold(tier, metric) == NO_THRESHOLD)
			continue;
		if (below != NULL &&
			tier_retain_threshold(tier, metric) < tier_retain_threshold(below, metric))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("keeping tier \"%s\" takes less than keeping tier \"%s\"", tier->name,
							below->name),
					 errhint("Retain thresholds ascend from the lowest tier to the highest.")));
		below = tier;
	}
}

/* The base tier is kept without a rule. */
static void
CheckBaseTier(const TierProgram *p)
{
	const Tier *base = &p->tiers[0];

	if (base->qualify[p->metric] == NO_THRESHOLD && !is_asked_for(p, 1, p->metric))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("tier \"%s\" has no %s threshold", base->name, metric_names[p->metric]),
				 errdetail("The first tier has one in the program's main metric."),
				 errhint("Give it a %s threshold, or choose another main metric.",
						 metric_names[p->metric])));
	if (tier_base_rank(p) == 0)
		return;
	for (int m = 0; m < TIER_METRICS; m++)
		if (base->retain[m] != NO_THRESHOLD)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("tier \"%s\" cannot have a retain threshold", base->name),
							errdetail("A tier with the threshold 0 is everybody's."),
							errhint("Leave it out: the tier is kept anyway.")));
}

/* The period is what the window needs. */
static void
CheckWindow(const TierProgram *p)
{
	bool has_period = !span_is_zero(p->period);

	if (p->window != WINDOW_LIFETIME && !has_period)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s window needs a period",
							   p->window == WINDOW_CALENDAR ? "calendar" : tier_window_name(p)),
						errhint("Give one, for example 12 months.")));
	if (p->window == WINDOW_LIFETIME && has_period)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("lifetime window cannot have a period"),
						errhint("Leave the period out, or write a rolling window.")));
	if (p->window == WINDOW_ANNIVERSARY && (p->period.days != 0 || p->period.months == 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("anniversary period must be in whole months or years"),
						errhint("Write months or years, or a rolling window of so many days.")));
	if (p->window == WINDOW_CALENDAR &&
		(p->period.months == 0
			 ? p->period.days != DAYS_PER_WEEK
			 : p->period.days != 0 ||
				   (p->period.months != 12 && p->period.months != 3 && p->period.months != 1)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("calendar period must be a year, a quarter, a month or a week"),
						errhint("For any other length use an anniversary or a rolling window.")));
}

/* A fiscal year begins on a day that every month has, a week on a weekday. */
static void
CheckFiscalStart(const TierProgram *p)
{
	int month = p->fiscal_start / 100;
	int mday = p->fiscal_start % 100;

	if (p->window != WINDOW_CALENDAR && p->fiscal_start != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s window cannot have a fiscal start", tier_window_name(p)),
						errhint("Only calendar windows have one.")));
	if (tier_window_is_weekly(p))
	{
		if (p->fiscal_start < 1 || p->fiscal_start > DAYS_PER_WEEK)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("calendar weeks cannot have a fiscal start"),
							errhint("Say with which day weeks start: \"week(sunday)\".")));
		return;
	}
	if (p->window == WINDOW_CALENDAR && (month < 1 || month > 12 || mday < 1 || mday > 28))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid fiscal start %02d-%02d", month, mday),
						errdetail("It is a month and a day from 1 to 28, as MM-DD."),
						errhint("Write 04-01 for years from April on.")));
}

static bool
has_retain_rule(const TierProgram *p)
{
	for (int i = 0; i < p->ntiers; i++)
		for (int m = 0; m < TIER_METRICS; m++)
			if (p->tiers[i].retain[m] != NO_THRESHOLD)
				return true;
	for (int i = 0; i < tier_program_terms(p)->nalternatives; i++)
		if (tier_program_alternatives(p)[i].retain)
			return true;
	return false;
}

/* What happens at the end fits how long a tier holds. */
static void
CheckDowngrade(const TierProgram *p)
{
	const char *useless = !span_is_zero(p->grace)	   ? "a grace"
						  : !span_is_zero(p->validity) ? "a validity"
						  : has_retain_rule(p)		   ? "retain thresholds"
													   : NULL;

	if (p->downgrade == DOWNGRADE_NONE && useless != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("program without downgrade cannot have %s", useless),
				 errdetail("With downgrade none no tier ever runs out."),
				 errhint("Leave it out, or write downgrade requalify, one_tier or to_base.")));
	if (p->downgrade == DOWNGRADE_ONE_TIER && p->window == WINDOW_LIFETIME &&
		span_is_zero(p->validity))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("downgrade one_tier with a lifetime window needs a validity"),
				 errdetail("The lower tier is held for one period, and a lifetime has none."),
				 errhint("Add \"valid 12 months\", or write another window or downgrade.")));
}

static void
CheckLengths(const TierProgram *p)
{
	CheckSpan(p->period, "period");
	CheckSpan(p->grace, "grace");
	CheckSpan(p->validity, "validity");
	if (p->starts_on != DATEVAL_NOBEGIN && !IS_VALID_DATE(p->starts_on))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("starts_on is out of range"),
				 errhint("Leave it out where there is no first day.")));
}

static void
CheckEarning(const TierProgram *p)
{
	const PointsScale *scale = &tier_program_terms(p)->scale;

	CheckPointsEarning(&p->earning);
	CheckPointsScale(scale);
	if (scale->per_purchase || scale->in_parts)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("points of a tier program are rounded by day"),
				 errhint("Write \"per purchase\" and \"in parts\" in the points rule alone.")));
	if (points_earning_is_none(&p->earning) &&
		memcmp(scale, &tier_plain_terms.scale, sizeof(PointsScale)) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a tier program that awards no points has none to round"),
						errhint("Give points_rate, or leave out points_per and points_rounding.")));
	if (tier_program_uses(p, METRIC_POINTS) && points_earning_is_none(&p->earning))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("metric points needs to know how points are earned"),
				 errhint("Give points_rate, purchase_points, or bonus_points and bonus_every.")));
}

/* Every rule of a program, in the order in which a user would look for the mistake. */
void
CheckTierProgram(const TierProgram *p)
{
	CheckNamesDistinct(p);
	for (int rank = 1; rank <= p->ntiers; rank++)
		CheckQualifying(p, rank);
	CheckMainMetric(p);
	CheckBaseTier(p);
	for (int m = 0; m < TIER_METRICS; m++)
	{
		CheckThresholdsAscend(p, m);
		CheckRetainsAscend(p, m);
	}
	CheckLengths(p);
	CheckWindow(p);
	CheckFiscalStart(p);
	CheckDowngrade(p);
	CheckEarning(p);
	CheckTierTerms(p);
}
