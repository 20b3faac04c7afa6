/*
 * relationship_bands.c: the cuts of the bands of customers and margin, and the
 * level that their matrix recommends.
 *
 * The text form is, for example,
 * customers few < 100 <= medium < 10000 <= many; margin low < 50.00 <= medium < 500.00 <= high
 */
#include "crm.h"

#include "common/hashfn.h"
#include "base/json.h"
#include "base/names.h"
#include "base/value.h"
#include "libpq/pqformat.h"
#include "relationship/relationship_bands.h"
#include "relationship/relationship_level.h"
#include "base/scan.h"
#include "utils/builtins.h"

/* Bands from the lowest to the highest. */
#define BANDS 3
static const char  customers_bands[BANDS][8] = {"few", "medium", "many"};
static const char  margin_bands[BANDS][8] = {"low", "medium", "high"};
static const Names bands_of_customers = NAMES("customers band", "Bands", NULL, 0, customers_bands);
static const Names bands_of_margin = NAMES("margin band", "Bands", NULL, 0, margin_bands);

/* Kotler's matrix, by customers band and margin band. */
static const RelationshipLevel recommended[BANDS][BANDS] = {
	{LEVEL_ACCOUNTABLE, LEVEL_PROACTIVE, LEVEL_PARTNERSHIP}, /* few */
	{LEVEL_REACTIVE, LEVEL_ACCOUNTABLE, LEVEL_PROACTIVE},	 /* medium */
	{LEVEL_BASIC, LEVEL_REACTIVE, LEVEL_ACCOUNTABLE},		 /* many */
};

/* Numbers of customers are positive, and each cut is above the one before. */
static RelationshipBands *
CheckBands(RelationshipBands *bands)
{
	if (bands->medium_customers < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("medium cannot begin at %lld customers",
							   (long long) bands->medium_customers),
						errdetail("A number of customers is at least 1.")));
	if (bands->many_customers <= bands->medium_customers)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("many customers (%lld) must be more than medium (%lld)",
						(long long) bands->many_customers, (long long) bands->medium_customers)));
	if (!AmountIsValid(bands->medium_margin))
		amount_out_of_range(amount_to_text(bands->medium_margin));
	if (!AmountIsValid(bands->high_margin))
		amount_out_of_range(amount_to_text(bands->high_margin));
	if (bands->high_margin <= bands->medium_margin)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a high margin (%s) must be more than a medium one (%s)",
						amount_to_text(bands->high_margin), amount_to_text(bands->medium_margin))));
	return bands;
}

/* Read "< cut <=". */
static void
scan_relation(Scanner *s, bool equal)
{
	scan_char(s, '<');
	if (equal)
		scan_char(s, '=');
}

PG_FUNCTION_INFO_V1(crm_relationship_bands_in);
Datum
crm_relationship_bands_in(PG_FUNCTION_ARGS)
{
	Scanner			   s = scan_start("relationship_bands", PG_GETARG_CSTRING(0));
	RelationshipBands *bands = palloc(sizeof(RelationshipBands));

	scan_word(&s, "customers");
	scan_word(&s, "few");
	scan_relation(&s, false);
	bands->medium_customers = scan_int64(&s);
	scan_relation(&s, true);
	scan_word(&s, "medium");
	scan_relation(&s, false);
	bands->many_customers = scan_int64(&s);
	scan_relation(&s, true);
	scan_word(&s, "many");
	scan_char(&s, ';');
	scan_word(&s, "margin");
	scan_word(&s, "low");
	scan_relation(&s, false);
	bands->medium_margin = scan_amount(&s);
	scan_relation(&s, true);
	scan_word(&s, "medium");
	scan_relation(&s, false);
	bands->high_margin = scan_amount(&s);
	scan_relation(&s, true);
	scan_word(&s, "high");
	scan_end(&s);
	PG_RETURN_POINTER(CheckBands(bands));
}

PG_FUNCTION_INFO_V1(crm_relationship_bands_out);
Datum
crm_relationship_bands_out(PG_FUNCTION_ARGS)
{
	RelationshipBands *bands = PG_GETARG_RELATIONSHIP_BANDS(0);

	PG_RETURN_CSTRING(psprintf(
		"customers few < %lld <= medium < %lld <= many; margin low < %s <= medium < %s <= high",
		(long long) bands->medium_customers, (long long) bands->many_customers,
		amount_to_text(bands->medium_margin), amount_to_text(bands->high_margin)));
}

PG_FUNCTION_INFO_V1(crm_relationship_bands_to_jsonb);
Datum
crm_relationship_bands_to_jsonb(PG_FUNCTION_ARGS)
{
	RelationshipBands *bands = PG_GETARG_RELATIONSHIP_BANDS(0);
	StringInfoData	   json;

	initStringInfo(&json);
	appendStringInfo(&json,
					 "{\"medium_customers\":%lld,\"many_customers\":%lld,\"medium_margin\":%s,"
					 "\"high_margin\":%s}",
					 (long long) bands->medium_customers, (long long) bands->many_customers,
					 amount_to_text(bands->medium_margin), amount_to_text(bands->high_margin));
	PG_RETURN_DATUM(jsonb_of_text(&json));
}

