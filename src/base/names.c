/*
 * names.c: closed lists of words: look-ups, and the errors that list them.
 */
#include "crm.h"

#include "base/names.h"

static inline const char *
word_at(const Names *names, int i)
{
	return names->words + i * names->word_size;
}

/* The number of a word, in any case, or -1. Aggregates ask once a row: no copy is made. */
int
names_find(const Names *names, const char *word, size_t len)
{
	for (int i = names->first; i < names->n; i++)
		if (strlen(word_at(names, i)) == len && pg_strncasecmp(word_at(names, i), word, len) == 0)
			return i;
	return -1;
}

static char *
join_words(const Names *names, const char *last)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = names->first; i < names->n; i++)
		appendStringInfo(&list, "%s%s",
						 i == names->first	 ? ""
						 : i == names->n - 1 ? last
											 : ", ",
						 word_at(names, i));
	return list.data;
}

/* The words as in a sentence: "a, b and c". */
char *
names_list(const Names *names)
{
	return join_words(names, " and ");
}

/* What an error says to who wrote another word. */
char *
names_hint(const Names *names)
{
	return psprintf("%s are %s.%s%s", names->plural, names_list(names),
					names->more == NULL ? "" : " ", names->more == NULL ? "" : names->more);
}

/* The error about a word that is none of a list. */
void
names_unknown(const Names *names, const char *word, size_t len)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unknown %s \"%.*s\"", names->what, (int) len, word),
					errhint("%s", names_hint(names))));
}

/* The number of a word, or an error that lists the words. */
int
names_get(const Names *names, const char *word, size_t len)
{
	int number = names_find(names, word, len);

	if (unlikely(number < 0))
		names_unknown(names, word, len);
	return number;
}

int
names_get_text(const Names *names, const text *word)
{
	return names_get(names, VARDATA_ANY(word), VARSIZE_ANY_EXHDR(word));
}

/* The number of the word that comes next in a text form. */
int
names_scan(Scanner *s, const Names *names)
{
	const Scanner start = *s;
	char		 *word = scan_label(s);
	int			  number = names_find(names, word, strlen(word));

	if (number < 0)
		scan_error(&start, psprintf("a known %s (%s)", names->what, names_list(names)));
	return number;
}

/* The number of the word that comes next in a text form, or -1, and nothing is read. */
int
names_try_scan(Scanner *s, const Names *names)
{
	for (int i = names->first; i < names->n; i++)
		if (scan_try_word(s, word_at(names, i)))
			return i;
	return -1;
}

/* The same where one has to come, and which says what the form is about. */
int
names_scan_bare(Scanner *s, const Names *names)
{
	int number = names_try_scan(s, names);

	if (number < 0)
		scan_error(s, join_words(names, " or "));
	return number;
}
