/*
 * uplift_curve.c: whom to treat: what a treatment brought, by a score that was known
 * before; Radcliffe (2007), "Using control groups to target on predicted lift".
 *
 * Of each score the curve keeps how many were treated and held out, and what they
 * brought, in 1/10000: whole numbers, so that every order of the rows and every split
 * give the same curve, and customers of one score are never parted. Cells descend by
 * score, each once, none empty; flags must be zero. The state of the aggregate has
 * cells as they came behind the sorted ones, and room for more, which VARSIZE counts.
 *
 * The text form is {score treated_n treated_value control_n control_value, ...}.
 */
#include "crm.h"

#include <math.h>

#include "base/shares.h"
#include "base/growth.h"
#include "base/decimal.h"
#include "base/aggregate.h"
#include "base/amount.h"
#include "base/rows.h"
#include "base/scan.h"
#include "base/value.h"
#include "common/int.h"
#include "common/shortest_dec.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#define UPLIFT_CURVE_VERSION 1

typedef struct UpliftCell
{
	double score;
	int64  n[2];	 /* treated, held out */
	int64  value[2]; /* in 1/10000 */
} UpliftCell;

typedef struct UpliftCurve
{
	int32	   vl_len_; /* varlena header, do not touch */
	uint16	   version; /* UPLIFT_CURVE_VERSION */
	uint16	   flags;	/* reserved, zero */
	int32	   ncells;
	int32	   reserved; /* zero */
	UpliftCell cells[FLEXIBLE_ARRAY_MEMBER];
} UpliftCurve;

#define UPLIFT_CURVE_SIZE(n) (offsetof(UpliftCurve, cells) + (Size) (n) * sizeof(UpliftCell))
#define UPLIFT_MAX_CELLS \
	((int) ((MaxAllocSize - offsetof(UpliftCurve, cells)) / sizeof(UpliftCell)))
#define PG_GETARG_UPLIFT_CURVE(n) ((UpliftCurve *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))
#define PG_RETURN_UPLIFT_CURVE(c) PG_RETURN_POINTER(c)

/* States that have so many cells are settled before they are doubled. */
#define SETTLE_FROM 4096

static inline void
CheckCells(Size cells)
{
	if (cells > (Size) UPLIFT_MAX_CELLS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("uplift_curve cannot hold %zu scores", cells),
						errhint("Round the scores, or take ntile of them.")));
}

static UpliftCurve *
curve_create(Size room)
{
	UpliftCurve *curve;

	CheckCells(room);
	curve = palloc0(UPLIFT_CURVE_SIZE(room));
	SET_VARSIZE(curve, UPLIFT_CURVE_SIZE(room));
	curve->version = UPLIFT_CURVE_VERSION;
	return curve;
}

static int
compare_cells(const void *a, const void *b)
{
	return CRM_COMPARE(((const UpliftCell *) b)->score, ((const UpliftCell *) a)->score);
}

/* Counts are not negative, somebody is there, and who is not there brings nothing. */
static void
CheckCell(const UpliftCell *cell)
{
	if (!isfinite(cell->score))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("score must be finite")));
	for (int arm = 0; arm < 2; arm++)
		if (cell->n[arm] < 0 || (cell->n[arm] == 0 && cell->value[arm] != 0) ||
			!AmountIsValid(cell->value[arm]))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("uplift_curve counts fewer than none, or what nobody brought")));
	if (cell->n[0] == 0 && cell->n[1] == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("score of nobody in uplift_curve")));
}

static int64
add_customers(int64 a, int64 b)
{
	int64 sum;

	if (pg_add_s64_overflow(a, b, &sum))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("number of customers is out of range")));
	return sum;
}

/* Add a cell to another of the same score. */
static void
add_cell(UpliftCell *sum, const UpliftCell *more)
{
	for (int arm = 0; arm < 2; arm++)
	{
		sum->n[arm] = add_customers(sum->n[arm], more->n[arm]);
		sum->value[arm] = AmountAdd(sum->value[arm], more->value[arm]);
	}
}

/* The curve of a state's cells, a value of its own. */
static UpliftCurve *
settle(const UpliftCurve *state)
{
	UpliftCurve *curve = curve_create((Size) state->ncells);
	int			 n = 0;

	memcpy(curve->cells, state->cells, sizeof(UpliftCell) * state->ncells);
	qsort(curve->cells, state->ncells, sizeof(UpliftCell), compare_cells);
	for (int i = 0; i < state->ncells; i++)
		if (n > 0 && curve->cells[n - 1].score == curve->cells[i].score)
			add_cell(&curve->cells[n - 1], &curve->cells[i]);
		else
			curve->cells[n++] = curve->cells[i];
	curve->ncells = n;
	SET_VARSIZE(curve, UPLIFT_CURVE_SIZE(n));
	return curve;
}

