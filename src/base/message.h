/*
 * message.h: parts of binary forms that several types share.
 */
#ifndef CRM_MESSAGE_H
#define CRM_MESSAGE_H

#include "crm.h"

#include "libpq/pqformat.h"

/* A text with its length before it (int32), in the encoding of the client. */
static inline void
send_counted_text(StringInfo out, const char *text, size_t len)
{
#if PG_VERSION_NUM >= 170000
	pq_sendcountedtext(out, text, (int) len);
#else
	pq_sendcountedtext(out, text, (int) len, false);
#endif
}

/* Such a text as a string; what it is is named in the message of an error. */
static inline char *
receive_counted_text(StringInfo message, const char *what)
{
	int	  len = (int) pq_getmsgint(message, 4);
	char *text;

	if (len < 0 || len > message->len - message->cursor)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("%s of %d bytes does not fit in the message", what, len)));
	text = pq_getmsgtext(message, len, &len);
	if (strlen(text) != (size_t) len)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("%s cannot hold a zero byte", what)));
	return text;
}

#endif /* CRM_MESSAGE_H */
