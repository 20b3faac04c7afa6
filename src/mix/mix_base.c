/*
 * mix_base.c: the type mix_base: its value, text and binary forms, equality, order
 * and hash.
 *
 * The text form is "converged {bread 0.81, milk 1.2} customers 1234": the verdict
 * of the fit, the concentration of each category, and how many customers it was
 * fitted from.
 */
#include "crm.h"

#include <math.h>

#include "base/json.h"
#include "base/growth.h"
#include "base/names.h"
#include "base/scan.h"
#include "common/shortest_dec.h"
#include "miscadmin.h"
#include "mix/mix_base.h"
#include "utils/builtins.h"

typedef char VerdictName[16];

static const VerdictName verdict_names[DIRICHLET_VERDICTS] = {
	"converged",
	"pooled",
	"split",
	"unfinished",
};
static const Names verdicts = NAMES("verdict of a fit", "Verdicts", NULL, 0, verdict_names);

/* What a verdict says of a fit. */
static const char *const verdict_sentences[DIRICHLET_VERDICTS] = {
	"converged",
	"customers differ no more than chance lets them, or none bought on two days: preferences are "
	"those of the shop",
	"each customer bought of one category only: preferences are what he bought",
	"the fit did not converge",
};

/* A category comes behind the one before, and can be bought. */
static void
CheckNextCategory(const CategoryName *before, CategoryName name, double concentration)
{
	CheckCategory(name);
	if (before != NULL && category_compare(*before, name) >= 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("categories of a mix_base must be sorted, each once"),
						errdetail("\"%s\" comes after \"%s\".", pnstrdup(name.at, name.len),
								  pnstrdup(before->at, before->len))));
	if (!(concentration >= 1 / CONCENTRATION_LARGEST && concentration <= CONCENTRATION_LARGEST))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("concentration of category \"%s\" must be from %g to %g, not %g",
							   pnstrdup(name.at, name.len), 1 / CONCENTRATION_LARGEST,
							   CONCENTRATION_LARGEST, concentration)));
}

/* Somebody bought something. */
static void
CheckSomebody(int64 customers, int ncategories, double total)
{
	if (customers < 1 || ncategories < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a mix_base has at least one customer and one category")));
	if (!isfinite(total))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("sum of concentrations is out of range")));
}

/* A base of n categories, sorted; checked. */
MixBase *
mix_base_make(DirichletVerdict verdict, int64 customers, int n, const CategoryName *names,
			  const double *concentrations)
{
	Size	 size = 0;
	MixBase *base;

	for (int i = 0; i < n; i++)
	{
		CheckNextCategory(i > 0 ? &names[i - 1] : NULL, names[i], concentrations[i]);
		size += BASE_CATEGORY_SIZE(names[i].len);
	}
	base = palloc0(MIX_BASE_SIZE(size));
	SET_VARSIZE(base, MIX_BASE_SIZE(size));
	base->version = MIX_BASE_VERSION;
	base->verdict = (uint8) verdict;
	base->customers = customers;
	base->ncategories = n;
	for (int i = 0; i < n; i++)
	{
		BaseCategory *category = (BaseCategory *) (base->categories + base->used);

		category->concentration = concentrations[i];
		category->len = (uint16) names[i].len;
		memcpy(category->name, names[i].at, names[i].len);
		base->used += (int32) BASE_CATEGORY_SIZE(names[i].len);
		base->total += concentrations[i];
	}
	CheckSomebody(customers, n, base->total);
	return base;
}

/* Categories as they are read. */
typedef struct Reading
{
	int			  n;
	int			  room;
	CategoryName *names;
	double		 *concentrations;
} Reading;

/* Room for one category more. */
static void
make_room(Reading *read)
{
	int room = read->room;

	read->names = array_with_room(read->names, read->n, &room, sizeof(CategoryName));
	read->concentrations =
		array_with_room(read->concentrations, read->n, &read->room, sizeof(double));
}

PG_FUNCTION_INFO_V1(crm_mix_base_in);
Datum
crm_mix_base_in(PG_FUNCTION_ARGS)
{
	Scanner s = scan_start("mix_base", PG_GETARG_CSTRING(0));
	int		verdict = names_scan(&s, &verdicts);
	Reading read = {0};
	int64	customers;

	scan_char(&s, '{');
	do
	{
		CHECK_FOR_INTERRUPTS();
		make_room(&read);
		read.names[read.n] = category_of_string(scan_label(&s));
		read.concentrations[read.n++] = scan_float8(&s);
	} while (scan_try_char(&s, ','));
	scan_char(&s, '}');
	scan_word(&s, "customers");
	customers = scan_int64(&s);
	scan_end(&s);
	PG_RETURN_MIX_BASE(mix_base_make((DirichletVerdict) verdict, customers, read.n, read.names,
									 read.concentrations));
}