/* The state with a cell more; a larger copy if it has no room. */
static UpliftCurve *
append_cell(UpliftCurve *state, const UpliftCell *cell)
{
	if (!state_has_room(state, UPLIFT_CURVE_SIZE(state->ncells), sizeof(UpliftCell)))
	{
		if (state->ncells >= SETTLE_FROM)
			state = settle(state);
		CheckCells((Size) state->ncells + 1);
		state = state_grown(state, UPLIFT_CURVE_SIZE(state->ncells), sizeof(UpliftCell),
							UPLIFT_CURVE_SIZE(UPLIFT_MAX_CELLS));
	}
	state->cells[state->ncells++] = *cell;
	return state;
}

PG_FUNCTION_INFO_V1(crm_uplift_curve_in);
Datum
crm_uplift_curve_in(PG_FUNCTION_ARGS)
{
	Scanner		 s = scan_start("uplift_curve", PG_GETARG_CSTRING(0));
	UpliftCurve *curve = curve_create(0);

	scan_char(&s, '{');
	if (!scan_try_char(&s, '}'))
	{
		do
		{
			UpliftCell cell;

			CHECK_FOR_INTERRUPTS();
			cell.score = scan_float8(&s) + 0.0; /* no -0 */
			for (int arm = 0; arm < 2; arm++)
			{
				cell.n[arm] = scan_int64(&s);
				cell.value[arm] = scan_amount(&s);
			}
			CheckCell(&cell);
			curve = append_cell(curve, &cell);
		} while (scan_try_char(&s, ','));
		scan_char(&s, '}');
	}
	scan_end(&s);
	PG_RETURN_UPLIFT_CURVE(settle(curve));
}

