/*
 * scan.c: reads the text forms of crm's types.
 */
#include "crm.h"

#include "base/decimal.h"
#include "base/amount.h"
#include "mb/pg_wchar.h"
#include "base/scan.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/float.h"

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static void
skip_space(Scanner *s)
{
	while (is_space(*s->at))
		s->at++;
}

/* Refuse the input: what was expected, and what stands there instead. */
void
scan_error(const Scanner *s, const char *expected)
{
	const char *at = s->at;

	while (is_space(*at))
		at++;
	ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					errmsg("invalid input syntax for type %s: \"%s\"", s->type_name, s->input),
					*at == '\0' ? errdetail("Expected %s at the end of the input.", expected)
								: errdetail("Expected %s at \"%.*s\".", expected,
											pg_mbcliplen(at, strlen(at), 30), at)));
}

bool
scan_try_char(Scanner *s, char c)
{
	skip_space(s);
	if (*s->at != c)
		return false;
	s->at++;
	return true;
}

void
scan_char(Scanner *s, char c)
{
	char expected[] = {'"', c, '"', '\0'};

	if (!scan_try_char(s, c))
		scan_error(s, expected);
}

/* A keyword, case-insensitive, not the beginning of a longer one. */
bool
scan_try_word(Scanner *s, const char *word)
{
	size_t len = strlen(word);

	skip_space(s);
	if (pg_strncasecmp(s->at, word, len) != 0 || is_letter(s->at[len]) || is_digit(s->at[len]))
		return false;
	s->at += len;
	return true;
}

void
scan_word(Scanner *s, const char *word)
{
	if (!scan_try_word(s, word))
		scan_error(s, word);
}

/* Everything up to a character of stop or the end, without the spaces around it; never empty. */
char *
scan_name(Scanner *s, const char *stop)
{
	const char *start;
	const char *end;

	skip_space(s);
	start = s->at;
	while (*s->at != '\0' && strchr(stop, *s->at) == NULL)
		s->at++;
	for (end = s->at; end > start && is_space(end[-1]);)
		end--;
	if (end == start)
		scan_error(s, "a name");
	return pnstrdup(start, end - start);
}

/* Whether a number without sign comes next. */
bool
scan_peek_digit(Scanner *s)
{
	skip_space(s);
	return is_digit(*s->at);
}

/* A character that a label may hold without quotes. */
static bool
is_label_char(char c)
{
	return is_letter(c) || is_digit(c) || c == '-' || c == '.' || IS_HIGHBIT_SET(c);
}

/* A label: one word of letters, digits, _, - and ., or anything in double quotes, these doubled. */
char *
scan_label(Scanner *s)
{
	const Scanner  start = *s;
	StringInfoData label;

	initStringInfo(&label);
	if (scan_try_char(s, '"'))
	{
		for (; *s->at != '"' || s->at[1] == '"'; s->at++)
		{
			if (*s->at == '\0')
				scan_error(&start, "a label with a closing quote");
			s->at += *s->at == '"';
			appendStringInfoChar(&label, *s->at);
		}
		s->at++;
	}
	else
		while (is_label_char(*s->at))
			appendStringInfoChar(&label, *s->at++);
	if (label.len == 0)
		scan_error(&start, "a label");
	return label.data;
}

/* The same, or an empty one: "". */
char *
scan_label_or_empty(Scanner *s)
{
	const Scanner start = *s;

	if (scan_try_char(s, '"') && s->at[0] == '"' && s->at[1] != '"')
	{
		s->at++;
		return pstrdup("");
	}
	*s = start;
	return scan_label(s);
}

/* Write a label as scan_label reads it, in quotes if it is no plain word or one of those reserved. */
void
append_label(StringInfo out, const char *label, const char *const *reserved)
{
	bool plain = is_letter(label[0]) || IS_HIGHBIT_SET(label[0]);

	for (const char *c = label; *c != '\0'; c++)
		plain = plain && is_label_char(*c);
	for (; plain && reserved != NULL && *reserved != NULL; reserved++)
		plain = pg_strcasecmp(label, *reserved) != 0;

	if (plain)
	{
		appendStringInfoString(out, label);
		return;
	}
	appendStringInfoChar(out, '"');
	for (const char *c = label; *c != '\0'; c++)
	{
		if (*c == '"')
			appendStringInfoChar(out, '"');
		appendStringInfoChar(out, *c);
	}
	appendStringInfoChar(out, '"');
}

/* How many digits stand here, at most some. */
static int
count_digits(const char *at, int most)
{
	int n = 0;

	while (n < most && is_digit(at[n]))
		n++;
	return n;
}

