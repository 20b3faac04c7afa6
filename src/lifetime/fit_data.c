/*
 * fit_data.c: from the groups of equal customers that a state holds to what a fit runs over.
 */
#include "crm.h"

#include <math.h>

#include "lifetime/fit_data.h"
#include "lifetime/spend_model.h"
#include "miscadmin.h"

/* Whole numbers up to this are looked up in a table, others by bisection. */
#define TABLE_LIMIT 4000000

static int
compare_numbers(const void *a, const void *b)
{
	CHECK_FOR_INTERRUPTS();
	return CRM_COMPARE(*(const double *) a, *(const double *) b);
}

/*
 * The distinct of n values in order, and for each value its place among them.
 * Returns how many are distinct.
 */
int
index_values(const double *values, int n, int *places, double **distinct)
{
	double largest = 0;
	bool   whole = true;
	int	   ndistinct = 0;

	for (int i = 0; i < n; i++)
	{
		largest = Max(largest, values[i]);
		whole = whole && values[i] == floor(values[i]);
	}
	if (whole && largest <= TABLE_LIMIT)
	{
		int *place = palloc0(((int) largest + 1) * sizeof(int));

		for (int i = 0; i < n; i++)
			place[(int) values[i]] = 1;
		for (int i = 0; i <= (int) largest; i++)
			if (place[i] != 0)
				place[i] = ndistinct++;
		*distinct = palloc(ndistinct * sizeof(double));
		for (int i = 0; i < n; i++)
		{
			places[i] = place[(int) values[i]];
			(*distinct)[places[i]] = values[i];
		}
		pfree(place);
		return ndistinct;
	}
	*distinct = MemoryContextAllocHuge(CurrentMemoryContext, (Size) n * sizeof(double));
	memcpy(*distinct, values, (Size) n * sizeof(double));
	qsort(*distinct, n, sizeof(double), compare_numbers);
	for (int i = 0; i < n; i++)
		if (ndistinct == 0 || (*distinct)[ndistinct - 1] != (*distinct)[i])
			(*distinct)[ndistinct++] = (*distinct)[i];
	for (int i = 0; i < n; i++)
	{
		double *found = bsearch(&values[i], *distinct, ndistinct, sizeof(double), compare_numbers);

		places[i] = found - *distinct;
	}
	return ndistinct;
}

void *
fit_allocate(Size n, Size size)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, Max(n, 1) * size);
}

/* One column of the groups, as index_values wants it. */
static double *
column(const FitState *state, FitGroup *groups, int n, int which, double *values)
{
	for (int i = 0; i < n; i++)
		values[i] = fit_state_group(state, groups, i)->key[which];
	return values;
}

void
CheckFitCustomers(double customers, const char *who)
{
	if (customers < FIT_FEWEST_CUSTOMERS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("too few %s to fit a model: %.0f", who, customers),
						errdetail("A fit needs at least %d.", FIT_FEWEST_CUSTOMERS),
						errhint("crm.data_check shows what the histories hold.")));
}

/* What a fit runs over, of n sorted groups of customers. */
void
fit_data_of_groups(const FitState *state, FitGroup *groups, int n, FitData *data)
{
	double *values = fit_allocate(2 * (Size) n, sizeof(double));
	int	   *places = fit_allocate(2 * (Size) n, sizeof(int));

	data->nrows = n;
	data->rows = fit_allocate(n, sizeof(FitRow));
	for (int i = 0; i < n; i++)
	{
		const FitGroup *group = fit_state_group(state, groups, i);

		data->rows[i].count = group->count;
		data->customers += group->count;
		data->purchases += group->count * group->key[0];
	}
	data->nxs = index_values(column(state, groups, n, 0, values), n, places, &data->xs);
	for (int i = 0; i < n; i++)
		data->rows[i].x = places[i];
	column(state, groups, n, 1, values);
	column(state, groups, n, 2, values + n);
	data->ntimes = index_values(values, 2 * n, places, &data->times);
	for (int i = 0; i < n; i++)
	{
		data->rows[i].t_x = places[i];
		data->rows[i].age = places[n + i];
	}
	if (state->kind != FIT_STATE_NUMBERS)
		for (int i = 0; i < data->ntimes; i++)
			data->times[i] /= state->unit_days;
	data->by_x = fit_allocate(data->nxs, sizeof(data->by_x[0]));
	data->by_time = fit_allocate(data->ntimes, sizeof(data->by_time[0]));
	pfree(values);
	pfree(places);
}

