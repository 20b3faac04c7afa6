/*
 * fit_state_io.c: text and binary forms of purchase_model_state and spend_model_state.
 *
 * The text form lists the groups in order, behind what the fit is given beside customers:
 *   days unit_days 7, left_out 2; 0 0 270:3, 1 14 200:1
 *   seasoned unit_days 1, left_out 0 by (month 0.7 ... 1.95); -1 0 0:5, 1 14.2 200.1:1
 *   covariates unit_days 1, left_out 1 by (buying(channel 0)); 1 14 200 with 1:1
 *   covariates unit_days 7, left_out 1 by season (month 0.7 ... 1.95) by (buying(channel 0)); -1 0 0 with 1:1, 1 14.2 200.1 with 1:1
 */
#include "crm.h"

#include <math.h>

#include "base/scan.h"
#include "lifetime/btyd.h"
#include "lifetime/fit_state.h"
#include "lifetime/fit_holdout.h"
#include "lifetime/fit_record.h"
#include "lifetime/occasions.h"
#include "lifetime/spend_model.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"

static const char *const kind_words[] = {NULL,		   "days",		"regular",		   "numbers",
										 "spend",	   "occasions", "season",		   "seasoned",
										 "covariates", "holdout",	"spend_covariates"};

#define KIND_WORDS                                                                        \
	"days, regular, numbers, spend, occasions, season, seasoned, covariates, holdout or " \
	"spend_covariates"

static bool
is_day(double number)
{
	return number == floor(number) && number >= DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE &&
		   number < DATE_END_JULIAN - POSTGRES_EPOCH_JDATE;
}

/* n purchase days strictly between two days; they leave room for so many. */
static bool
season_group_is_sound(const double *key)
{
	return key[0] >= 1 && key[0] == floor(key[0]) && is_day(key[1]) && is_day(key[2]) &&
		   key[0] <= key[2] - key[1] - 1;
}

/* The period that bins of a state are of. */
static int
bins_period(const FitState *state)
{
	return state->kind == FIT_STATE_SEASON ? SEASON_PERIOD(state->unit_days)
										   : fit_season_of(state)->period;
}

/* A group as input or the network gives it is one that a transition could have made. */
static void
CheckGroup(const FitState *state, const FitGroup *group)
{
	int			  kind = state->kind;
	const double *key = group->key;
	bool is_gap = (kind == FIT_STATE_REGULAR || kind == FIT_STATE_HOLDOUT) && key[0] == GAP_X;
	bool by_season = fit_season_of(state) != NULL;
	bool is_bin = (kind == FIT_STATE_SEASON || by_season) && key[0] == GAP_X;
	bool sound = group->count > 0;

	if (kind == FIT_STATE_SPEND || kind == FIT_STATE_SPEND_COVARIATES)
		sound = sound && key[0] >= 1 && key[0] <= 1e9 && key[0] == floor(key[0]) && key[1] > 0 &&
				key[1] <= MEAN_SPEND_MAX && key[2] == 0;
	else if (kind == FIT_STATE_OCCASIONS)
		sound = sound && key[0] >= 0 && key[2] >= 1 && key[2] <= OCCASIONS_MAX &&
				key[0] == floor(key[0]) && key[1] == floor(key[1]) && key[2] == floor(key[2]) &&
				occasions_are_sound(key[0], key[1], key[2]);
	else if (is_bin)
		sound = sound && key[1] >= 0 && key[1] < season_year(bins_period(state))->nbins &&
				key[1] == floor(key[1]) && key[2] == 0;
	else if (kind == FIT_STATE_SEASON)
		sound = sound && season_group_is_sound(key);
	else if (is_gap)
		sound = sound && key[1] >= 1 && key[1] <= 1e9 && key[1] == floor(key[1]) &&
				(key[2] == 0 || (kind == FIT_STATE_HOLDOUT && key[2] == 1));
	else if (kind == FIT_STATE_HOLDOUT && key[0] < 0)
		sound = sound && holdout_group_is_sound(key);
	else
		sound = sound && key[2] > 0 &&
				(kind == FIT_STATE_NUMBERS || by_season ||
				 (key[1] == floor(key[1]) && key[2] == floor(key[2])));
	if (!sound)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("fit state holds a group that cannot be: %g %g %g", key[0], key[1],
							   key[2])));
	if ((kind <= FIT_STATE_NUMBERS && !is_gap) ||
		((by_season || kind == FIT_STATE_COVARIATES) && !is_bin) ||
		(kind == FIT_STATE_HOLDOUT && !(key[0] < 0)))
		(void) CheckBtyd(key[0], key[1], key[2]);
}

