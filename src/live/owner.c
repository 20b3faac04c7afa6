/*
 * owner.c: who the upkeep runs as: the owner of the tables that it keeps,
 * in surroundings that the caller cannot have prepared.
 */
#include "crm.h"

#include "live/owner.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* The owner of a relation. */
Oid
relation_owner(Oid relid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid		  owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", relid)));
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* An error unless the caller is the owner of a relation, a member of that role or a superuser. */
void
CheckOwner(Oid relid)
{
	if (has_privs_of_role(GetUserId(), relation_owner(relid)))
		return;
	leave_out_own_context();
	aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relid)),
				   get_rel_name(relid));
}

/*
 * Run as the owner of a table from here on, with a search path that nobody
 * else can write to and without row security. An error puts all of it back.
 */
OwnerSwitch
become_owner(Oid relid)
{
	OwnerSwitch before;

	GetUserIdAndSecContext(&before.userid, &before.sec_context);
	SetUserIdAndSecContext(relation_owner(relid), before.sec_context |
													  SECURITY_LOCAL_USERID_CHANGE |
													  SECURITY_RESTRICTED_OPERATION);
	before.guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("row_security", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	return before;
}

void
become_caller(const OwnerSwitch *before)
{
	AtEOXact_GUC(false, before->guc_level);
	SetUserIdAndSecContext(before->userid, before->sec_context);
}