/*
 * The groups of customers among n sorted ones, gaps and purchase days of bins added up and left out: these stand in front, of customers with
 * covariates in front of those of the same.
 */
static FitGroup *
take_customers(const FitState *state, FitGroup *groups, int *n, FitData *data)
{
	const Season *season = fit_season_of(state);
	int			  taken = 0;

	if (state->kind == FIT_STATE_NUMBERS || (state->more > 0 && season == NULL))
		return groups;
	for (int i = 0; i < *n; i++)
	{
		const FitGroup *group = fit_state_group(state, groups, i);

		if (group->key[0] == GAP_X)
		{
			double of = group->key[1];

			if (season != NULL)
				data->log_season += group->count * log(season->bins[(int) of].s);
			else
				data->log_gaps += group->count * log(of / (double) state->unit_days);
		}
		else if (state->more == 0) /* all others are customers */
		{
			*n -= i;
			return fit_state_group(state, groups, i);
		}
		else if (taken++ < i)
			memcpy(fit_state_group(state, groups, taken - 1), group, FIT_SLOT_SIZE(state->more));
	}
	*n = taken;
	return groups;
}

/*
 * From sorted groups to what the fit runs over; fills the fit's counts. Returns the groups of customers, and in customers how
 * many there are.
 */
FitGroup *
fit_data_of_state(const FitState *state, FitGroup *groups, FitData *data, ModelFit *fit,
				  int *customers)
{
	int n = state->ngroups;

	memset(data, 0, sizeof(*data));
	groups = take_customers(state, groups, &n, data);
	fit_data_of_groups(state, groups, n, data);
	for (int i = 0; i < n; i++)
		if (fit_state_group(state, groups, i)->key[0] > 0)
			fit->repeat_buyers += fit_state_group(state, groups, i)->count;
	fit->customers = (int64) data->customers;
	fit->left_out = state->left_out;
	CheckFitCustomers(data->customers, "customers");
	if (data->purchases == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no customer has bought again, so there is nothing to fit"),
				 errdetail("%.0f customers have one purchase day each.", data->customers),
				 errhint("Check that orders of one customer share one id, and that as_of is the "
						 "last day of the data.")));
	if (customers != NULL)
		*customers = n;
	return groups;
}

/* The names of a fit's covariates; an error if all customers were left out for want of them. */
Covariates
CheckFitNames(const FitState *state)
{
	Covariates names;

	if (fit_names_of(state) == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("no customer has covariates, so there is nothing to fit"),
						errdetail(INT64_FORMAT " customers have none.", state->left_out)));
	memcpy(&names, fit_names_of(state), sizeof(Covariates));
	SET_VARSIZE(&names, sizeof(Covariates));
	return names;
}

/* A fit goes through a few customers whatever they are like, if it has a coefficient for nearly each: ten for every one. */
static void
CheckEnoughForCovariates(const FitState *state, FitGroup *groups, int n)
{
	double customers = 0;
	int	   fewest = FIT_FEWEST_CUSTOMERS * (1 + state->more);

	for (int i = 0; i < n; i++)
		customers += fit_state_group(state, groups, i)->count;
	if (customers < fewest)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("too few customers to fit %d coefficients of covariates: %.0f",
							   state->more, customers),
						errdetail("A fit needs at least %d for each, and %d beside: %d.",
								  FIT_FEWEST_CUSTOMERS, FIT_FEWEST_CUSTOMERS, fewest),
						errhint("Leave covariates out, or cut them into fewer classes.")));
}

/* What the model that is fitted calls the i-th number, as parameters() does. */
static char *
number_name(const FitState *state, int i)
{
	const Covariates *names = fit_names_of(state);

	return state->kind == FIT_STATE_SPEND_COVARIATES ? spend_coefficient_name(names, i)
													 : covariates_number_name(names, i);
}

