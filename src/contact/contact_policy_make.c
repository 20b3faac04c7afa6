/*
 * contact_policy_make.c: policies made from arguments: of one rule each, which +
 * puts one behind the other.
 */
#include "crm.h"

#include "base/names.h"
#include "contact/contact_policy.h"
#include "utils/builtins.h"

/* An interval of one unit as the length of a rule. */
static void
set_length(PolicyRule *rule, const Interval *span, const char *name)
{
	int64 length = 0;
	int	  units = (span->month != 0) + (span->day != 0) + (span->time != 0);

	if (units == 1 && span->time % USECS_PER_MINUTE == 0)
	{
		rule->unit = span->month != 0 ? RULE_MONTHS : span->day != 0 ? RULE_DAYS : RULE_MINUTES;
		length = span->month != 0 ? span->month
				 : span->day != 0 ? span->day
								  : span->time / USECS_PER_MINUTE;
	}
	else
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s must be whole minutes, days or months, not %s", name,
					DatumGetCString(DirectFunctionCall1(interval_out, PointerGetDatum(span))))));
	CheckLength(length, (RuleUnit) rule->unit);
	rule->length = (int32) length;
}

/* The channel of a rule; NULL is every channel. */
static void
set_channel(FunctionCallInfo fcinfo, int arg, PolicyRule *rule)
{
	if (!PG_ARGISNULL(arg))
	{
		text *channel = PG_GETARG_TEXT_PP(arg);

		channel_set(rule->channel, VARDATA_ANY(channel), VARSIZE_ANY_EXHDR(channel));
	}
}

/* At most so many contacts per length of time [, on a channel]. */
PG_FUNCTION_INFO_V1(crm_contact_cap);
Datum
crm_contact_cap(PG_FUNCTION_ARGS)
{
	ContactPolicy *p = policy_create(1);

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	p->rules[0].type = RULE_CAP;
	CheckContacts(PG_GETARG_INT32(0));
	p->rules[0].contacts = PG_GETARG_INT32(0);
	set_length(&p->rules[0], PG_GETARG_INTERVAL_P(1), "the window of a cap");
	set_channel(fcinfo, 2, &p->rules[0]);
	PG_RETURN_CONTACT_POLICY(p);
}

/* The minute of a time of day, which has no seconds. */
static int16
minute_argument(FunctionCallInfo fcinfo, int arg)
{
	TimeADT time = PG_GETARG_TIMEADT(arg);

	if (time % USECS_PER_MINUTE != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quiet times are in whole minutes, not %s",
						DatumGetCString(DirectFunctionCall1(time_out, TimeADTGetDatum(time))))));
	return (int16) (time / USECS_PER_MINUTE % MINUTES_PER_DAY);
}

/* No contact from one time of day to another, which may lie on the next day [, on a channel]. */
PG_FUNCTION_INFO_V1(crm_quiet_hours);
Datum
crm_quiet_hours(PG_FUNCTION_ARGS)
{
	ContactPolicy *p = policy_create(1);

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	p->rules[0].type = RULE_QUIET;
	p->rules[0].from = minute_argument(fcinfo, 0);
	p->rules[0].until = minute_argument(fcinfo, 1);
	CheckQuiet(p->rules[0].from, p->rules[0].until);
	set_channel(fcinfo, 2, &p->rules[0]);
	PG_RETURN_CONTACT_POLICY(p);
}

/* No contact for a length of time after an inbound kind or an outcome [, on a channel]. */
PG_FUNCTION_INFO_V1(crm_contact_pause);
Datum
crm_contact_pause(PG_FUNCTION_ARGS)
{
	ContactPolicy *p = policy_create(1);
	char		  *name;
	int			   event;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	p->rules[0].type = RULE_PAUSE;
	set_length(&p->rules[0], PG_GETARG_INTERVAL_P(0), "a pause");
	name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	event = policy_event_from(name);
	if (event < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown event \"%s\"", name),
				 errhint("Events are the kinds of inbound interactions (%s) and the outcomes of "
						 "outbound ones (%s).",
						 names_list(&interaction_kinds), names_list(&interaction_outcomes))));
	p->rules[0].event = (uint8) event;
	set_channel(fcinfo, 2, &p->rules[0]);
	PG_RETURN_CONTACT_POLICY(p);
}

/* A purpose, or kind of contact, that the other rules do not concern. */
PG_FUNCTION_INFO_V1(crm_contact_exempt);
Datum
crm_contact_exempt(PG_FUNCTION_ARGS)
{
	text		  *purpose = PG_GETARG_TEXT_PP(0);
	ContactPolicy *p = policy_create(1);

	p->rules[0].type = RULE_EXEMPT;
	purpose_set(p->rules[0].purpose, VARDATA_ANY(purpose), VARSIZE_ANY_EXHDR(purpose));
	PG_RETURN_CONTACT_POLICY(p);
}

/* a + b: the rules of a, then those of b. */
PG_FUNCTION_INFO_V1(crm_contact_policy_plus);
Datum
crm_contact_policy_plus(PG_FUNCTION_ARGS)
{
	ContactPolicy *a = PG_GETARG_CONTACT_POLICY(0);
	ContactPolicy *b = PG_GETARG_CONTACT_POLICY(1);
	ContactPolicy *sum = policy_create(a->nrules + b->nrules);

	memcpy(sum->rules, a->rules, a->nrules * sizeof(PolicyRule));
	memcpy(sum->rules + a->nrules, b->rules, b->nrules * sizeof(PolicyRule));
	PG_RETURN_CONTACT_POLICY(CheckPolicy(sum));
}