PG_FUNCTION_INFO_V1(crm_mix_base_out);
Datum
crm_mix_base_out(PG_FUNCTION_ARGS)
{
	MixBase		  *base = PG_GETARG_MIX_BASE(0);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "%s {", verdict_names[base->verdict]);
	for (const BaseCategory *at = base_first(base); at < base_end(base); at = base_next(at))
	{
		char digits[DOUBLE_SHORTEST_DECIMAL_LEN];

		double_to_shortest_decimal_buf(at->concentration, digits);
		appendStringInfoString(&out, at == base_first(base) ? "" : ", ");
		append_label(&out, pnstrdup(at->name, at->len), NULL);
		appendStringInfo(&out, " %s", digits);
	}
	appendStringInfo(&out, "} customers %lld", (long long) base->customers);
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(crm_mix_base_to_jsonb);
Datum
crm_mix_base_to_jsonb(PG_FUNCTION_ARGS)
{
	MixBase		  *base = PG_GETARG_MIX_BASE(0);
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"fit\":\"%s\",\"customers\":%lld,\"concentrations\":{",
					 verdict_names[base->verdict], (long long) base->customers);
	for (const BaseCategory *at = base_first(base); at < base_end(base); at = base_next(at))
	{
		char digits[DOUBLE_SHORTEST_DECIMAL_LEN];

		CHECK_FOR_INTERRUPTS();
		double_to_shortest_decimal_buf(at->concentration, digits);
		if (at != base_first(base))
			appendStringInfoChar(&json, ',');
		escape_json(&json, pnstrdup(at->name, at->len));
		appendStringInfo(&json, ":%s", digits);
	}
	appendStringInfoString(&json, "}}");
	PG_RETURN_DATUM(jsonb_of_text(&json));
}

/*
 * Binary form: version (int16), verdict and a reserved byte, customers (int64), the
 * number of categories (int32), and of each its name with its length before it
 * (int32) and its concentration (float8).
 */
PG_FUNCTION_INFO_V1(crm_mix_base_send);
Datum
crm_mix_base_send(PG_FUNCTION_ARGS)
{
	MixBase		  *base = PG_GETARG_MIX_BASE(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, base->version);
	pq_sendbyte(&out, base->verdict);
	pq_sendbyte(&out, base->flags);
	pq_sendint64(&out, base->customers);
	pq_sendint32(&out, base->ncategories);
	for (const BaseCategory *at = base_first(base); at < base_end(base); at = base_next(at))
	{
		send_counted_text(&out, at->name, at->len);
		pq_sendfloat8(&out, at->concentration);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(crm_mix_base_recv);
Datum
crm_mix_base_recv(PG_FUNCTION_ARGS)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	int		   version = (int) pq_getmsgint(message, 2);
	uint8	   verdict = receive_choice(message, "mix_base", "verdict", DIRICHLET_VERDICTS - 1);
	int		   flags = pq_getmsgbyte(message);
	int64	   customers = pq_getmsgint64(message);
	int		   n = receive_count(message, "mix_base", "categories", 13);
	Reading	   read = {0};

	CheckSentHeader("mix_base", version, flags, MIX_BASE_VERSION, 0);
	while (read.n < n)
	{
		CHECK_FOR_INTERRUPTS();
		make_room(&read);
		read.names[read.n] = category_of_string(receive_counted_text(message, "category"));
		read.concentrations[read.n++] = pq_getmsgfloat8(message);
	}
	PG_RETURN_MIX_BASE(mix_base_make((DirichletVerdict) verdict, customers, read.n, read.names,
									 read.concentrations));
}

/* How the fit ended, in words. */
PG_FUNCTION_INFO_V1(crm_mix_base_fit_verdict);
Datum
crm_mix_base_fit_verdict(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(verdict_sentences[PG_GETARG_MIX_BASE(0)->verdict]));
}

VALUE_FUNCTIONS(mix_base, value_bytes_order, value_bytes);
