/*
 * renewals.h: the type renewal_curve: how long the contracts of customers lasted.
 *
 * A renewal_curve is an AgeCounts in periods of its unit: happened counts those
 * lost in that period (1 is the first), ended those still there after so many
 * renewals (censored).
 */
#ifndef CRM_RENEWALS_H
#define CRM_RENEWALS_H

#include "crm.h"

#include "retention/age_counts.h"

extern int64 renewal_curve_customers(const AgeCounts *curve, int from);

#endif /* CRM_RENEWALS_H */
