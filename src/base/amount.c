/*
 * amount.c: numeric and float8 to ten-thousandths of the currency unit, and back.
 */
#include "crm.h"

#include <math.h>

#include "base/decimal.h"
#include "base/amount.h"
#include "common/shortest_dec.h"
#include "utils/builtins.h"

/*
 * The stored form of a numeric, which pg_upgrade keeps from release to release:
 * a header of one word (short) or two (long), then base-10000 digits. The word
 * tells the forms apart by its two highest bits.
 */
#define NUM_KIND_MASK 0xC000
#define NUM_LONG_NEGATIVE 0x4000
#define NUM_SHORT 0x8000
#define NUM_SPECIAL 0xC000
#define NUM_SHORT_NEGATIVE 0x2000
#define NUM_SHORT_WEIGHT_SIGN 0x0040
#define NUM_SHORT_WEIGHT_MASK 0x003F

/* 900 trillion is the one digit 900 of weight 3: 10000^3 = 10^12. */
#define AMOUNT_MAX_WEIGHT 3
#define AMOUNT_MAX_FIRST_DIGIT 900

static inline uint16
read_word(const char *at)
{
	uint16 word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* Digits of a refused value that a message shows: enough to find it. */
#define MESSAGE_DIGITS 60

/* Refuse an amount, naming it as it came. */
void
amount_out_of_range(const char *value)
{
	if (strlen(value) > MESSAGE_DIGITS)
		value = psprintf("%.*s...", MESSAGE_DIGITS, value);
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("amount %s is out of range", value),
			 errdetail("An amount is a finite number between -900 trillion and 900 trillion.")));
}

static void
numeric_out_of_range(Numeric value)
{
	amount_out_of_range(DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value))));
}

/*
 * A numeric, packed or not, as an amount: rounded half away from zero to four
 * decimals, as a cast to numeric(19,4) does. Errors beyond +-900 trillion, NaN
 * and infinity. Reads the digits in place: calling numeric's own functions
 * would cost more than the rest of an aggregate.
 */
int64
amount_from_numeric(Numeric value)
{
	const char *data = VARDATA_ANY(value);
	const char *digits;
	uint16		header = read_word(data);
	bool		negative;
	int			weight;
	int			ndigits;
	int64		amount = 0;

	if ((header & NUM_KIND_MASK) == NUM_SPECIAL)
		numeric_out_of_range(value);

	if ((header & NUM_KIND_MASK) == NUM_SHORT)
	{
		negative = (header & NUM_SHORT_NEGATIVE) != 0;
		weight = (header & NUM_SHORT_WEIGHT_SIGN) ? (int) (header | ~NUM_SHORT_WEIGHT_MASK)
												  : (int) (header & NUM_SHORT_WEIGHT_MASK);
		digits = data + sizeof(uint16);
	}
	else
	{
		negative = (header & NUM_KIND_MASK) == NUM_LONG_NEGATIVE;
		weight = (int16) read_word(data + sizeof(uint16));
		digits = data + 2 * sizeof(uint16);
	}
	ndigits = (VARSIZE_ANY_EXHDR(value) - (digits - data)) / sizeof(uint16);

	if (ndigits == 0)
		return 0;
	if (weight > AMOUNT_MAX_WEIGHT ||
		(weight == AMOUNT_MAX_WEIGHT && read_word(digits) > AMOUNT_MAX_FIRST_DIGIT))
		numeric_out_of_range(value);

	/* The digit of weight -1 is the ten-thousandths; the next one rounds. */
	for (int i = 0; i <= weight + 1; i++)
		amount = amount * AMOUNT_SCALE + (i < ndigits ? read_word(digits + i * sizeof(uint16)) : 0);
	if (weight >= -2 && weight + 2 < ndigits &&
		read_word(digits + (weight + 2) * sizeof(uint16)) >= AMOUNT_SCALE / 2)
		amount++;

	if (unlikely(amount > AMOUNT_MAX))
		numeric_out_of_range(value);
	return negative ? -amount : amount;
}

/*
 * A float8 as an amount, equal to amount_from_numeric(value::numeric): that
 * cast keeps 15 significant digits before the rounding to four decimals. The
 * short way serves every value that these 15 digits cannot push over a half.
 */
int64
amount_from_float8(double value)
{
	double scaled = value * AMOUNT_SCALE;
	double whole = rint(scaled);

	if (fabs(scaled) < 1e13 && fabs(scaled - whole) < 0.25)
		return (int64) whole;

	if (isnan(value) || isinf(value) || fabs(value) > 1e15)
		amount_out_of_range(float8_text(value));

	return amount_from_numeric(
		DatumGetNumeric(DirectFunctionCall1(float8_numeric, Float8GetDatum(value))));
}

/* An amount as text: at least two decimals, at most four, nothing lost. */
char *
amount_to_text(int64 amount)
{
	return decimal_to_text(amount, AMOUNT_DECIMALS, 2);
}

/* An amount, or an exact sum of them, as numeric with four decimals. */
Numeric
amount_to_numeric(int128 amount)
{
#if PG_VERSION_NUM >= 140000
	if (likely(amount >= PG_INT64_MIN && amount <= PG_INT64_MAX))
		return int64_div_fast_to_numeric((int64) amount, AMOUNT_DECIMALS);
#endif
	return numeric_of_text(decimal_to_text(amount, AMOUNT_DECIMALS, AMOUNT_DECIMALS));
}

/* A share as a number of decimals, as it would be written: 0.1 is one tenth. NaN stays what it is. */
Numeric
numeric_of_share(double share)
{
	char text[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (isinf(share))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("a share cannot be infinite")));
	double_to_shortest_decimal_buf(share, text);
	return numeric_of_text(text);
}
