/*
 * relationship_level.h: how much of a relationship a customer gets.
 *
 * Kotler's five levels: basic (sell), reactive (answer those who call),
 * accountable (ask after the sale), proactive (come with suggestions),
 * partnership (work together all the time).
 */
#ifndef CRM_RELATIONSHIP_LEVEL_H
#define CRM_RELATIONSHIP_LEVEL_H

#include "crm.h"

/* Stored numbers: never change one. */
typedef enum RelationshipLevel
{
	LEVEL_BASIC = 1,
	LEVEL_REACTIVE = 2,
	LEVEL_ACCOUNTABLE = 3,
	LEVEL_PROACTIVE = 4,
	LEVEL_PARTNERSHIP = 5
} RelationshipLevel;
#define RELATIONSHIP_LEVELS 5

#define PG_GETARG_RELATIONSHIP_LEVEL(n) ((RelationshipLevel) PG_GETARG_CHAR(n))
#define PG_RETURN_RELATIONSHIP_LEVEL(level) PG_RETURN_CHAR(level)

#endif /* CRM_RELATIONSHIP_LEVEL_H */
