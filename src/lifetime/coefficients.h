/*
 * coefficients.h: coefficients of covariates behind a fitted model, which purchase_model and spend_model share.
 */
#ifndef CRM_MODEL_COEFFICIENTS_H
#define CRM_MODEL_COEFFICIENTS_H

#include "crm.h"

#include "base/rows.h"
#include "lib/stringinfo.h"
#include "lifetime/covariates.h"
#include "lifetime/fit_record.h"

/* Those that as many coefficients as there may be add to those of a model's parameters, and more. */
#define COEFFICIENT_COVARIANCES (SEARCH_MAX_PARAMS * (SEARCH_MAX_PARAMS + 1) / 2)

/* Coefficients of covariates, and their covariances with the parameters and each other. */
typedef struct ModelCovariates
{
	int32
		separated; /* 1 + the coefficient that runs off, as in covariates_number_name(); 0 if none */
	int32	   reserved; /* zero */
	Covariates coefficients;
	double	   covariance[FLEXIBLE_ARRAY_MEMBER]; /* the rows behind those of the parameters; zero
													 unless converged */
} ModelCovariates;

/* Covariances of so many estimates, each with itself and those before it. */
static inline int
covariances_of(int n)
{
	return n * (n + 1) / 2;
}

/* Covariances that coefficients add to those of so many parameters. */
static inline int
covariances_added(const ModelCovariates *covariates, int nparams)
{
	return covariances_of(nparams + covariates_count(&covariates->coefficients)) -
		   covariances_of(nparams);
}

/* Bytes of coefficients behind a model of so many parameters. */
static inline Size
coefficients_size(const ModelCovariates *covariates, int nparams)
{
	return offsetof(ModelCovariates, covariance) +
		   covariances_added(covariates, nparams) * sizeof(double);
}

/* Room for all that there may be. */
static inline ModelCovariates *
coefficients_create(void)
{
	return palloc0(offsetof(ModelCovariates, covariance) +
				   COEFFICIENT_COVARIANCES * sizeof(double));
}

/* Covariance of two estimates of a model: its parameters, then its coefficients. */
static inline double
coefficients_covariance(const ModelCovariates *covariates, const ModelFit *fit, int nparams, int i,
						int j)
{
	int at = COVARIANCE_INDEX(Max(i, j), Min(i, j));

	return at < covariances_of(nparams) ? fit->covariance[at]
										: covariates->covariance[at - covariances_of(nparams)];
}

extern void				coefficients_append_text(StringInfo out, const ModelCovariates *covariates,
												 const ModelFit *fit, int nparams);
extern ModelCovariates *coefficients_scan(Scanner *s, int nparams);
extern void				coefficients_append_bytes(StringInfo out, const ModelCovariates *covariates,
												  int nparams);
extern ModelCovariates *coefficients_from_bytes(StringInfo message, int nparams);
extern void				coefficients_append_json(StringInfo out, const ModelCovariates *covariates,
												 char *(*name)(const Covariates *, int) );
extern void	  CheckCoefficients(const ModelCovariates *covariates, const ModelFit *fit, int nparams,
								const char *type_name);
extern void	  coefficients_set(ModelCovariates *covariates, const FitResult *result, int nparams,
							   int separated);
extern double coefficient(const ModelCovariates *covariates, int i);
extern void	  CheckHasCovariates(const ModelCovariates *covariates);
extern void	  customer_numbers(const ModelCovariates *covariates, const Covariates *c,
							   double *numbers);
extern Datum  estimate_rows(FunctionCallInfo fcinfo, FuncCallContext *rows, const ModelShape *shape,
							const double *params, const ModelFit *fit,
							const ModelCovariates *covariates,
							char *(*name)(const Covariates *, int) );
extern char	 *coefficients_reason(const ModelCovariates *covariates, char *reason,
								  char *(*name)(const Covariates *, int) );

#endif /* CRM_MODEL_COEFFICIENTS_H */
