/*
 * rhythm.h: how regularly customers buy.
 *
 * The days between two purchase days of one customer are gamma distributed,
 * with one shape for all customers and a rate of the customer's own, and the
 * rates of the customers are gamma distributed in turn, with shape a and rate b.
 */
#ifndef CRM_RHYTHM_H
#define CRM_RHYTHM_H

#include "crm.h"

typedef struct Rhythm
{
	double shape; /* of the gaps: 1 is random buying, more is more regular */
	double a;	  /* shape of the customers' rates: as if so many units of shape were seen */
	double b;	  /* their rate, in days: as if so many days were seen */
} Rhythm;

/* The least and the most regular customers, and the most equal ones, that a fit tells apart. */
#define RHYTHM_SHAPE_MIN 1e-2
#define RHYTHM_SHAPE_MAX 1e3
#define RHYTHM_A_MIN 1e-2
#define RHYTHM_A_MAX 1e6

/* Of each customer the fit sees this many last gaps. */
#define RHYTHM_MAX_GAPS 8

#endif /* CRM_RHYTHM_H */