/* The forms are of the curve that a state holds too. */
PG_FUNCTION_INFO_V1(crm_uplift_curve_out);
Datum
crm_uplift_curve_out(PG_FUNCTION_ARGS)
{
	const UpliftCurve *curve = settle(PG_GETARG_UPLIFT_CURVE(0));
	StringInfoData	   out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (int i = 0; i < curve->ncells; i++)
	{
		const UpliftCell *cell = &curve->cells[i];
		char			  digits[DOUBLE_SHORTEST_DECIMAL_LEN];

		CHECK_FOR_INTERRUPTS();
		double_to_shortest_decimal_buf(cell->score, digits);
		appendStringInfo(&out, "%s%s %lld %s %lld %s", i > 0 ? ", " : "", digits,
						 (long long) cell->n[0], amount_to_text(cell->value[0]),
						 (long long) cell->n[1], amount_to_text(cell->value[1]));
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/* Binary form: version and flags (int16), the number of scores (int32), and of each the score (float8), and of either group how many and what they brought (int64). */
PG_FUNCTION_INFO_V1(crm_uplift_curve_send);
Datum
crm_uplift_curve_send(PG_FUNCTION_ARGS)
{
	const UpliftCurve *curve = settle(PG_GETARG_UPLIFT_CURVE(0));
	StringInfoData	   out;

	pq_begintypsend(&out);
	pq_sendint16(&out, curve->version);
	pq_sendint16(&out, curve->flags);
	pq_sendint32(&out, curve->ncells);
	for (int i = 0; i < curve->ncells; i++)
	{
		pq_sendfloat8(&out, curve->cells[i].score);
		for (int arm = 0; arm < 2; arm++)
		{
			pq_sendint64(&out, curve->cells[i].n[arm]);
			pq_sendint64(&out, curve->cells[i].value[arm]);
		}
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(crm_uplift_curve_recv);
Datum
crm_uplift_curve_recv(PG_FUNCTION_ARGS)
{
	StringInfo	 message = (StringInfo) PG_GETARG_POINTER(0);
	int			 n;
	UpliftCurve *curve;

	receive_header(message, "uplift_curve", 2, UPLIFT_CURVE_VERSION, 0);
	n = receive_count(message, "uplift_curve", "scores", sizeof(UpliftCell));
	curve = curve_create((Size) n);
	for (int i = 0; i < n; i++)
	{
		UpliftCell *cell = &curve->cells[i];

		cell->score = pq_getmsgfloat8(message) + 0.0;
		for (int arm = 0; arm < 2; arm++)
		{
			cell->n[arm] = pq_getmsgint64(message);
			cell->value[arm] = pq_getmsgint64(message);
		}
		CheckCell(cell);
		if (i > 0 && cell->score >= cell[-1].score)
			ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
							errmsg("scores of uplift_curve are out of order")));
	}
	curve->ncells = n;
	PG_RETURN_UPLIFT_CURVE(curve);
}

VALUE_FUNCTIONS(uplift_curve, value_bytes_order, value_bytes);

/* A row more: score, treated, value; one with a NULL is left out. */
PG_FUNCTION_INFO_V1(crm_uplift_curve_transition);
Datum
crm_uplift_curve_transition(PG_FUNCTION_ARGS)
{
	UpliftCurve *state;
	UpliftCell	 cell = {0};
	int			 arm;

	(void) CheckInAggregate(fcinfo);
	state = PG_ARGISNULL(0) ? curve_create(8) : PG_GETARG_UPLIFT_CURVE(0);
	if (state_row_has_null(fcinfo))
		PG_RETURN_UPLIFT_CURVE(state);
	arm = PG_GETARG_BOOL(2) ? 0 : 1;
	cell.score = PG_GETARG_FLOAT8(1) + 0.0;
	cell.n[arm] = 1;
	cell.value[arm] = amount_from_float8(PG_GETARG_FLOAT8(3));
	CheckCell(&cell);
	PG_RETURN_UPLIFT_CURVE(append_cell(state, &cell));
}

/* The customers of both: the + operator, and the combine function. */
PG_FUNCTION_INFO_V1(crm_uplift_curve_plus);
Datum
crm_uplift_curve_plus(PG_FUNCTION_ARGS)
{
	const UpliftCurve *a = PG_GETARG_UPLIFT_CURVE(0);
	const UpliftCurve *b = PG_GETARG_UPLIFT_CURVE(1);
	UpliftCurve		  *both = curve_create((Size) a->ncells + b->ncells);

	memcpy(both->cells, a->cells, sizeof(UpliftCell) * a->ncells);
	memcpy(both->cells + a->ncells, b->cells, sizeof(UpliftCell) * b->ncells);
	both->ncells = a->ncells + b->ncells;
	PG_RETURN_UPLIFT_CURVE(settle(both));
}

PG_FUNCTION_INFO_V1(crm_uplift_curve_final);
Datum
crm_uplift_curve_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_UPLIFT_CURVE(settle(PG_GETARG_UPLIFT_CURVE(0)));
}

/* All customers whose score is so high or higher. */
typedef struct Top
{
	double n[2];
	double value[2]; /* in currency units */
} Top;

static void
take_cell(Top *top, const UpliftCell *cell)
{
	for (int arm = 0; arm < 2; arm++)
	{
		top->n[arm] += (double) cell->n[arm];
		top->value[arm] += (double) cell->value[arm] / AMOUNT_SCALE;
	}
}

/* All of a curve, who must be as many as can be counted. */
static Top
everybody(const UpliftCurve *curve)
{
	Top	  all = {0};
	int64 n[2] = {0};

	for (int i = 0; i < curve->ncells; i++)
	{
		take_cell(&all, &curve->cells[i]);
		for (int arm = 0; arm < 2; arm++)
			n[arm] = add_customers(n[arm], curve->cells[i].n[arm]);
	}
	return all;
}

/* What the treated of the top brought more than the held out of it, scaled to their number; 0 as long as one group is missing. */
static double
gain_of(const Top *top)
{
	return top->n[0] == 0 || top->n[1] == 0 ? 0
											: top->value[0] - top->value[1] * top->n[0] / top->n[1];
}

static double
share_of(const Top *top, const Top *all)
{
	return (top->n[0] + top->n[1]) / (all->n[0] + all->n[1]);
}

/* What points keeps between rows. */
typedef struct PointRows
{
	const UpliftCurve *curve;
	Top				   all;
	Top				   top;
} PointRows;

/* A row a score, the highest first: score, share, treated_n, control_n, treated_value, control_value, gain of all with that score or a higher. */
PG_FUNCTION_INFO_V1(crm_uplift_points);
Datum
crm_uplift_points(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	PointRows		*state;

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, sizeof(PointRows));
		state = rows->user_fctx;
		state->curve = rows_copy_varlena(rows, PG_GETARG_UPLIFT_CURVE(0));
		state->all = everybody(state->curve);
	}
	rows = SRF_PERCALL_SETUP();
	state = rows->user_fctx;
	if (rows->call_cntr < (uint64) state->curve->ncells)
	{
		const UpliftCell *cell = &state->curve->cells[rows->call_cntr];
		Datum			  values[7];
		bool			  nulls[7] = {false};

		take_cell(&state->top, cell);
		values[0] = Float8GetDatum(cell->score);
		values[1] = Float8GetDatum(share_of(&state->top, &state->all));
		values[2] = Int64GetDatum((int64) state->top.n[0]);
		values[3] = Int64GetDatum((int64) state->top.n[1]);
		values[4] = Float8GetDatum(state->top.value[0]);
		values[5] = Float8GetDatum(state->top.value[1]);
		nulls[6] = state->top.n[0] == 0 || state->top.n[1] == 0;
		values[6] = Float8GetDatum(gain_of(&state->top));
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}

