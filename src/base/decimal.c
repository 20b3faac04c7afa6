/*
 * decimal.c: whole numbers of a decimal fraction as text, and text as numeric.
 */
#include "crm.h"

#include "base/decimal.h"
#include "utils/builtins.h"

/*
 * A whole number of 10^-decimals as text, palloc'ed, nothing lost: zeros at its end
 * are left out as long as some decimals are kept at least.
 */
char *
decimal_to_text(int128 value, int decimals, int least)
{
	char	buffer[64];
	char   *at = buffer + sizeof(buffer);
	uint128 rest = value < 0 ? -(uint128) value : (uint128) value;

	*--at = '\0';
	while (decimals > least && rest % 10 == 0)
	{
		rest /= 10;
		decimals--;
	}
	for (int i = 0; i <= decimals || rest > 0; i++)
	{
		if (i == decimals && i > 0)
			*--at = '.';
		*--at = '0' + (int) (rest % 10);
		rest /= 10;
	}
	if (value < 0)
		*--at = '-';
	return pstrdup(at);
}

/* A number as PostgreSQL prints it, palloc'ed, nothing lost. */
char *
float8_text(double value)
{
	return DatumGetCString(DirectFunctionCall1(float8out, Float8GetDatum(value)));
}

/* The number that a text is, with all its digits. */
Numeric
numeric_of_text(const char *text)
{
	return DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
											   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}
