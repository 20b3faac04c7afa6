/*
 * own_context.h: errors of the extension come without the context lines of its own PL/pgSQL.
 */
#ifndef CRM_OWN_CONTEXT_H
#define CRM_OWN_CONTEXT_H

extern void leave_out_own_context(void);

/* As PostgreSQL's own, for every file that includes crm.h. */
#undef ereport
#define ereport(elevel, ...)                             \
	do                                                   \
	{                                                    \
		if ((elevel) >= ERROR)                           \
			leave_out_own_context();                     \
		ereport_domain(elevel, TEXTDOMAIN, __VA_ARGS__); \
	} while (0)

#endif /* CRM_OWN_CONTEXT_H */
