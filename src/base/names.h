/*
 * names.h: closed lists of words: kinds, units, bases, metrics. A word is found in
 * any case, and an error lists the others.
 */
#ifndef CRM_NAMES_H
#define CRM_NAMES_H

#include "crm.h"

#include "base/scan.h"

/* A list: a table of words of a fixed size, by their numbers. */
typedef struct Names
{
	const char *what;	/* one of them, for messages: "interaction kind" */
	const char *plural; /* what a hint begins with: "Kinds" */
	const char *more;	/* a sentence more for the hint, or NULL */
	int			first;	/* numbers below it have no word that one could say */
	int			n;
	Size		word_size;
	const char *words;
} Names;

#define NAMES(what, plural, more, first, table)                                          \
	{                                                                                    \
		what, plural, more, first, (int) lengthof(table), sizeof((table)[0]), (table)[0] \
	}

extern int				names_find(const Names *names, const char *word, size_t len);
pg_noreturn extern void names_unknown(const Names *names, const char *word, size_t len);
extern int				names_get(const Names *names, const char *word, size_t len);
extern int				names_get_text(const Names *names, const text *word);
extern int				names_try_scan(Scanner *s, const Names *names);
extern int				names_scan(Scanner *s, const Names *names);
extern int				names_scan_bare(Scanner *s, const Names *names);
extern char			   *names_list(const Names *names);
extern char			   *names_hint(const Names *names);

#endif /* CRM_NAMES_H */
