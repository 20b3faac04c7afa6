/*
 * tap.h: the Test Anything Protocol in a few lines, for tests outside the server.
 */
#ifndef CRM_TAP_H
#define CRM_TAP_H

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count = 0;
static int tap_failed = 0;

static inline bool
ok(bool passed, const char *format, ...)
{
	va_list args;

	printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	tap_failed += !passed;
	return passed;
}

static inline int
done_testing(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed > 0;
}

/* Difference relative to the expected value; values that a double cannot hold count as zero. */
static inline double
relative_error(double got, double expected)
{
	if (fabs(expected) < 1e-290)
		return fabs(got) < 1e-290 ? 0 : INFINITY;
	if (isnan(got))
		return INFINITY;
	return fabs(got - expected) / fabs(expected);
}

/* Splits a line at commas in place; returns how many fields there are. */
static inline int
split_csv(char *line, char **fields, int max)
{
	int n = 0;

	line[strcspn(line, "\r\n")] = '\0';
	while (n < max)
	{
		fields[n++] = line;
		line = strchr(line, ',');
		if (line == NULL)
			break;
		*line++ = '\0';
	}
	return n;
}

#endif /* CRM_TAP_H */
