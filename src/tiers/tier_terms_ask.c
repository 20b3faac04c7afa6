/*
 * tier_terms_ask.c: what the terms of a tier program say: a status match, memberships
 * that are paid for, benefits.
 */
#include "crm.h"

#include "base/calendar.h"
#include "base/rows.h"
#include "catalog/pg_type.h"
#include "history/purchase_history.h"
#include "tiers/tier_program.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

/* The days [first, end). */
static Datum
days_range(DateADT first, DateADT end)
{
	RangeBound lower = {DateADTGetDatum(first), false, true, true};
	RangeBound upper = {DateADTGetDatum(end), end == NEVER, false, false};

	return RangeTypePGetDatum(make_range(lookup_type_cache(DATERANGEOID, TYPECACHE_RANGE_INFO),
										 &lower, &upper, false
#if PG_VERSION_NUM >= 160000
										 ,
										 NULL
#endif
										 ));
}

/*
 * (program, tier, matched_on): the override that puts a customer of another program on
 * trial: the tier as a floor for as long as the program's proof.
 */
PG_FUNCTION_INFO_V1(crm_status_match);
Datum
crm_status_match(PG_FUNCTION_ARGS)
{
	const TierProgram *p = PG_GETARG_TIER_PROGRAM(0);
	char			  *tier = text_to_cstring(PG_GETARG_TEXT_PP(1));
	DateADT			   day = CheckFiniteDate(PG_GETARG_DATEADT(2), "matched_on");
	const TierTerms	  *t = tier_program_terms(p);
	Datum			   values[3] = {0};
	bool			   nulls[3] = {false, true, false};

	if (t->proof[tier_rank_by_name(p, tier) - 1] == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("program matches no status of tier \"%s\"", tier),
						errhint("Write \"match 90 days {%s: ...}\" with what proves it.", tier)));
	values[0] = CStringGetTextDatum(tier);
	values[2] = days_range(day, day_plus_span(day, t->proof_period));
	return row_result(fcinfo, values, nulls);
}

/* ---- memberships ---- */


/*
 * (program, fees, as_of): the days that are paid for, as daterange[]. A fee that is paid as a
 * member, or on the day after, renews: the periods are counted from the first day.
 */
PG_FUNCTION_INFO_V1(crm_memberships);
Datum
crm_memberships(PG_FUNCTION_ARGS)
{
	const TierProgram	  *p = PG_GETARG_TIER_PROGRAM(0);
	DateADT				   as_of = CheckFiniteDate(PG_GETARG_DATEADT(2), "as_of");
	const PurchaseHistory *fees = PG_GETARG_PURCHASES_KNOWN(1, as_of);
	int					   n = purchase_history_count_until(fees, as_of);
	const TierTerms		  *t = tier_program_terms(p);
	int64				   renewal = t->renewal_fee == 0 ? t->fee : t->renewal_fee;
	Datum				  *ranges = palloc(Max(n, 1) * sizeof(Datum));
	int					   nranges = 0;
	DateADT				   first = 0;
	DateADT				   end = DATEVAL_NOBEGIN;
	int64				   periods = 0;

	if (t->fee == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("program has no fee"),
						errhint("Write \"fee 60 every 12 months\".")));
	for (int i = 0; i < n; i++)
	{
		const PurchaseDay *paid = &fees->entries[i];

		if (nranges > 0 && paid->day <= end && paid->amount >= renewal)
			periods++;
		else if (paid->amount >= t->fee && paid->day > end)
		{
			first = paid->day;
			periods = 1;
			nranges++;
		}
		else
			continue;
		end = day_plus_spans(first, t->fee_period, periods);
		ranges[nranges - 1] = days_range(first, end);
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(ranges, nranges, DATERANGEOID, -1, false, TYPALIGN_INT));
}

/* ---- benefits ---- */

typedef struct Benefits
{
	TierProgram *program;
	int			 rank;
	int			 next;
} Benefits;

/* (program, tier): each benefit of a tier, NULL: of all, as rows (benefit, from_tier). */
PG_FUNCTION_INFO_V1(crm_benefits);
Datum
crm_benefits(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	Benefits		*state;

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, sizeof(Benefits));
		state = rows->user_fctx;
		if (!PG_ARGISNULL(0))
		{
			state->program = rows_copy_varlena(rows, PG_GETARG_TIER_PROGRAM(0));
			state->rank =
				PG_ARGISNULL(1)
					? TIER_MAX
					: tier_rank_by_name(state->program, text_to_cstring(PG_GETARG_TEXT_PP(1)));
		}
	}
	rows = SRF_PERCALL_SETUP();
	state = rows->user_fctx;

	while (state->program != NULL && state->next < tier_program_terms(state->program)->nbenefits)
	{
		const TierBenefit *b = &tier_program_benefits(state->program)[state->next++];
		Datum			   values[2];
		bool			   nulls[2] = {false};

		if (b->rank > state->rank)
			continue;
		values[0] = CStringGetTextDatum(b->name);
		values[1] = CStringGetTextDatum(state->program->tiers[b->rank - 1].name);
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}

/* The names of all benefits as a list for people. */
static char *
benefit_names(const TierProgram *p)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < tier_program_terms(p)->nbenefits; i++)
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", tier_program_benefits(p)[i].name);
	return names.data;
}

/* (program, tier, benefit): whether who holds a tier, NULL for none, has a benefit. */
PG_FUNCTION_INFO_V1(crm_entitled);
Datum
crm_entitled(PG_FUNCTION_ARGS)
{
	const TierProgram *p;
	char			  *benefit;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	p = PG_GETARG_TIER_PROGRAM(0);
	benefit = text_to_cstring(PG_GETARG_TEXT_PP(2));
	for (int i = 0; i < tier_program_terms(p)->nbenefits; i++)
		if (strcmp(tier_program_benefits(p)[i].name, benefit) == 0)
			PG_RETURN_BOOL(!PG_ARGISNULL(1) &&
						   tier_rank_by_name(p, text_to_cstring(PG_GETARG_TEXT_PP(1))) >=
							   tier_program_benefits(p)[i].rank);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("program has no benefit \"%s\"", benefit),
					tier_program_terms(p)->nbenefits == 0
						? errhint("Write \"benefits {%s: tier}\".", benefit)
						: errdetail("Its benefits are %s.", benefit_names(p))));
	PG_RETURN_NULL();
}
