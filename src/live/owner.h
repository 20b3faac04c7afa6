/*
 * owner.h: who the upkeep runs as.
 */
#ifndef CRM_LIVE_OWNER_H
#define CRM_LIVE_OWNER_H

#include "crm.h"

#include "utils/rel.h"

/* What has to be put back when the upkeep is done. */
typedef struct OwnerSwitch
{
	Oid userid;
	int sec_context;
	int guc_level;
} OwnerSwitch;

extern Oid		   relation_owner(Oid relid);
extern void		   CheckOwner(Oid relid);
extern OwnerSwitch become_owner(Oid relid);
extern void		   become_caller(const OwnerSwitch *before);

/* The owner must not be subject to policies of a table that is kept for everybody. */
static inline void
CheckNoForcedRowSecurity(Relation rel, const char *problem)
{
	if (rel->rd_rel->relrowsecurity && rel->rd_rel->relforcerowsecurity)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s under forced row-level security", problem),
			 errdetail("Table \"%s\" has FORCE ROW LEVEL SECURITY.", RelationGetRelationName(rel)),
			 errhint("Use ALTER TABLE ... NO FORCE ROW LEVEL SECURITY; policies still hold for "
					 "everybody but the owner.")));
}

#endif /* CRM_LIVE_OWNER_H */