/* Names of covariates, of buying alone where they are to say how much is spent. */
static Covariates *
CheckNames(int kind, Covariates *names)
{
	if (kind == FIT_STATE_SPEND_COVARIATES && covariates_of_leaving(names) > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a spend model has no coefficients of leaving")));
	return names;
}

/* A group with room for the longest key. */
typedef union ReadGroup
{
	FitGroup group;
	char	 room[FIT_SLOT_SIZE(COVARIATES_MAX * 2)];
} ReadGroup;

/* Adds a group that was read; each may come once. */
static FitState *
add_read_group(FitState *state, FitGroup *group)
{
	int before = state->ngroups;

	for (int i = 0; i < 3; i++)
		group->key[i] += 0.0; /* no minus zero */
	for (int i = 0; i < state->more; i++)
		group->more[i] = CheckCovariate(group->more[i]);
	CheckGroup(state, group);
	state = fit_state_add_key(state, group->key, group->more, group->count);
	if (state->ngroups == before)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("fit state holds a group twice: %g %g %g", group->key[0],
							   group->key[1], group->key[2])));
	return state;
}

/* spend: whether the type is spend_model_state. */
static void
CheckStateHeader(const FitState *state, bool spend)
{
	if (state->version != FIT_STATE_VERSION || state->kind < 1 || state->kind > FIT_STATE_KINDS ||
		(state->kind == FIT_STATE_SPEND || state->kind == FIT_STATE_SPEND_COVARIATES) != spend ||
		state->left_out < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("unknown fit state of version %d, kind %d", state->version, state->kind)));
	CheckUnitDays(state->unit_days);
	if (state->kind == FIT_STATE_SEASON &&
		state->unit_days != SEASON_UNIT_DAYS(SEASON_PERIOD(state->unit_days)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fit state of a season cannot have bins of %d days", state->unit_days)));
}

/* What a state of a kind is given beside customers, in its text form; NULL if it is given nothing. */
static void *
scan_given(Scanner *s, int kind)
{
	Covariates *names = NULL;
	Season	   *season = NULL;
	bool		by;

	if (kind != FIT_STATE_SEASONED && !fit_state_has_covariates(kind))
		return NULL;
	by = scan_try_word(s, "by");
	if (by && kind == FIT_STATE_COVARIATES && scan_try_word(s, "season"))
	{
		scan_char(s, '(');
		season = season_scan(s);
		scan_char(s, ')');
		by = scan_try_word(s, "by");
	}
	if (by)
	{
		scan_char(s, '(');
		if (kind == FIT_STATE_SEASONED)
			season = season_scan(s);
		else
			names = CheckNames(kind, covariates_names(covariates_scan(s)));
		scan_char(s, ')');
	}
	else if (kind == FIT_STATE_SEASONED)
		scan_error(s, "by");
	return kind == FIT_STATE_SEASONED ? (void *) season : (void *) fit_given(names, season);
}

static int
numbers_more(int kind, const void *given)
{
	const Covariates *names = fit_given_names(kind, given);

	return names != NULL ? covariates_count(names) : 0;
}

static Datum
state_in(FunctionCallInfo fcinfo, const char *type_name, bool spend)
{
	Scanner	  s = scan_start(type_name, PG_GETARG_CSTRING(0));
	FitState *state;
	FitState  header = {.version = FIT_STATE_VERSION};
	void	 *given;
	int64	  unit_days;
	int		  kind = 1;

	while (kind <= FIT_STATE_KINDS && !scan_try_word(&s, kind_words[kind]))
		kind++;
	if (kind > FIT_STATE_KINDS)
		scan_error(&s, KIND_WORDS);
	scan_word(&s, "unit_days");
	unit_days = scan_int64(&s);
	header.kind = kind;
	header.unit_days = (int32) Min(Max(unit_days, 0), PG_INT32_MAX);
	scan_char(&s, ',');
	scan_word(&s, "left_out");
	header.left_out = scan_int64(&s);
	CheckStateHeader(&header, spend);
	given = scan_given(&s, kind);
	state = fit_state_create_with(kind, header.unit_days, given, numbers_more(kind, given),
								  FIT_STATE_FIRST_CAPACITY);
	state->left_out = header.left_out;
	if ((!fit_state_has_covariates(kind) || fit_given_names(kind, given) != NULL) &&
		scan_try_char(&s, ';'))
		do
		{
			ReadGroup read;

			for (int i = 0; i < 3; i++)
				read.group.key[i] = scan_float8(&s);
			if (state->more > 0)
				scan_word(&s, "with");
			for (int i = 0; i < state->more; i++)
				read.group.more[i] = scan_float8(&s);
			scan_char(&s, ':');
			read.group.count = scan_int64(&s);
			state = add_read_group(state, &read.group);
		} while (scan_try_char(&s, ','));
	scan_end(&s);
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(crm_fit_state_out);
Datum
crm_fit_state_out(PG_FUNCTION_ARGS)
{
	FitState	  *state = PG_GETARG_FIT_STATE(0);
	FitGroup	  *groups = fit_state_sorted(state);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "%s unit_days %d, left_out " INT64_FORMAT, kind_words[state->kind],
					 state->unit_days, state->left_out);
	if (fit_season_of(state) != NULL)
	{
		appendStringInfoString(&out, state->kind == FIT_STATE_SEASONED ? " by (" : " by season (");
		season_append_text(&out, fit_season_of(state));
		appendStringInfoChar(&out, ')');
	}
	if (fit_names_of(state) != NULL)
	{
		appendStringInfoString(&out, " by (");
		covariates_append_text(&out, fit_names_of(state));
		appendStringInfoChar(&out, ')');
	}
	for (int i = 0; i < state->ngroups; i++)
	{
		const FitGroup *group = fit_state_group(state, groups, i);

		appendStringInfoString(&out, i == 0 ? "; " : ", ");
		for (int j = 0; j < 3; j++)
		{
			if (j > 0)
				appendStringInfoChar(&out, ' ');
			append_float8(&out, group->key[j]);
		}
		for (int j = 0; j < state->more; j++)
		{
			appendStringInfoString(&out, j == 0 ? " with " : " ");
			append_float8(&out, group->more[j]);
		}
		appendStringInfo(&out, ":" INT64_FORMAT, group->count);
	}
	PG_RETURN_CSTRING(out.data);
}

/* What the head of a state of customers with covariates holds, in its binary form. */
#define GIVEN_NAMES 1
#define GIVEN_SEASON 2

PG_FUNCTION_INFO_V1(crm_fit_state_send);
Datum
crm_fit_state_send(PG_FUNCTION_ARGS)
{
	FitState	  *state = PG_GETARG_FIT_STATE(0);
	FitGroup	  *groups = fit_state_sorted(state);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, state->version);
	pq_sendint16(&out, state->kind);
	pq_sendint32(&out, state->unit_days);
	pq_sendint64(&out, state->left_out);
	if (fit_state_has_covariates(state->kind))
		pq_sendint8(&out, (fit_names_of(state) != NULL ? GIVEN_NAMES : 0) |
							  (fit_season_of(state) != NULL ? GIVEN_SEASON : 0));
	if (fit_names_of(state) != NULL)
		covariates_append_bytes(&out, fit_names_of(state));
	if (fit_season_of(state) != NULL)
		season_append_bytes(&out, fit_season_of(state));
	pq_sendint32(&out, state->ngroups);
	for (int i = 0; i < state->ngroups; i++)
	{
		const FitGroup *group = fit_state_group(state, groups, i);

		for (int j = 0; j < 3; j++)
			pq_sendfloat8(&out, group->key[j]);
		for (int j = 0; j < state->more; j++)
			pq_sendfloat8(&out, group->more[j]);
		pq_sendint64(&out, group->count);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* What a state of a kind is given beside customers, in its binary form; NULL if it is given nothing. */
static void *
receive_given(StringInfo message, int kind)
{
	Covariates *names = NULL;
	int			given;

	if (kind == FIT_STATE_SEASONED)
		return season_from_bytes(message);
	if (!fit_state_has_covariates(kind))
		return NULL;
	given = pq_getmsgbyte(message);
	if (given > (kind == FIT_STATE_COVARIATES ? GIVEN_NAMES | GIVEN_SEASON : GIVEN_NAMES))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("fit state of unknown covariates")));
	if (given & GIVEN_NAMES)
		names = CheckNames(kind, covariates_names(covariates_from_bytes(message)));
	return fit_given(names, given & GIVEN_SEASON ? season_from_bytes(message) : NULL);
}

