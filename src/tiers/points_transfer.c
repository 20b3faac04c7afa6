/*
 * points_transfer.c: what goes from one customer to another.
 */
#include "crm.h"

#include "base/calendar.h"
#include "funcapi.h"
#include "tiers/points_ledger.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/*
 * What a redemption of so many points takes from each award that is available, as gifts
 * with the expiry that it has there; an error if there are fewer.
 */
static PointsGift *
points_that_go(const PointsLedger *l, DateADT day, int64 points, int *n)
{
	PointsGift *gifts = palloc(Max(l->awards.n, 1) * sizeof(PointsGift));
	int64		rest = points;

	*n = 0;
	for (int i = l->awards.first; i != NO_AWARD && rest > 0; i = l->awards.awards[i].behind)
	{
		const PointsAward *award = &l->awards.awards[i];
		DateADT			   lapses = points_lapse_on(l->terms, l->last_activity);

		gifts[*n].booked_on = day;
		gifts[*n].expires_on = Min(award->expires_on, lapses);
		gifts[*n].points = Min(rest, award->left);
		rest -= gifts[(*n)++].points;
	}
	if (rest > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("customer has %lld points on %s and cannot give %lld",
							   (long long) (points - rest), date_to_text(day), (long long) points),
						errhint("Give what crm.points_balance says, or less.")));
	return gifts;
}

/* (rule, purchases, redeemed, booked_on, points [, base_points, gifts]): what the other customer gets, as crm.points_gift[]. */
PG_FUNCTION_INFO_V1(crm_points_transfer);
Datum
crm_points_transfer(PG_FUNCTION_ARGS)
{
	Oid			 type = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
	TupleDesc	 desc = lookup_rowtype_tupdesc(type, -1);
	PointsLedger l;
	PointsGift	*gifts;
	Datum		*rows;
	int			 n;
	int64		 points;
	DateADT		 day;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
	{
		ReleaseTupleDesc(desc);
		PG_RETURN_NULL();
	}
	points = PG_GETARG_INT64(4);
	if (points <= 0)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("a transfer of %lld points is out of range", (long long) points),
						errhint("Give a number above 0; the other way round it is a transfer of "
								"the other customer.")));
	day = points_ledger_of_arguments(fcinfo, 5, &l);
	gifts = points_that_go(&l, day, points, &n);
	rows = palloc(Max(n, 1) * sizeof(Datum));
	for (int i = 0; i < n; i++)
	{
		Datum values[3] = {DateADTGetDatum(gifts[i].booked_on), Int64GetDatum(gifts[i].points),
						   DateADTGetDatum(gifts[i].expires_on)};
		bool  nulls[3] = {false, false, gifts[i].expires_on == NEVER};

		rows[i] = HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
	}
	ReleaseTupleDesc(desc);
	PG_RETURN_ARRAYTYPE_P(construct_array(rows, n, type, -1, false, TYPALIGN_DOUBLE));
}
