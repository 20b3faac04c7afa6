/*
 * kept.c: what a session keeps of relations from one statement to the
 * next, as the plan cache keeps plans: it is found again until PostgreSQL says
 * that one of the relations has changed, or any function, type, operator or
 * schema.
 *
 * Whoever finds something holds it for as long as the memory context lives in
 * which it was asked for: what is forgotten meanwhile stays until then.
 */
#include "crm.h"

#include "live/kept.h"

#include "common/hashfn.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/syscache.h"

/* In the context that everything made for it is in. */
typedef struct Kept
{
	void		 *value;
	MemoryContext context;
	int			  holders;
	bool		  forgotten;
} Kept;

typedef struct KeptEntry
{
	KeptKey key;
	Kept   *kept;
} KeptEntry;

static HTAB	 *entries = NULL;
static uint64 changes_heard = 0;

/* ---- forgetting ---- */

static void
forget(KeptEntry *entry)
{
	Kept *kept = entry->kept;

	hash_search(entries, &entry->key, HASH_REMOVE, NULL);
	kept->forgotten = true;
	if (kept->holders == 0)
		MemoryContextDelete(kept->context);
}

static bool
is_of(const KeptKey *key, Oid relid)
{
	for (int i = 0; i < KEPT_RELATIONS; i++)
		if (key->relations[i] == relid)
			return true;
	return false;
}

/* A relation has changed, or any of them has if there is none. */
static void
forget_relation(Datum argument, Oid relid)
{
	HASH_SEQ_STATUS all;
	KeptEntry	   *entry;

	(void) argument;
	changes_heard++;
	hash_seq_init(&all, entries);
	while ((entry = hash_seq_search(&all)) != NULL)
		if (!OidIsValid(relid) || is_of(&entry->key, relid))
			forget(entry);
}

/* Something has changed that expressions are made of. */
static void
forget_all(Datum argument, int cache, uint32 hash)
{
	(void) cache;
	(void) hash;
	forget_relation(argument, InvalidOid);
}

/* Forget what is kept under a key, if anything is. */
void
kept_forget(const KeptKey *key)
{
	KeptEntry *entry = entries ? hash_search(entries, key, HASH_FIND, NULL) : NULL;

	if (entry)
		forget(entry);
}

/* ---- keeping ---- */

/* Each statement looks up half a dozen keys, which the first of their relations tell apart well enough. */
static uint32
hash_key(const void *of, Size size)
{
	const KeptKey *key = of;

	(void) size;
	return hash_combine(murmurhash32(key->relations[0] + (uint32) key->what),
						murmurhash32(key->relations[1] ^ key->relations[2]));
}

static void
start_keeping(void)
{
	static const int caches[] = {PROCOID, TYPEOID, OPEROID, AMOPOPID, NAMESPACEOID};
	HASHCTL			 control = {0};

	control.keysize = sizeof(KeptKey);
	control.entrysize = sizeof(KeptEntry);
	control.hash = hash_key;
	entries = hash_create("crm kept", 16, &control, HASH_ELEM | HASH_FUNCTION);
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
	for (int i = 0; i < (int) lengthof(caches); i++)
		CacheRegisterSyscacheCallback(caches[i], forget_all, (Datum) 0);
}

/* A number that is another once something has changed that what is kept is made of. */
uint64
kept_changes_heard(void)
{
	if (entries == NULL)
		start_keeping();
	return changes_heard;
}

static void
release(void *argument)
{
	Kept *kept = argument;

	if (--kept->holders == 0 && kept->forgotten)
		MemoryContextDelete(kept->context);
}

/* Hold something until the current memory context is reset. */
static void *
hold(Kept *kept)
{
	MemoryContextCallback *callback = palloc(sizeof(MemoryContextCallback));

	callback->func = release;
	callback->arg = kept;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	kept->holders++;
	return kept->value;
}

/* What is kept under a key, or NULL. */
void *
kept_find(const KeptKey *key)
{
	KeptEntry *entry = entries ? hash_search(entries, key, HASH_FIND, NULL) : NULL;

	return entry ? hold(entry->kept) : NULL;
}

/*
 * What is kept under a key, or what is made now, in a memory context of its
 * own. If something changed while it was made, it serves this once; NULL is not
 * kept.
 */
void *
kept_find_or_make(const KeptKey *key, void *(*make)(const void *of), const void *of)
{
	void		 *value = kept_find(key);
	MemoryContext context;
	MemoryContext before;
	uint64		  heard;
	Kept		 *kept;

	if (value)
		return value;
	if (entries == NULL)
		start_keeping();
	context = AllocSetContextCreate(CurrentMemoryContext, "crm kept", ALLOCSET_SMALL_SIZES);
	before = MemoryContextSwitchTo(context);
	heard = changes_heard;
	value = make(of);
	kept = palloc0(sizeof(Kept));
	MemoryContextSwitchTo(before);
	if (value == NULL || heard != changes_heard)
		return value;

	kept->value = value;
	kept->context = context;
	kept_forget(key); /* a function called by the making may have made it too */
	MemoryContextSetParent(context, CacheMemoryContext);
	((KeptEntry *) hash_search(entries, key, HASH_ENTER, NULL))->kept = kept;
	return hold(kept);
}