/*
 * The area between the curve of the gain per treated customer, over the share of the
 * customers, and the straight line of who treats at random; NULL without both groups.
 */
PG_FUNCTION_INFO_V1(crm_qini);
Datum
crm_qini(PG_FUNCTION_ARGS)
{
	const UpliftCurve *curve = PG_GETARG_UPLIFT_CURVE(0);
	Top				   all = everybody(curve);
	Top				   top = {0};
	double			   share = 0;
	double			   gain = 0;
	double			   area = 0;

	if (all.n[0] == 0 || all.n[1] == 0)
		PG_RETURN_NULL();
	for (int i = 0; i < curve->ncells; i++)
	{
		double before = share;
		double gain_before = gain;

		take_cell(&top, &curve->cells[i]);
		share = share_of(&top, &all);
		gain = gain_of(&top) / all.n[0];
		area += (share - before) * (gain + gain_before) / 2;
	}
	PG_RETURN_FLOAT8(area - gain / 2);
}

/* The treated of a sample whose score is so high or higher, as a part of all; what treating them makes per customer of all. */
static double
profit_at(const Top *top, const Top *all, double cost, double margin)
{
	return (margin * gain_of(top) - cost * top->n[0]) / all->n[0];
}

/* Of a sample, those whose score is so high or higher. */
static Top
top_of(const UpliftCurve *curve, double score)
{
	Top top = {0};

	for (int i = 0; i < curve->ncells && curve->cells[i].score >= score; i++)
		take_cell(&top, &curve->cells[i]);
	return top;
}

/*
 * (curve, cost, margin, second) -> share, score, profit, in_sample: the score down to
 * which treating makes most, and what it makes per customer in the second sample, or
 * in the one in which it was found. NULLs in score and a share of 0 for nobody.
 */
PG_FUNCTION_INFO_V1(crm_best_share);
Datum
crm_best_share(PG_FUNCTION_ARGS)
{
	const UpliftCurve *curve;
	const UpliftCurve *judge;
	double			   cost;
	double			   margin;
	Top				   all;
	Top				   top = {0};
	double			   best = 0;
	double			   score = INFINITY;
	Datum			   values[4];
	bool			   nulls[4] = {false};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	curve = PG_GETARG_UPLIFT_CURVE(0);
	judge = PG_ARGISNULL(3) ? curve : PG_GETARG_UPLIFT_CURVE(3);
	cost = CheckNotNegative(PG_GETARG_FLOAT8(1), "cost");
	margin = CheckNotNegative(PG_GETARG_FLOAT8(2), "margin");
	all = everybody(curve);
	if (all.n[0] == 0 || all.n[1] == 0)
		PG_RETURN_NULL();
	for (int i = 0; i < curve->ncells; i++)
	{
		take_cell(&top, &curve->cells[i]);
		if (profit_at(&top, &all, cost, margin) > best)
		{
			best = profit_at(&top, &all, cost, margin);
			score = curve->cells[i].score;
		}
	}
	all = everybody(judge);
	if (all.n[0] == 0 || all.n[1] == 0)
		PG_RETURN_NULL();
	top = top_of(judge, score);
	values[0] = Float8GetDatum(share_of(&top, &all));
	nulls[1] = isinf(score);
	values[1] = Float8GetDatum(score);
	values[2] = Float8GetDatum(profit_at(&top, &all, cost, margin));
	if (!isfinite(DatumGetFloat8(values[2])) || isinf(best))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("profit of this cost and margin is out of range")));
	values[3] = BoolGetDatum(PG_ARGISNULL(3));
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}
