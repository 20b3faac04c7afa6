/*
 * fitted_model.h: what the types contract_model and occasion_model share: a kind of model, its
 * parameters and how they were fitted; input, output and questions to the fit.
 */
#ifndef CRM_FITTED_MODEL_H
#define CRM_FITTED_MODEL_H

#include "crm.h"

#include "base/value.h"
#include "lifetime/fit_record.h"

#define FITTED_MODEL_VERSION 1

typedef struct FittedModel
{
	int32	 vl_len_; /* varlena header, do not touch */
	uint16	 version; /* FITTED_MODEL_VERSION */
	uint16	 kind;	  /* index into the kinds of the type */
	double	 params[FIT_MAX_PARAMS];
	ModelFit fit;
} FittedModel;

/* A type: its kinds of models, and what their parameters have to hold beside being positive, or NULL. */
typedef struct FittedType
{
	const char	   *name;
	int				nkinds;
	const FitShape *kinds;
	void (*check)(const FittedModel *);
} FittedType;

/* The types' storage is plain: values are never packed or toasted in tables. */
#define PG_GETARG_FITTED_MODEL(n) ((FittedModel *) PG_GETARG_VARLENA_P(n))
#define PG_RETURN_FITTED_MODEL(m) PG_RETURN_POINTER(m)

extern FittedModel	   *fitted_model_create(const FittedType *type, int kind, const double *params);
extern FittedModel	   *fitted_model_of_result(const FittedType *type, int kind, FitResult *result,
											   const ModelFit *counts);
pg_noreturn extern void fit_is_missing(void);
extern bool				fit_interrupted(void);
pg_noreturn extern void stop_fit(void);
extern const FittedModel *CheckFittedPredicting(const FittedType *type, const FittedModel *model);

extern Datum fitted_model_in(FunctionCallInfo fcinfo, const FittedType *type);
extern Datum fitted_model_out(FunctionCallInfo fcinfo, const FittedType *type);
extern Datum fitted_model_send(FunctionCallInfo fcinfo, const FittedType *type);
extern Datum fitted_model_recv(FunctionCallInfo fcinfo, const FittedType *type);
extern Datum fitted_model_to_jsonb(FunctionCallInfo fcinfo, const FittedType *type);
extern Datum fitted_model_parameters(FunctionCallInfo fcinfo, const FittedType *type);
extern Datum fitted_model_fit_verdict(FunctionCallInfo fcinfo, const FittedType *type);

/* Input, output, comparison and what the fit tells, crm_<name>_in and so on, of a FittedType. */
#define FITTED_MODEL_FUNCTIONS(name, type)                                                        \
	COMPARISON_FUNCTION(crm_##name##_in, return fitted_model_in(fcinfo, &(type)))                 \
	COMPARISON_FUNCTION(crm_##name##_out, return fitted_model_out(fcinfo, &(type)))               \
	COMPARISON_FUNCTION(crm_##name##_send, return fitted_model_send(fcinfo, &(type)))             \
	COMPARISON_FUNCTION(crm_##name##_recv, return fitted_model_recv(fcinfo, &(type)))             \
	COMPARISON_FUNCTION(crm_##name##_to_jsonb, return fitted_model_to_jsonb(fcinfo, &(type)))     \
	COMPARISON_FUNCTION(crm_##name##_parameters, return fitted_model_parameters(fcinfo, &(type))) \
	COMPARISON_FUNCTION(crm_##name##_fit_verdict,                                                 \
						return fitted_model_fit_verdict(fcinfo, &(type)))                         \
	COMPARISON_FUNCTION(crm_##name##_is_converged,                                                \
						PG_RETURN_BOOL(model_fit_predicts(&PG_GETARG_FITTED_MODEL(0)->fit)))      \
	COMPARISON_FUNCTION(crm_##name##_log_likelihood,                                              \
						return model_log_likelihood(fcinfo, &PG_GETARG_FITTED_MODEL(0)->fit))     \
	COMPARISON_FUNCTION(crm_##name##_aic,                                                         \
						return model_aic(fcinfo, &PG_GETARG_FITTED_MODEL(0)->fit,                 \
										 (type).kinds[PG_GETARG_FITTED_MODEL(0)->kind].nparams))  \
	COMPARISON_FUNCTION(crm_##name##_bic,                                                         \
						return model_bic(fcinfo, &PG_GETARG_FITTED_MODEL(0)->fit,                 \
										 (type).kinds[PG_GETARG_FITTED_MODEL(0)->kind].nparams))  \
	VALUE_FUNCTIONS(name, value_bytes_order, value_bytes)

#endif /* CRM_FITTED_MODEL_H */
