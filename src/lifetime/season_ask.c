/*
 * season_ask.c: the bins of a season as rows.
 */
#include "crm.h"

#include <math.h>

#include "base/rows.h"
#include "lifetime/predict.h"
#include "lifetime/season.h"
#include "math/special.h"
#include "utils/builtins.h"

typedef struct BinRows
{
	Season *season;
	double	z;
} BinRows;

/* (season, level) -> (bin, starts_at, index, low, high, purchase_count): one row a month or week. */
PG_FUNCTION_INFO_V1(crm_season_bins);
Datum
crm_season_bins(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	BinRows			*state;
	const SeasonBin *bin;
	Datum			 values[6];
	bool			 nulls[6] = {false};
	int				 start = 0;
	int				 month = 0;
	int				 b;

	if (SRF_IS_FIRSTCALL())
	{
		double level = CheckPart(PG_GETARG_FLOAT8(1), "level");

		rows = rows_start(fcinfo, sizeof(BinRows));
		state = rows->user_fctx;
		state->season = rows_copy_varlena(rows, PG_GETARG_SEASON(0));
		state->z = -math_normal_quantile((1 - level) / 2);
	}
	rows = SRF_PERCALL_SETUP();
	state = rows->user_fctx;
	b = (int) rows->call_cntr;
	if (b >= season_year(state->season->period)->nbins)
		SRF_RETURN_DONE(rows);
	bin = &state->season->bins[b];
	for (int i = 0; i < b; i++)
		start += season_year(state->season->period)->days[i];
	while (start >= season_year(SEASON_MONTH)->days[month])
		start -= season_year(SEASON_MONTH)->days[month++];
	values[0] = Int32GetDatum(b + 1);
	values[1] = CStringGetTextDatum(psprintf("%02d-%02d", month + 1, start + 1));
	values[2] = Float8GetDatum(bin->s);
	values[3] = Float8GetDatum(bin->s * exp(-state->z * bin->error));
	values[4] = Float8GetDatum(bin->s * exp(state->z * bin->error));
	values[5] = Int64GetDatum(bin->purchases);
	nulls[3] = nulls[4] = nulls[5] = state->season->customers == 0;
	return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
}
