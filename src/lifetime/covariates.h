/*
 * covariates.h: what is known of a customer beside her purchases and does not change, as a value; and, with
 * coefficients in place of numbers, what it does to how she buys and leaves.
 */
#ifndef CRM_COVARIATES_H
#define CRM_COVARIATES_H

#include "crm.h"

#include <math.h>

#include "base/scan.h"
#include "lib/stringinfo.h"
#include "models/covariates.h"

#define COVARIATES_VERSION 1
#define COVARIATES_MAX 8 /* names; twice as many coefficients are COEFFICIENTS_MAX */
#define COVARIATE_LARGEST 1e9

#define COVARIATES_OF_BUYING 1
#define COVARIATES_OF_LEAVING 2

typedef struct Covariates
{
	int32  vl_len_; /* varlena header, do not touch */
	uint16 version; /* COVARIATES_VERSION */
	uint8  n;		/* names */
	uint8  sets;	/* COVARIATES_OF_BUYING, COVARIATES_OF_LEAVING or both; none without a name */
	double buying[COVARIATES_MAX]; /* zero where there is no name, or no such set */
	double leaving[COVARIATES_MAX];
	char   names[COVARIATES_MAX][NAMEDATALEN]; /* distinct, zero behind their ends */
} Covariates;

/* The type's storage is plain: values are never packed or toasted in tables. */
#define PG_GETARG_COVARIATES(n) ((Covariates *) PG_GETARG_VARLENA_P(n))

/* A covariate is a finite number of a size that means something; no minus zero. */
static inline double
CheckCovariate(double value)
{
	if (unlikely(!(fabs(value) <= COVARIATE_LARGEST)))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("a covariate cannot be %g", value),
						errdetail("Covariates are numbers from -%g to %g.", COVARIATE_LARGEST,
								  COVARIATE_LARGEST)));
	return value + 0.0;
}

static inline int
covariates_of_buying(const Covariates *c)
{
	return c->sets & COVARIATES_OF_BUYING ? c->n : 0;
}

static inline int
covariates_of_leaving(const Covariates *c)
{
	return c->sets & COVARIATES_OF_LEAVING ? c->n : 0;
}

/* How many numbers there are, of buying and of leaving together. */
static inline int
covariates_count(const Covariates *c)
{
	return covariates_of_buying(c) + covariates_of_leaving(c);
}

extern void		   covariates_numbers(const Covariates *c, double *numbers);
extern void		   covariates_set_numbers(Covariates *c, const double *numbers);
extern char		  *covariates_number_name(const Covariates *c, int i);
extern Covariates *covariates_names(const Covariates *c);
extern void		   covariates_drop_leaving(Covariates *c);
extern void		   covariates_append_text(StringInfo out, const Covariates *c);
extern Covariates *covariates_scan(Scanner *s);
extern void		   covariates_append_bytes(StringInfo out, const Covariates *c);
extern Covariates *covariates_from_bytes(StringInfo message);

#endif /* CRM_COVARIATES_H */