/* A finite instant in ISO form with its offset from UTC, as 2024-01-31 08:15:00.25+01 or with Z. */
TimestampTz
scan_instant(Scanner *s)
{
	static const char *const expected = "an instant as YYYY-MM-DD HH:MM:SS+ZZ";
	Scanner					 start;
	int						 digits;
	StringInfoData			 text;

	skip_space(s);
	start = *s;
	digits = count_digits(s->at, 6);
	s->at += digits;
	if (digits < 4 || *s->at++ != '-' || (digits = count_digits(s->at, 2)) == 0)
		scan_error(&start, expected);
	s->at += digits;
	if (*s->at++ != '-' || (digits = count_digits(s->at, 2)) == 0)
		scan_error(&start, expected);
	s->at += digits;
	if (*s->at == 'T')
		s->at++;
	else
		skip_space(s);
	if (!is_digit(*s->at))
		scan_error(&start, expected);
	s->at += strspn(s->at, "0123456789:.");
	if (*s->at == 'Z')
		s->at++;
	else if (*s->at == '+' || *s->at == '-')
	{
		s->at++;
		if (!is_digit(*s->at))
			scan_error(&start, expected);
		s->at += strspn(s->at, "0123456789:");
	}
	else
		scan_error(&start, expected);

	initStringInfo(&text);
	appendBinaryStringInfo(&text, start.at, s->at - start.at);
	if (scan_try_word(s, "BC"))
		appendStringInfoString(&text, " BC");
	return DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(text.data),
												   ObjectIdGetDatum(InvalidOid),
												   Int32GetDatum(-1)));
}

/* The characters of a decimal number, which the caller converts. */
char *
scan_number_text(Scanner *s)
{
	const char *start;
	int			digits = 0;

	skip_space(s);
	start = s->at;
	if (*s->at == '-' || *s->at == '+')
		s->at++;
	for (; is_digit(*s->at) || *s->at == '.'; s->at++)
		digits += is_digit(*s->at);
	if (digits > 0 && (*s->at == 'e' || *s->at == 'E') &&
		(is_digit(s->at[1]) || ((s->at[1] == '-' || s->at[1] == '+') && is_digit(s->at[2]))))
		for (s->at += 2; is_digit(*s->at);)
			s->at++;
	if (digits == 0)
	{
		s->at = start;
		scan_error(s, "a number");
	}
	return pnstrdup(start, s->at - start);
}

int64
scan_int64(Scanner *s)
{
	const Scanner start = *s;
	char		 *text = scan_number_text(s);

	if (strpbrk(text, ".eE") != NULL)
		scan_error(&start, "a whole number");
	return DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(text)));
}

double
scan_float8(Scanner *s)
{
	return DatumGetFloat8(DirectFunctionCall1(float8in, CStringGetDatum(scan_number_text(s))));
}

/* An amount, which may have no more decimals than are kept. */
int64
scan_amount(Scanner *s)
{
	const Scanner start = *s;
	char		 *text = scan_number_text(s);
	Numeric		  value = numeric_of_text(text);
	int64		  amount = amount_from_numeric(value);

	if (DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(value),
										  NumericGetDatum(amount_to_numeric(amount)))) != 0)
		scan_error(&start, "an amount of at most four decimals");
	return amount;
}

/* One run of digits, as a number of at most seven digits. */
static int
scan_date_field(Scanner *s, const Scanner *start)
{
	int			value = 0;
	const char *first = s->at;

	while (is_digit(*s->at) && s->at - first < 7)
		value = value * 10 + (*s->at++ - '0');
	if (s->at == first || is_digit(*s->at))
		scan_error(start, "a date as YYYY-MM-DD");
	return value;
}

/* A finite ISO date, YYYY-MM-DD with more digits for later years and a trailing BC for earlier ones. */
DateADT
scan_date(Scanner *s)
{
	Scanner start;
	int		year;
	int		month;
	int		day;
	DateADT date;

	skip_space(s);
	start = *s;
	year = scan_date_field(s, &start);
	if (*s->at++ != '-')
		scan_error(&start, "a date as YYYY-MM-DD");
	month = scan_date_field(s, &start);
	if (*s->at++ != '-')
		scan_error(&start, "a date as YYYY-MM-DD");
	day = scan_date_field(s, &start);
	if (year == 0)
		scan_error(&start, "a date as YYYY-MM-DD");
	if (scan_try_word(s, "BC"))
		year = 1 - year;
	if (month < 1 || month > 12 || day < 1 || day > day_tab[isleap(year)][month - 1] ||
		!IS_VALID_JULIAN(year, month, day))
		scan_error(&start, "a date that exists");
	date = date2j(year, month, day) - POSTGRES_EPOCH_JDATE;
	if (!IS_VALID_DATE(date))
		scan_error(&start, "a date that exists");
	return date;
}

/* Whether nothing but white space is left. */
bool
scan_at_end(Scanner *s)
{
	skip_space(s);
	return *s->at == '\0';
}

/* Nothing but white space is left. */
void
scan_end(Scanner *s)
{
	skip_space(s);
	if (*s->at != '\0')
		scan_error(s, "the end of the input");
}

/* Read a time of day, HH:MM to 24:00, as a minute of the day. */
int
scan_minute(Scanner *s)
{
	const Scanner start = *s;
	int			  parts[2] = {0, 0};

	for (int part = 0; part < 2; part++)
	{
		if (part == 1)
			scan_char(s, ':');
		if (!scan_peek_digit(s))
			scan_error(&start, "a time as HH:MM");
		for (int digits = 0; digits < 2 && *s->at >= '0' && *s->at <= '9'; digits++)
			parts[part] = parts[part] * 10 + (*s->at++ - '0');
		if (*s->at >= '0' && *s->at <= '9')
			scan_error(&start, "a time as HH:MM");
	}
	if (parts[1] >= MINS_PER_HOUR ||
		parts[0] * MINS_PER_HOUR + parts[1] > HOURS_PER_DAY * MINS_PER_HOUR)
		scan_error(&start, "a time from 00:00 to 24:00");
	return parts[0] * MINS_PER_HOUR + parts[1];
}
