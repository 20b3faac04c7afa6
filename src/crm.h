/*
 * crm.h: what every file that faces PostgreSQL includes first.
 */
#ifndef CRM_H
#define CRM_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/date.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#if PG_VERSION_NUM < 130000
#error "crm needs PostgreSQL 13 or later"
#endif

/* Sums of money and fixed-point sums of float8 are exact in 128 bits. */
#ifndef HAVE_INT128
#error "crm needs a compiler with 128-bit integers"
#endif

/* Stands before a function that does not return; PostgreSQL 18 has it. */
#ifndef pg_noreturn
#define pg_noreturn __attribute__((noreturn))
#endif

/* Order of two numbers as a comparison function returns it. */
#define CRM_COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

#include "base/own_context.h"

#endif /* CRM_H */