/* Binary form: the four cuts (int64), margins in 1/10000 of the currency unit. */
PG_FUNCTION_INFO_V1(crm_relationship_bands_send);
Datum
crm_relationship_bands_send(PG_FUNCTION_ARGS)
{
	RelationshipBands *bands = PG_GETARG_RELATIONSHIP_BANDS(0);
	StringInfoData	   out;

	pq_begintypsend(&out);
	pq_sendint64(&out, bands->medium_customers);
	pq_sendint64(&out, bands->many_customers);
	pq_sendint64(&out, bands->medium_margin);
	pq_sendint64(&out, bands->high_margin);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(crm_relationship_bands_recv);
Datum
crm_relationship_bands_recv(PG_FUNCTION_ARGS)
{
	StringInfo		   message = (StringInfo) PG_GETARG_POINTER(0);
	RelationshipBands *bands = palloc(sizeof(RelationshipBands));

	bands->medium_customers = pq_getmsgint64(message);
	bands->many_customers = pq_getmsgint64(message);
	bands->medium_margin = pq_getmsgint64(message);
	bands->high_margin = pq_getmsgint64(message);
	PG_RETURN_POINTER(CheckBands(bands));
}

/* The bands of four cuts: medium and many customers, medium and high margin begin there. */
PG_FUNCTION_INFO_V1(crm_relationship_bands);
Datum
crm_relationship_bands(PG_FUNCTION_ARGS)
{
	RelationshipBands *bands = palloc(sizeof(RelationshipBands));

	bands->medium_customers = PG_GETARG_INT64(0);
	bands->many_customers = PG_GETARG_INT64(1);
	bands->medium_margin = amount_from_numeric(PG_GETARG_NUMERIC(2));
	bands->high_margin = amount_from_numeric(PG_GETARG_NUMERIC(3));
	PG_RETURN_POINTER(CheckBands(bands));
}

static int
compare_bands(FunctionCallInfo fcinfo)
{
	RelationshipBands *a = PG_GETARG_RELATIONSHIP_BANDS(0);
	RelationshipBands *b = PG_GETARG_RELATIONSHIP_BANDS(1);
	int				   order = CRM_COMPARE(a->medium_customers, b->medium_customers);

	if (order == 0)
		order = CRM_COMPARE(a->many_customers, b->many_customers);
	if (order == 0)
		order = CRM_COMPARE(a->medium_margin, b->medium_margin);
	if (order == 0)
		order = CRM_COMPARE(a->high_margin, b->high_margin);
	return order;
}

COMPARISON_FUNCTIONS(relationship_bands, compare_bands);

PG_FUNCTION_INFO_V1(crm_relationship_bands_hash);
Datum
crm_relationship_bands_hash(PG_FUNCTION_ARGS)
{
	return hash_any((const unsigned char *) PG_GETARG_RELATIONSHIP_BANDS(0),
					sizeof(RelationshipBands));
}

PG_FUNCTION_INFO_V1(crm_relationship_bands_hash_extended);
Datum
crm_relationship_bands_hash_extended(PG_FUNCTION_ARGS)
{
	return hash_any_extended((const unsigned char *) PG_GETARG_RELATIONSHIP_BANDS(0),
							 sizeof(RelationshipBands), PG_GETARG_INT64(1));
}

static int
band_of(int64 value, int64 medium, int64 high)
{
	return (value >= medium) + (value >= high);
}

static int
band_of_customers(const RelationshipBands *bands, int64 customers)
{
	if (customers < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of customers cannot be negative: %lld", (long long) customers)));
	return band_of(customers, bands->medium_customers, bands->many_customers);
}

static int
band_of_margin(const RelationshipBands *bands, Numeric margin)
{
	return band_of(amount_from_numeric(margin), bands->medium_margin, bands->high_margin);
}

/* The band that a number of customers falls in: few, medium or many. */
PG_FUNCTION_INFO_V1(crm_customers_band);
Datum
crm_customers_band(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(
		customers_bands[band_of_customers(PG_GETARG_RELATIONSHIP_BANDS(0), PG_GETARG_INT64(1))]));
}

/* The band that a margin per customer falls in: low, medium or high. */
PG_FUNCTION_INFO_V1(crm_margin_band);
Datum
crm_margin_band(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(
		margin_bands[band_of_margin(PG_GETARG_RELATIONSHIP_BANDS(0), PG_GETARG_NUMERIC(1))]));
}

/* Who wants no relationship gets answers, and no more. */
static RelationshipLevel
as_wanted(RelationshipLevel level, bool wants_relationship)
{
	return wants_relationship ? level : Min(level, LEVEL_REACTIVE);
}

/* The level that the matrix recommends for two bands. */
PG_FUNCTION_INFO_V1(crm_recommended_level);
Datum
crm_recommended_level(PG_FUNCTION_ARGS)
{
	int customers = names_get_text(&bands_of_customers, PG_GETARG_TEXT_PP(0));
	int margin = names_get_text(&bands_of_margin, PG_GETARG_TEXT_PP(1));

	PG_RETURN_RELATIONSHIP_LEVEL(as_wanted(recommended[customers][margin], PG_GETARG_BOOL(2)));
}

/* The level that the matrix recommends for a number of customers and the margin of one. */
PG_FUNCTION_INFO_V1(crm_recommended_level_of);
Datum
crm_recommended_level_of(PG_FUNCTION_ARGS)
{
	RelationshipBands *bands = PG_GETARG_RELATIONSHIP_BANDS(0);
	int				   customers = band_of_customers(bands, PG_GETARG_INT64(1));
	int				   margin = band_of_margin(bands, PG_GETARG_NUMERIC(2));

	PG_RETURN_RELATIONSHIP_LEVEL(as_wanted(recommended[customers][margin], PG_GETARG_BOOL(3)));
}
