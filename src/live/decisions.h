/*
 * decisions.h: what was decided on the tiers of customers.
 */
#ifndef CRM_LIVE_DECISIONS_H
#define CRM_LIVE_DECISIONS_H

#include "crm.h"

#include "live/keys.h"
#include "tiers/tier_program.h"
#include "utils/array.h"

/* Of one customer: crm.tier_override[], NULL for none; daterange[], NULL if the program is no club. */
typedef struct CustomerDecisions
{
	ArrayType *overrides;
	ArrayType *memberships;
} CustomerDecisions;

/* Where a table of decisions has what. */
typedef struct DecisionsLayout
{
	CustomerKeys keys;
	AttrNumber	 what;
	AttrNumber	 tier;
	AttrNumber	 valid;
	Oid			 index; /* on the keys, ordered as the histories' primary key is */
} DecisionsLayout;

typedef struct Decisions Decisions;

extern const DecisionsLayout *decisions_layout(Relation decisions, Relation histories,
											   Relation index);
extern Decisions *decisions_open(Oid relid, bool by_invitation, Relation histories, Relation index);
extern void		  decisions_ignore_rows(Decisions *decisions);
extern void		  decisions_renew_snapshot(Decisions *decisions);
extern void decisions_read(Decisions *decisions, const Datum *keys, CustomerDecisions *decided);
extern void decisions_read_now(Decisions *decisions, const Datum *keys, CustomerDecisions *decided);
extern void decisions_start_in_order(Decisions *decisions, const Datum *after);
extern void decisions_read_next(Decisions *decisions, const Datum *keys,
								CustomerDecisions *decided);
extern void decisions_close(Decisions *decisions);
extern bool same_decisions(const CustomerDecisions *a, const CustomerDecisions *b);
extern ArrayType *known_overrides(const TierProgram *program, ArrayType *overrides);

#endif /* CRM_LIVE_DECISIONS_H */
