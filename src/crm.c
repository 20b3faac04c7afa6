/*
 * crm.c: the module's entry; everything else lives in the file its SQL name says.
 */
#include "postgres.h"

#include "fmgr.h"

PG_MODULE_MAGIC;
