/*
 * rfm_scale.c: the type rfm_scale: made by hand, read, written, compared.
 *
 * The text form is what a person would write, the number of bins being one
 * more than the cut points:
 *   recency: 95, 260, 420, 480; frequency: 1, 1, 2, 4; monetary: 14.37, 28.5, 50, 120
 */
#include "crm.h"

#include "base/decimal.h"
#include "base/amount.h"
#include "catalog/pg_type.h"
#include "base/value.h"
#include "libpq/pqformat.h"
#include "scoring/rfm_scale.h"
#include "base/scan.h"
#include "utils/array.h"
#include "utils/builtins.h"

#define MAX_CUTS (RFM_MAX_BINS - 1)

/* A scale whose cut points are all zero. */
RfmScale *
rfm_scale_create(int bins)
{
	RfmScale *scale;

	CheckRfmBins(bins);
	scale = palloc0(RFM_SCALE_SIZE(bins));
	SET_VARSIZE(scale, RFM_SCALE_SIZE(bins));
	scale->version = RFM_SCALE_VERSION;
	scale->bins = bins;
	return scale;
}

static inline int128
cut_number(const RfmCut *cut)
{
	return (int128) cut->floor * RFM_CUT_REST_SCALE + cut->rest;
}

static inline int
compare_cuts(const RfmCut *a, const RfmCut *b)
{
	return a->floor != b->floor ? CRM_COMPARE(a->floor, b->floor) : CRM_COMPARE(a->rest, b->rest);
}

/*
 * The point that lies part / parts of the way from low to high (both in
 * 1/10000, low <= high, 0 <= part < parts), rounded down to eight decimals.
 */
RfmCut
rfm_cut_between(int64 low, int64 high, int part, int parts)
{
	int128 beyond = ((int128) high - low) * part * RFM_CUT_REST_SCALE / parts;
	RfmCut cut = {(int64) (low + beyond / RFM_CUT_REST_SCALE), beyond % RFM_CUT_REST_SCALE};

	return cut;
}

static inline Datum
numeric_of_int(int64 value)
{
	return NumericGetDatum(amount_to_numeric((int128) value * AMOUNT_SCALE));
}

/* Cut points have the range of amounts, to the last decimal. */
static inline bool
CutIsValid(const RfmCut *cut)
{
	return AmountIsValid(cut->floor) && cut->rest >= 0 && cut->rest < RFM_CUT_REST_SCALE &&
		   (cut->floor < AMOUNT_MAX || cut->rest == 0);
}

/* The same of a number, NaN and infinity being beyond. */
static inline bool
CutIsInRange(Numeric value)
{
	Datum size = DirectFunctionCall1(numeric_abs, NumericGetDatum(value));

	return DatumGetBool(
		DirectFunctionCall2(numeric_le, size, NumericGetDatum(amount_to_numeric(AMOUNT_MAX))));
}

static void
cut_out_of_range(Numeric value)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("cut point %s is out of range",
					DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value)))),
			 errdetail("A cut point is a finite number between -900 trillion and 900 trillion.")));
}

/* A number as a cut point, rounded down to eight decimals: that moves no score. */
static RfmCut
cut_from_numeric(Numeric value)
{
	RfmCut cut;
	Datum  rest;

	if (!CutIsInRange(value))
		cut_out_of_range(value);
	cut.floor = amount_from_numeric(value);
	if (DatumGetBool(DirectFunctionCall2(numeric_gt, NumericGetDatum(amount_to_numeric(cut.floor)),
										 NumericGetDatum(value))))
		cut.floor--;
	rest = DirectFunctionCall2(numeric_sub, NumericGetDatum(value),
							   NumericGetDatum(amount_to_numeric(cut.floor)));
	rest = DirectFunctionCall2(numeric_mul, rest,
							   numeric_of_int((int64) AMOUNT_SCALE * RFM_CUT_REST_SCALE));
	cut.rest =
		DatumGetInt64(DirectFunctionCall1(numeric_int8, DirectFunctionCall1(numeric_floor, rest)));
	return cut;
}

/* A cut point as a decimal number without needless zeros, palloc'ed. */
static char *
cut_to_text(const RfmCut *cut)
{
	return decimal_to_text(cut_number(cut), RFM_CUT_DECIMALS, 0);
}