/* A covariate that is the same for all says nothing. */
static void
CheckVaries(const FitState *state, FitGroup *groups, const int *starts, int ngroups)
{
	const double *first = fit_state_group(state, groups, 0)->more;

	for (int i = 0; i < state->more; i++)
	{
		bool varies = false;

		for (int j = 1; j < ngroups && !varies; j++)
			varies = fit_state_group(state, groups, starts[j])->more[i] != first[i];
		if (!varies)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("covariate %s is the same for all customers", number_name(state, i)),
					 errhint("Leave it out.")));
	}
}

/* The column of a covariate over the groups in units of its largest, less its mean; returns the square of its length. */
static double
centred_column(const FitState *state, FitGroup *groups, const int *starts, int ngroups, int i,
			   double *column)
{
	double largest = 0;
	double mean = 0;
	double length = 0;

	for (int j = 0; j < ngroups; j++)
	{
		column[j] = fit_state_group(state, groups, starts[j])->more[i];
		largest = Max(largest, fabs(column[j]));
	}
	for (int j = 0; j < ngroups; j++)
		mean += (column[j] /= largest) / ngroups;
	for (int j = 0; j < ngroups; j++)
	{
		column[j] -= mean;
		length += column[j] * column[j];
	}
	return length;
}

/* Subtracts from a column what one of length 1 has of it; returns the square of the length that is left. */
static double
take_away(double *column, const double *unit, int n)
{
	double along = 0;
	double left = 0;

	for (int j = 0; j < n; j++)
		along += column[j] * unit[j];
	for (int j = 0; j < n; j++)
	{
		column[j] -= along * unit[j];
		left += column[j] * column[j];
	}
	return left;
}

/* Covariates from first until end of which one follows from others have no coefficients of their own (Gram and Schmidt). */
static void
CheckApart(const FitState *state, FitGroup *groups, const int *starts, int ngroups, int first,
		   int end)
{
	double *columns[COEFFICIENTS_MAX];

	for (int i = first; i < end; i++)
	{
		double *column = columns[i] = palloc(ngroups * sizeof(double));
		double	length = centred_column(state, groups, starts, ngroups, i, column);
		double	left = length;

		for (int j = first; j < i; j++)
			left = take_away(column, columns[j], ngroups);
		if (left <= 1e-18 * length)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("covariate %s follows from those before it", number_name(state, i)),
					 errhint("Leave it out. Classes need a number for each but one.")));
		for (int j = 0; j < ngroups; j++)
			column[j] /= sqrt(left);
	}
	for (int i = first; i < end; i++)
		pfree(columns[i]);
}

/*
 * How many different covariates the customers of n sorted groups have; starts: where those of each begin, and behind the last
 * one their end.
 */
int
fit_covariate_groups(const FitState *state, FitGroup *groups, int n, int **starts)
{
	Size size = state->more * sizeof(double);
	int	 ngroups = 0;
	int	 nbuying;

	*starts = palloc((COVARIATE_GROUPS_MAX + 1) * sizeof(int));
	for (int i = 0; i < n; i++)
	{
		if (i > 0 && memcmp(fit_state_group(state, groups, i)->more,
							fit_state_group(state, groups, i - 1)->more, size) == 0)
			continue;
		if (ngroups == COVARIATE_GROUPS_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many different covariates for one fit"),
					 errdetail("There are at most %d combinations of them.", COVARIATE_GROUPS_MAX),
					 errhint("Round numbers, or cut them into classes.")));
		(*starts)[ngroups++] = i;
	}
	(*starts)[ngroups] = n;
	CheckEnoughForCovariates(state, groups, n);
	CheckVaries(state, groups, *starts, ngroups);
	nbuying = Min(covariates_of_buying(fit_names_of(state)), state->more);
	CheckApart(state, groups, *starts, ngroups, 0, nbuying);
	CheckApart(state, groups, *starts, ngroups, nbuying, state->more);
	return ngroups;
}
