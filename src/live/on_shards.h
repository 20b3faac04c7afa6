/*
 * on_shards.h: trackings whose triggers are on the shards of a distributed table of Citus.
 */
#ifndef CRM_LIVE_ON_SHARDS_H
#define CRM_LIVE_ON_SHARDS_H

#include "crm.h"

#include "live/tracked.h"
#include "utils/rel.h"

extern Oid			  find_shard_source(Relation rel);
extern const Tracked *tracked_on_shard(const Tracked *tracked, Oid shard);
extern void			  truncate_on_shards(Oid source);

/* The distributed table that a relation is a shard of, or InvalidOid. A shard's name ends with its number, that of most tables does not. */
static inline Oid
shard_source(Relation rel)
{
	const char *name = RelationGetRelationName(rel);
	char		last = name[strlen(name) - 1];

	return last >= '0' && last <= '9' ? find_shard_source(rel) : InvalidOid;
}

#endif /* CRM_LIVE_ON_SHARDS_H */
