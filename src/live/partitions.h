/*
 * partitions.h: partitions of tracked tables.
 */
#ifndef CRM_LIVE_PARTITIONS_H
#define CRM_LIVE_PARTITIONS_H

#include "crm.h"

extern Oid partition_root(Oid relid);

#endif /* CRM_LIVE_PARTITIONS_H */
