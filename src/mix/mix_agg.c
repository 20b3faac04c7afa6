/*
 * mix_agg.c: mixes made of purchases, of other mixes, and of their parts.
 */
#include "crm.h"

#include "base/aggregate.h"
#include "base/during.h"
#include "mix/mix.h"

/* The state of an aggregate, new for its first row. */
static Mix *
mix_state(FunctionCallInfo fcinfo)
{
	(void) CheckInAggregate(fcinfo);
	return PG_ARGISNULL(0) ? mix_create(240) : PG_GETARG_MIX(0);
}

/* A row more: category, day, amount and, if it is there, how many purchases it stands for. */
static inline Datum
transition(FunctionCallInfo fcinfo, int64 (*read_amount)(FunctionCallInfo))
{
	Mix			*state = mix_state(fcinfo);
	PurchaseDay	 day;
	CategoryName name;

	if (state_row_has_null(fcinfo))
		PG_RETURN_MIX(state);
	name = category_of(PG_GETARG_TEXT_PP(1));
	CheckCategory(name);
	day.day = PG_GETARG_DATEADT(2);
	CheckPurchaseDay(day.day);
	day.amount = read_amount(fcinfo);
	day.orders = purchase_orders(day.amount, PG_NARGS() > 4 ? PG_GETARG_INT32(4) : 1);
	PG_RETURN_MIX(mix_append(state, name, &day, 1));
}

static inline int64
amount_of_numeric(FunctionCallInfo fcinfo)
{
	return amount_from_numeric((Numeric) PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(3)));
}

static inline int64
amount_of_float8(FunctionCallInfo fcinfo)
{
	return amount_from_float8(PG_GETARG_FLOAT8(3));
}

PG_FUNCTION_INFO_V1(crm_mix_numeric);
Datum
crm_mix_numeric(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, amount_of_numeric);
}

PG_FUNCTION_INFO_V1(crm_mix_float8);
Datum
crm_mix_float8(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, amount_of_float8);
}

/* A mix more. */
PG_FUNCTION_INFO_V1(crm_mix_merge_transition);
Datum
crm_mix_merge_transition(PG_FUNCTION_ARGS)
{
	Mix *state = mix_state(fcinfo);

	if (!PG_ARGISNULL(1))
		state = mix_append_all(state, PG_GETARG_MIX(1));
	PG_RETURN_MIX(state);
}

/* What both mixes hold. */
PG_FUNCTION_INFO_V1(crm_mix_plus);
Datum
crm_mix_plus(PG_FUNCTION_ARGS)
{
	PG_RETURN_MIX(mix_plus(PG_GETARG_MIX(0), PG_GETARG_MIX(1)));
}

/* a without what b holds; an error if a day has fewer purchases than are taken from it. */
PG_FUNCTION_INFO_V1(crm_mix_minus);
Datum
crm_mix_minus(PG_FUNCTION_ARGS)
{
	PG_RETURN_MIX(mix_minus(PG_GETARG_MIX(0), PG_GETARG_MIX(1)));
}

/* What both states hold, settled. */
PG_FUNCTION_INFO_V1(crm_mix_combine);
Datum
crm_mix_combine(PG_FUNCTION_ARGS)
{
	const Mix *a = PG_GETARG_MIX(0);
	const Mix *b = PG_GETARG_MIX(1);
	Mix		  *both = mix_create((Size) a->used + b->used);

	both = mix_append_all(mix_append_all(both, a), b);
	PG_RETURN_MIX(mix_settle(both));
}

/* The mix of a state. */
PG_FUNCTION_INFO_V1(crm_mix_final);
Datum
crm_mix_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_MIX(mix_settle(PG_GETARG_MIX(0)));
}

/* What was bought on the days of a range. */
PG_FUNCTION_INFO_V1(crm_mix_within);
Datum
crm_mix_within(PG_FUNCTION_ARGS)
{
	const Mix *m = PG_GETARG_MIX(0);
	Days	   during = CheckDuring(PG_GETARG_RANGE_P(1));
	Mix		  *part = mix_create(m->used);

	for (const MixCategory *at = mix_first(m); at < mix_end(m); at = category_next(at))
	{
		const PurchaseDay *days = category_days(at);
		int				   from = 0;
		int				   until;

		while (from < at->ndays && days[from].day < during.first)
			from++;
		for (until = from; until < at->ndays && days[until].day <= during.last;)
			until++;
		if (until > from)
			part = mix_append(part, category_name(at), days + from, until - from);
	}
	SET_VARSIZE(part, MIX_SIZE(part->used));
	PG_RETURN_MIX(part);
}