/* A cut point as numeric, exact. */
Numeric
rfm_cut_to_numeric(const RfmCut *cut)
{
	return numeric_of_text(cut_to_text(cut));
}

/* Bins are the same for all three measures. */
static inline void
CheckSameCuts(const int counts[RFM_MEASURES])
{
	for (int m = 1; m < RFM_MEASURES; m++)
		if (counts[m] != counts[0])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s and %s have different numbers of cut points: %d and %d",
							rfm_measure_names[0], rfm_measure_names[m], counts[0], counts[m]),
					 errdetail("All three measures have one cut point fewer than bins.")));
}

/* Cut points may repeat, which leaves a score empty, but never fall. */
static inline void
CheckCutsAscend(RfmScale *scale)
{
	for (int m = 0; m < RFM_MEASURES; m++)
	{
		const RfmCut *cuts = rfm_scale_cuts(scale, m);

		for (int i = 1; i < scale->bins - 1; i++)
			if (compare_cuts(&cuts[i - 1], &cuts[i]) > 0)
				ereport(
					ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("cut points of %s must ascend, but %s comes after %s",
							rfm_measure_names[m], cut_to_text(&cuts[i]), cut_to_text(&cuts[i - 1])),
					 m == RFM_RECENCY
						 ? errhint("Recency is cut in ascending days too; its scores descend.")
						 : 0));
	}
}

/* A scale from its cut points, measure by measure. */
static RfmScale *
make_scale(RfmCut cuts[RFM_MEASURES][MAX_CUTS], const int counts[RFM_MEASURES])
{
	RfmScale *scale;

	CheckSameCuts(counts);
	scale = rfm_scale_create(counts[0] + 1);
	for (int m = 0; m < RFM_MEASURES; m++)
		memcpy(rfm_scale_cuts(scale, m), cuts[m], counts[m] * sizeof(RfmCut));
	CheckCutsAscend(scale);
	return scale;
}

PG_FUNCTION_INFO_V1(crm_rfm_scale_in);
Datum
crm_rfm_scale_in(PG_FUNCTION_ARGS)
{
	Scanner s = scan_start("rfm_scale", PG_GETARG_CSTRING(0));
	RfmCut	cuts[RFM_MEASURES][MAX_CUTS];
	int		counts[RFM_MEASURES] = {0};

	for (int m = 0; m < RFM_MEASURES; m++)
	{
		if (m > 0)
			scan_char(&s, ';');
		scan_word(&s, rfm_measure_names[m]);
		scan_char(&s, ':');
		do
		{
			CheckRfmBins(counts[m] + 2);
			cuts[m][counts[m]++] = cut_from_numeric(numeric_of_text(scan_number_text(&s)));
		} while (scan_try_char(&s, ','));
	}
	scan_end(&s);
	PG_RETURN_RFM_SCALE(make_scale(cuts, counts));
}

PG_FUNCTION_INFO_V1(crm_rfm_scale_out);
Datum
crm_rfm_scale_out(PG_FUNCTION_ARGS)
{
	RfmScale	  *scale = PG_GETARG_RFM_SCALE(0);
	StringInfoData out;

	initStringInfo(&out);
	for (int m = 0; m < RFM_MEASURES; m++)
	{
		appendStringInfo(&out, "%s%s:", m > 0 ? "; " : "", rfm_measure_names[m]);
		for (int i = 0; i < scale->bins - 1; i++)
			appendStringInfo(&out, "%s %s", i > 0 ? "," : "",
							 cut_to_text(&rfm_scale_cuts(scale, m)[i]));
	}
	PG_RETURN_CSTRING(out.data);
}

/* Binary form: version, flags, bins (a byte each), then of every cut point floor (int64) and rest (int16). */
PG_FUNCTION_INFO_V1(crm_rfm_scale_send);
Datum
crm_rfm_scale_send(PG_FUNCTION_ARGS)
{
	RfmScale	  *scale = PG_GETARG_RFM_SCALE(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out, scale->version);
	pq_sendbyte(&out, scale->flags);
	pq_sendbyte(&out, scale->bins);
	for (int i = 0; i < RFM_MEASURES * (scale->bins - 1); i++)
	{
		pq_sendint64(&out, scale->cuts[i].floor);
		pq_sendint16(&out, (uint16) scale->cuts[i].rest);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

static inline void
CheckReceivedCut(const RfmCut *cut)
{
	if (!CutIsValid(cut))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid rfm_scale cut point %lld, %lld", (long long) cut->floor,
							   (long long) cut->rest)));
}

