/*
 * covariates.c: the type covariates: its checks and its text and binary forms.
 *
 * The text form names the numbers of buying, then those of leaving, as far as there are any; "none" without any:
 *   buying(channel 1, age 34) leaving(channel 1, age 34)
 */
#include "crm.h"

#include "base/value.h"
#include "catalog/pg_type.h"
#include "lifetime/covariates.h"
#include "lifetime/fit_record.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"

static Covariates *
create(void)
{
	Covariates *c = palloc0(sizeof(Covariates));

	SET_VARSIZE(c, sizeof(Covariates));
	c->version = COVARIATES_VERSION;
	return c;
}

static void
CheckCount(int n)
{
	if (n > COVARIATES_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many covariates"),
						errdetail("There are at most %d.", COVARIATES_MAX)));
}

/* A name of one byte at least that fits, and that comes once. */
static void
add_name(Covariates *c, const char *name)
{
	CheckCount(c->n + 1);
	if (name[0] == '\0' || strlen(name) >= NAMEDATALEN)
		ereport(ERROR, (errcode(ERRCODE_INVALID_NAME),
						errmsg("\"%s\" cannot be the name of a covariate", name),
						errdetail("A name has 1 to %d bytes.", NAMEDATALEN - 1)));
	for (int i = 0; i < c->n; i++)
		if (strcmp(c->names[i], name) == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("covariate \"%s\" is named twice", name)));
	memcpy(c->names[c->n++], name, strlen(name) + 1);
}

/* All numbers, of buying first. */
void
covariates_numbers(const Covariates *c, double *numbers)
{
	memcpy(numbers, c->buying, covariates_of_buying(c) * sizeof(double));
	memcpy(numbers + covariates_of_buying(c), c->leaving,
		   covariates_of_leaving(c) * sizeof(double));
}

void
covariates_set_numbers(Covariates *c, const double *numbers)
{
	memcpy(c->buying, numbers, covariates_of_buying(c) * sizeof(double));
	memcpy(c->leaving, numbers + covariates_of_buying(c),
		   covariates_of_leaving(c) * sizeof(double));
}

/* "buying.channel", palloc'ed. */
char *
covariates_number_name(const Covariates *c, int i)
{
	return i < covariates_of_buying(c)
			   ? psprintf("buying.%s", c->names[i])
			   : psprintf("leaving.%s", c->names[i - covariates_of_buying(c)]);
}

/* The same names, without numbers. */
Covariates *
covariates_names(const Covariates *c)
{
	Covariates *names = create();

	memcpy(names, c, sizeof(Covariates));
	memset(names->buying, 0, sizeof(names->buying));
	memset(names->leaving, 0, sizeof(names->leaving));
	return names;
}

/* What is left where nobody leaves: the coefficients of buying, if there are any. */
void
covariates_drop_leaving(Covariates *c)
{
	c->sets &= COVARIATES_OF_BUYING;
	memset(c->leaving, 0, sizeof(c->leaving));
	if (c->sets == 0)
	{
		memset(c->names, 0, sizeof(c->names));
		c->n = 0;
	}
}

/* The numbers of one set, from an array; NULL stands for no set. False if one of them is NULL. */
static bool
read_set(Covariates *c, ArrayType *array, int set, double *numbers)
{
	Datum *values;
	bool  *nulls;
	int	   n;

	deconstruct_array(array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, 'd', &values, &nulls, &n);
	if (n != c->n)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("%d names of covariates cannot have %d numbers of %s", c->n, n,
							   set == COVARIATES_OF_BUYING ? "buying" : "leaving")));
	if (n > 0)
		c->sets |= set;
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			return false;
		numbers[i] = CheckCovariate(DatumGetFloat8(values[i]));
	}
	return true;
}

/* (names, buying, leaving): NULL if a number is, since nothing is then known of the customer. */
PG_FUNCTION_INFO_V1(crm_covariates);
Datum
crm_covariates(PG_FUNCTION_ARGS)
{
	Covariates *c = create();
	Datum	   *names;
	bool	   *nulls;
	int			n;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, 'i', &names, &nulls, &n);
	CheckCount(n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("the name of a covariate cannot be null")));
		add_name(c, TextDatumGetCString(names[i]));
	}
	if ((!PG_ARGISNULL(1) &&
		 !read_set(c, PG_GETARG_ARRAYTYPE_P(1), COVARIATES_OF_BUYING, c->buying)) ||
		(!PG_ARGISNULL(2) &&
		 !read_set(c, PG_GETARG_ARRAYTYPE_P(2), COVARIATES_OF_LEAVING, c->leaving)))
		PG_RETURN_NULL();
	if (n > 0 && c->sets == 0)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(c);
}

