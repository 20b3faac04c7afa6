/*
 * own_context.c: errors of the extension say nothing of its own PL/pgSQL
 * functions: "PL/pgSQL function crm_internal.tracking_of(regclass) line 10 at
 * RAISE" is noise below an error of crm.refresh. The lines of the functions of
 * users stay, and so do all lines of errors that are not the extension's.
 *
 * errhidecontext() only spares the server's log. What clients get is written
 * by the callbacks in error_context_stack when the error is reported, so those
 * that stand there for the extension's functions are left out of it. Which
 * these are, the data of the callback says. It belongs to PL/pgSQL if it is
 * code of PL/pgSQL's library. Where there is no dladdr, all lines stay.
 */
#include "crm.h"

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "plpgsql.h"
#include "utils/builtins.h"

#ifndef WIN32
#include <dlfcn.h>

/* Whether the code at an address is of PL/pgSQL's library. */
static bool
is_of_plpgsql(const void *code)
{
	Dl_info		info;
	const char *name;

	if (dladdr(code, &info) == 0 || info.dli_fname == NULL)
		return false;
	name = strrchr(info.dli_fname, '/');
	return strncmp(name == NULL ? info.dli_fname : name + 1, "plpgsql.", strlen("plpgsql.")) == 0;
}

/* Whether a function is a member of the extension. */
static bool
is_own_function(Oid function)
{
	Oid extension;

	if (!OidIsValid(function))
		return false;
	extension = getExtensionOfObject(ProcedureRelationId, function);
	return OidIsValid(extension) && extension == get_extension_oid("crm", true);
}

/*
 * The function that PL/pgSQL runs where a callback stands. Its callback of
 * functions is learnt from the innermost one, as PL/pgSQL has others while
 * it compiles, when nothing of ours runs.
 */
static bool
is_plpgsql_call(const ErrorContextCallback *frame, void (**call)(void *), Oid *function)
{
	if (*call == NULL && is_of_plpgsql((const void *) frame->callback))
		*call = frame->callback;
	if (frame->callback != *call)
		return false;
	*function = ((const PLpgSQL_execstate *) frame->arg)->func->fn_oid;
	return true;
}

/* How many callbacks stand in error_context_stack. */
static int
context_depth(void)
{
	int depth = 0;

	for (const ErrorContextCallback *frame = error_context_stack; frame; frame = frame->previous)
		depth++;
	return depth;
}

/*
 * Leave out of error_context_stack the calls of own functions, with what
 * stands inside them up to the next function of somebody else. Whoever catches
 * the error puts the stack back, so this is for errors alone.
 */
void
leave_out_own_context(void)
{
	int depth = context_depth();
	int n = 0;
	int outside = 0;
	void (*call)(void *) = NULL;
	ErrorContextCallback *kept;
	Oid					  function;

	if (depth == 0 || !IsTransactionState())
		return;
	kept = palloc(depth * sizeof(ErrorContextCallback));
	for (ErrorContextCallback *frame = error_context_stack; frame; frame = frame->previous)
	{
		bool is_call = is_plpgsql_call(frame, &call, &function);

		if (is_call && is_own_function(function))
			n = outside;
		else
		{
			kept[n++] = *frame;
			if (is_call)
				outside = n;
		}
	}
	for (int i = 0; i < n; i++)
		kept[i].previous = i + 1 < n ? &kept[i + 1] : NULL;
	error_context_stack = n > 0 ? kept : NULL;
}

#else

void
leave_out_own_context(void)
{
}

#endif