PG_FUNCTION_INFO_V1(crm_rfm_scale_recv);
Datum
crm_rfm_scale_recv(PG_FUNCTION_ARGS)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	RfmScale  *scale;

	receive_header(message, "rfm_scale", 1, RFM_SCALE_VERSION, 0);
	scale = rfm_scale_create(pq_getmsgbyte(message));
	for (int i = 0; i < RFM_MEASURES * (scale->bins - 1); i++)
	{
		scale->cuts[i].floor = pq_getmsgint64(message);
		scale->cuts[i].rest = pq_getmsgint(message, 2);
		CheckReceivedCut(&scale->cuts[i]);
	}
	CheckCutsAscend(scale);
	PG_RETURN_RFM_SCALE(scale);
}

/* The cut points of one measure in an array. */
static int
cuts_from_array(ArrayType *array, RfmMeasure measure, RfmCut cuts[MAX_CUTS])
{
	Datum *values;
	bool  *nulls;
	int	   n;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("cut points of %s must be a one-dimensional array",
							   rfm_measure_names[measure])));
	deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	CheckRfmBins((int64) n + 1);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("cut points of %s cannot be null", rfm_measure_names[measure])));
		cuts[i] = cut_from_numeric(DatumGetNumeric(values[i]));
	}
	return n;
}

/* A scale from cut points made by hand. */
PG_FUNCTION_INFO_V1(crm_rfm_scale_of);
Datum
crm_rfm_scale_of(PG_FUNCTION_ARGS)
{
	RfmCut cuts[RFM_MEASURES][MAX_CUTS];
	int	   counts[RFM_MEASURES];

	for (int m = 0; m < RFM_MEASURES; m++)
		counts[m] = cuts_from_array(PG_GETARG_ARRAYTYPE_P(m), m, cuts[m]);
	PG_RETURN_RFM_SCALE(make_scale(cuts, counts));
}

/* How many bins the scores of a scale have. */
PG_FUNCTION_INFO_V1(crm_rfm_scale_bins);
Datum
crm_rfm_scale_bins(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(PG_GETARG_RFM_SCALE(0)->bins);
}

/* The cut points of a measure as numeric[], ascending. */
static Datum
cuts_to_array(RfmScale *scale, RfmMeasure measure)
{
	Datum values[MAX_CUTS];
	int	  n = scale->bins - 1;

	for (int i = 0; i < n; i++)
		values[i] = NumericGetDatum(rfm_cut_to_numeric(&rfm_scale_cuts(scale, measure)[i]));
	return PointerGetDatum(construct_array(values, n, NUMERICOID, -1, false, TYPALIGN_INT));
}

PG_FUNCTION_INFO_V1(crm_recency_cuts);
Datum
crm_recency_cuts(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(cuts_to_array(PG_GETARG_RFM_SCALE(0), RFM_RECENCY));
}

PG_FUNCTION_INFO_V1(crm_frequency_cuts);
Datum
crm_frequency_cuts(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(cuts_to_array(PG_GETARG_RFM_SCALE(0), RFM_FREQUENCY));
}

PG_FUNCTION_INFO_V1(crm_monetary_cuts);
Datum
crm_monetary_cuts(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(cuts_to_array(PG_GETARG_RFM_SCALE(0), RFM_MONETARY));
}

/* Order of two scales: fewer bins first, then by the first cut point that differs. */
static int
order(const void *x, const void *y)
{
	const RfmScale *a = x;
	const RfmScale *b = y;
	int				difference = CRM_COMPARE(a->bins, b->bins);

	for (int i = 0; difference == 0 && i < RFM_MEASURES * (a->bins - 1); i++)
		difference = compare_cuts(&a->cuts[i], &b->cuts[i]);
	return difference;
}

static Content
content(const void *scale)
{
	const RfmScale *s = scale;

	return (Content){s->cuts, RFM_SCALE_SIZE(s->bins) - offsetof(RfmScale, cuts)};
}

VALUE_FUNCTIONS(rfm_scale, order, content);
