/*
 * join_keys.c: the values that tables are joined by: hashed, compared and
 * found again, by the functions of the operator that joins them.
 */
#include "crm.h"

#include "live/join.h"

#include "common/hashfn.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* A hash that equal keys have in common, whichever side of the join they stand on. */
uint32
join_keys_hash(const JoinKeys *keys, const Datum *values)
{
	uint32 hash = 0;

	for (int i = 0; i < keys->n; i++)
		hash = hash_combine(hash, DatumGetUInt32(FunctionCall1Coll(
									  &keys->hash[i], keys->collations[i], values[i])));
	return hash;
}

/* Whether keys are equal, by functions for the side of each. */
bool
join_keys_equal(const JoinKeys *keys, FmgrInfo *equal, const Datum *a, const Datum *b)
{
	for (int i = 0; i < keys->n; i++)
		if (!DatumGetBool(FunctionCall2Coll(&equal[i], keys->collations[i], a[i], b[i])))
			return false;
	return true;
}

/* In the order of the index, the same for all sessions. */
int
join_keys_compare(const JoinKeys *keys, const Datum *a, const Datum *b)
{
	for (int i = 0; i < keys->n; i++)
	{
		int order =
			DatumGetInt32(FunctionCall2Coll(&keys->order[i], keys->collations[i], a[i], b[i]));

		if (order != 0)
			return order;
	}
	return 0;
}

/* A copy in the current memory context. */
Datum *
join_keys_copy(const JoinKeys *keys, const Datum *values)
{
	Datum *copy = palloc(sizeof(Datum) * keys->n);

	for (int i = 0; i < keys->n; i++)
		copy[i] = datumCopy(values[i], keys->by_value[i], keys->lengths[i]);
	return copy;
}

HTAB *
key_chains_create(const char *name, MemoryContext context)
{
	HASHCTL control = {0};

	control.keysize = sizeof(uint32);
	control.entrysize = sizeof(KeyChain);
	control.hcxt = context;
	return hash_create(name, 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Where the chain of a hash begins; NULL if there is none and none is to be made. */
void **
key_chain(HTAB *chains, uint32 hash, bool create)
{
	bool	  found;
	KeyChain *chain = hash_search(chains, &hash, create ? HASH_ENTER : HASH_FIND, &found);

	if (chain == NULL)
		return NULL;
	if (!found)
		chain->first = NULL;
	return &chain->first;
}
