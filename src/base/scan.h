/*
 * scan.h: reads the text forms of crm's types, one token after the other.
 *
 * Every function skips white space first and raises
 * ERRCODE_INVALID_TEXT_REPRESENTATION, naming the type, the input and the
 * place, when the token is not there. The scan_try forms return false instead.
 */
#ifndef CRM_SCAN_H
#define CRM_SCAN_H

#include "crm.h"

#include "lib/stringinfo.h"

typedef struct Scanner
{
	const char *type_name; /* for messages */
	const char *input;	   /* all of it */
	const char *at;		   /* what is still to be read */
} Scanner;

static inline Scanner
scan_start(const char *type_name, const char *input)
{
	Scanner s = {type_name, input, input};

	return s;
}

pg_noreturn extern void scan_error(const Scanner *s, const char *expected);
extern bool				scan_try_char(Scanner *s, char c);
extern void				scan_char(Scanner *s, char c);
extern bool				scan_try_word(Scanner *s, const char *word);
extern void				scan_word(Scanner *s, const char *word);
extern bool				scan_peek_digit(Scanner *s);
extern bool				scan_at_end(Scanner *s);
extern char			   *scan_name(Scanner *s, const char *stop);
extern char			   *scan_label(Scanner *s);
extern char			   *scan_label_or_empty(Scanner *s);
extern void		   append_label(StringInfo out, const char *label, const char *const *reserved);
extern DateADT	   scan_date(Scanner *s);
extern TimestampTz scan_instant(Scanner *s);
extern int64	   scan_int64(Scanner *s);
extern double	   scan_float8(Scanner *s);
extern int64	   scan_amount(Scanner *s);
extern char		  *scan_number_text(Scanner *s);
extern int		   scan_minute(Scanner *s);
extern void		   scan_end(Scanner *s);

#endif /* CRM_SCAN_H */