/* Grows as groups arrive, so that no length of the message sizes an allocation. */
static Datum
state_recv(FunctionCallInfo fcinfo, bool spend)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	FitState   header = {.version = pq_getmsgint(message, 2)};
	void	  *given;
	FitState  *state;
	int32	   ngroups;

	header.kind = pq_getmsgint(message, 2);
	header.unit_days = pq_getmsgint(message, 4);
	header.left_out = pq_getmsgint64(message);
	CheckStateHeader(&header, spend);
	given = receive_given(message, header.kind);
	ngroups = pq_getmsgint(message, 4);
	state = fit_state_create_with(header.kind, header.unit_days, given,
								  numbers_more(header.kind, given), FIT_STATE_FIRST_CAPACITY);
	state->left_out = header.left_out;
	if (ngroups < 0 || (ngroups > 0 && fit_state_has_covariates(header.kind) &&
						fit_given_names(header.kind, given) == NULL))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("fit state cannot hold %d groups", ngroups)));
	for (int i = 0; i < ngroups; i++)
	{
		ReadGroup read;

		for (int j = 0; j < 3; j++)
			read.group.key[j] = pq_getmsgfloat8(message);
		for (int j = 0; j < state->more; j++)
			read.group.more[j] = pq_getmsgfloat8(message);
		read.group.count = pq_getmsgint64(message);
		state = add_read_group(state, &read.group);
	}
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(crm_purchase_model_state_in);
Datum
crm_purchase_model_state_in(PG_FUNCTION_ARGS)
{
	return state_in(fcinfo, "purchase_model_state", false);
}

PG_FUNCTION_INFO_V1(crm_spend_model_state_in);
Datum
crm_spend_model_state_in(PG_FUNCTION_ARGS)
{
	return state_in(fcinfo, "spend_model_state", true);
}

PG_FUNCTION_INFO_V1(crm_purchase_model_state_recv);
Datum
crm_purchase_model_state_recv(PG_FUNCTION_ARGS)
{
	return state_recv(fcinfo, false);
}

PG_FUNCTION_INFO_V1(crm_spend_model_state_recv);
Datum
crm_spend_model_state_recv(PG_FUNCTION_ARGS)
{
	return state_recv(fcinfo, true);
}
