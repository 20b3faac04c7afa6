/*
 * fit_data.h: from the groups of equal customers that a state holds to what a fit runs over.
 */
#ifndef CRM_FIT_DATA_H
#define CRM_FIT_DATA_H

#include "crm.h"

#include "lifetime/fit_record.h"
#include "lifetime/fit_state.h"
#include "models/model.h"

/* A fit of four parameters to fewer customers than this says nothing. */
#define FIT_FEWEST_CUSTOMERS 10

/* Each combination of covariates is tabulated by itself. */
#define COVARIATE_GROUPS_MAX 10000

extern void		*fit_allocate(Size n, Size size);
extern int		 index_values(const double *values, int n, int *places, double **distinct);
extern void		 CheckFitCustomers(double customers, const char *who);
extern void		 fit_data_of_groups(const FitState *state, FitGroup *groups, int n, FitData *data);
extern FitGroup *fit_data_of_state(const FitState *state, FitGroup *groups, FitData *data,
								   ModelFit *fit, int *customers);

extern Covariates CheckFitNames(const FitState *state);
extern int fit_covariate_groups(const FitState *state, FitGroup *groups, int n, int **starts);

#endif /* CRM_FIT_DATA_H */
