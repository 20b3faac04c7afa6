/*
 * rfm.c: the type rfm: text, binary form and digits.
 *
 * The text form is the three digits, 545; with other than five bins the number
 * of bins follows: 333/3.
 */
#include "crm.h"

#include "libpq/pqformat.h"
#include "scoring/rfm.h"
#include "base/scan.h"

/* A score lies in its bins. */
static inline void
CheckRfmScore(int score, int bins)
{
	if (score < 1 || score > bins)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("score %d is out of range for %d bins", score, bins)));
}

/* The value of three scores; errors if they do not lie in the bins. */
Rfm
rfm_make(int bins, int recency, int frequency, int monetary)
{
	CheckRfmBins(bins);
	CheckRfmScore(recency, bins);
	CheckRfmScore(frequency, bins);
	CheckRfmScore(monetary, bins);
	return bins * 1000 + recency * 100 + frequency * 10 + monetary;
}

/* The text form, palloc'ed; a printf would take longer than all the rest of a score. */
char *
rfm_to_text(Rfm rfm)
{
	char *text = palloc(sizeof("333/3"));

	text[0] = '0' + rfm_recency(rfm);
	text[1] = '0' + rfm_frequency(rfm);
	text[2] = '0' + rfm_monetary(rfm);
	text[3] = rfm_bins(rfm) == RFM_DEFAULT_BINS ? '\0' : '/';
	text[4] = '0' + rfm_bins(rfm);
	text[5] = '\0';
	return text;
}

/* One digit, which follows the last one without a space. */
static int
scan_digit(Scanner *s)
{
	if (*s->at < '0' || *s->at > '9')
		scan_error(s, "a digit");
	return *s->at++ - '0';
}

PG_FUNCTION_INFO_V1(crm_rfm_in);
Datum
crm_rfm_in(PG_FUNCTION_ARGS)
{
	Scanner s = scan_start("rfm", PG_GETARG_CSTRING(0));
	int		bins = RFM_DEFAULT_BINS;
	int		recency;
	int		frequency;
	int		monetary;

	(void) scan_peek_digit(&s); /* white space may stand before the first */
	recency = scan_digit(&s);
	frequency = scan_digit(&s);
	monetary = scan_digit(&s);
	if (*s.at == '/')
	{
		s.at++;
		bins = scan_digit(&s);
	}
	scan_end(&s);
	PG_RETURN_RFM(rfm_make(bins, recency, frequency, monetary));
}

PG_FUNCTION_INFO_V1(crm_rfm_out);
Datum
crm_rfm_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(rfm_to_text(PG_GETARG_RFM(0)));
}

/* Binary form: four bytes, the bins and the three scores. */
PG_FUNCTION_INFO_V1(crm_rfm_send);
Datum
crm_rfm_send(PG_FUNCTION_ARGS)
{
	Rfm			   rfm = PG_GETARG_RFM(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out, rfm_bins(rfm));
	pq_sendbyte(&out, rfm_recency(rfm));
	pq_sendbyte(&out, rfm_frequency(rfm));
	pq_sendbyte(&out, rfm_monetary(rfm));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(crm_rfm_recv);
Datum
crm_rfm_recv(PG_FUNCTION_ARGS)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	int		   bins = pq_getmsgbyte(message);
	int		   recency = pq_getmsgbyte(message);
	int		   frequency = pq_getmsgbyte(message);
	int		   monetary = pq_getmsgbyte(message);

	PG_RETURN_RFM(rfm_make(bins, recency, frequency, monetary));
}

/* How many bins the scores have. */
PG_FUNCTION_INFO_V1(crm_rfm_bins);
Datum
crm_rfm_bins(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(rfm_bins(PG_GETARG_RFM(0)));
}

PG_FUNCTION_INFO_V1(crm_rfm_recency);
Datum
crm_rfm_recency(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(rfm_recency(PG_GETARG_RFM(0)));
}

PG_FUNCTION_INFO_V1(crm_rfm_frequency);
Datum
crm_rfm_frequency(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(rfm_frequency(PG_GETARG_RFM(0)));
}

PG_FUNCTION_INFO_V1(crm_rfm_monetary);
Datum
crm_rfm_monetary(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(rfm_monetary(PG_GETARG_RFM(0)));
}

/* The three digits as a number, 545; the bins are left out. */
PG_FUNCTION_INFO_V1(crm_rfm_to_int);
Datum
crm_rfm_to_int(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(PG_GETARG_RFM(0) % 1000);
}