static void
append_set(StringInfo out, const Covariates *c, const char *word, const double *numbers)
{
	appendStringInfo(out, "%s(", word);
	for (int i = 0; i < c->n; i++)
	{
		if (i > 0)
			appendStringInfoString(out, ", ");
		append_label(out, c->names[i], NULL);
		appendStringInfoChar(out, ' ');
		append_float8(out, numbers[i]);
	}
	appendStringInfoChar(out, ')');
}

void
covariates_append_text(StringInfo out, const Covariates *c)
{
	if (c->n == 0)
		appendStringInfoString(out, "none");
	if (c->sets & COVARIATES_OF_BUYING)
		append_set(out, c, "buying", c->buying);
	if (c->sets == (COVARIATES_OF_BUYING | COVARIATES_OF_LEAVING))
		appendStringInfoChar(out, ' ');
	if (c->sets & COVARIATES_OF_LEAVING)
		append_set(out, c, "leaving", c->leaving);
}

/* One set; the second has the names of the first. */
static void
scan_set(Scanner *s, Covariates *c, int set, double *numbers)
{
	int n = 0;

	scan_char(s, '(');
	do
	{
		const Scanner start = *s;
		char		 *name = scan_label(s);

		if (c->sets == 0)
			add_name(c, name);
		else if (n >= c->n || strcmp(c->names[n], name) != 0)
			scan_error(&start, "the names of buying in their order");
		numbers[n++] = CheckCovariate(scan_float8(s));
	} while (scan_try_char(s, ','));
	if (n < c->n)
		scan_error(s, "the names of buying in their order");
	scan_char(s, ')');
	c->sets |= set;
}

/* Reads what covariates_append_text writes. */
Covariates *
covariates_scan(Scanner *s)
{
	Covariates *c = create();

	if (scan_try_word(s, "none"))
		return c;
	if (scan_try_word(s, "buying"))
		scan_set(s, c, COVARIATES_OF_BUYING, c->buying);
	if (scan_try_word(s, "leaving"))
		scan_set(s, c, COVARIATES_OF_LEAVING, c->leaving);
	if (c->sets == 0)
		scan_error(s, "none, buying or leaving");
	return c;
}

void
covariates_append_bytes(StringInfo out, const Covariates *c)
{
	pq_sendint16(out, c->version);
	pq_sendint8(out, c->n);
	pq_sendint8(out, c->sets);
	for (int i = 0; i < c->n; i++)
		pq_sendstring(out, c->names[i]);
	for (int i = 0; i < covariates_of_buying(c); i++)
		pq_sendfloat8(out, c->buying[i]);
	for (int i = 0; i < covariates_of_leaving(c); i++)
		pq_sendfloat8(out, c->leaving[i]);
}

/* Reads what covariates_append_bytes writes. */
Covariates *
covariates_from_bytes(StringInfo message)
{
	int			version = pq_getmsgint(message, 2);
	int			n = pq_getmsgbyte(message);
	int			sets = pq_getmsgbyte(message);
	Covariates *c = create();

	CheckSentHeader("covariates", version, 0, COVARIATES_VERSION, 0);
	if ((sets & ~(COVARIATES_OF_BUYING | COVARIATES_OF_LEAVING)) != 0 || (n == 0) != (sets == 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("covariates cannot have %d names and numbers of kind %d", n, sets)));
	CheckCount(n);
	for (int i = 0; i < n; i++)
		add_name(c, pq_getmsgstring(message));
	c->sets = sets;
	for (int i = 0; i < covariates_of_buying(c); i++)
		c->buying[i] = CheckCovariate(pq_getmsgfloat8(message));
	for (int i = 0; i < covariates_of_leaving(c); i++)
		c->leaving[i] = CheckCovariate(pq_getmsgfloat8(message));
	return c;
}

PG_FUNCTION_INFO_V1(crm_covariates_in);
Datum
crm_covariates_in(PG_FUNCTION_ARGS)
{
	Scanner		s = scan_start("covariates", PG_GETARG_CSTRING(0));
	Covariates *c = covariates_scan(&s);

	scan_end(&s);
	PG_RETURN_POINTER(c);
}

PG_FUNCTION_INFO_V1(crm_covariates_out);
Datum
crm_covariates_out(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	initStringInfo(&out);
	covariates_append_text(&out, PG_GETARG_COVARIATES(0));
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(crm_covariates_send);
Datum
crm_covariates_send(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	pq_begintypsend(&out);
	covariates_append_bytes(&out, PG_GETARG_COVARIATES(0));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(crm_covariates_recv);
Datum
crm_covariates_recv(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(covariates_from_bytes((StringInfo) PG_GETARG_POINTER(0)));
}

VALUE_FUNCTIONS(covariates, value_bytes_order, value_bytes);
