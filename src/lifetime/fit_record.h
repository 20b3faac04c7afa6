/*
 * fit_record.h: how a model was fitted, which purchase_model and spend_model share.
 */
#ifndef CRM_MODEL_FIT_H
#define CRM_MODEL_FIT_H

#include "crm.h"

#include "lib/stringinfo.h"
#include "models/fit.h"
#include "base/scan.h"

#define FIT_COVARIANCES (FIT_MAX_PARAMS * (FIT_MAX_PARAMS + 1) / 2)

/* All zero in a model made from known parameters; covariance all zero unless converged. */
typedef struct ModelFit
{
	int16  verdict; /* FitVerdict */
	int16  bound;	/* which parameter is at a bound, 0 if none */
	int32  reserved;
	int64  customers;	  /* that the fit ran over */
	int64  repeat_buyers; /* of them, with x > 0 */
	int64  left_out;
	double log_likelihood;
	double gradient_norm;
	double covariance[FIT_COVARIANCES]; /* lower triangle, row by row, then zeros */
} ModelFit;

/* What a fitted type tells the shared functions about itself. */
typedef struct ModelShape
{
	const char		  *type_name;
	int				   nparams;
	const char *const *param_names;
	const ParamUnit	  *units; /* NULL: all are positive */
	const char		  *limit; /* what is special about a limit of a family, in words; else NULL */
} ModelShape;

/* Log-likelihoods of which AIC and BIC are finite too. */
#define LOG_LIKELIHOOD_MAX 1e300

#define COVARIANCE_INDEX(i, j) ((i) * ((i) + 1) / 2 + (j))

extern void CheckParameters(const ModelShape *shape, const double *params);
extern void CheckModelFit(const ModelShape *shape, const ModelFit *fit);
extern void model_fit_set(ModelFit *fit, const FitResult *result, int nparams);
extern void clamp_parameters(FitResult *result, int nparams, const ParamUnit *units);
extern void model_fit_append_text(StringInfo out, const ModelShape *shape, const ModelFit *fit);
extern void model_fit_scan(Scanner *s, const ModelShape *shape, ModelFit *fit);
extern void model_fit_send(StringInfo out, const ModelShape *shape, const ModelFit *fit);
extern void model_fit_recv(StringInfo message, const ModelShape *shape, ModelFit *fit);
extern void model_fit_append_json(StringInfo out, const ModelShape *shape, const ModelFit *fit);
extern const char *fit_verdict_word(int verdict);
extern bool		   fit_verdict_at_bound(int verdict);
extern int16	   fit_verdict_scan(Scanner *s);
extern char		  *model_fit_reason(const ModelShape *shape, const ModelFit *fit);
extern Datum	   model_log_likelihood(FunctionCallInfo fcinfo, const ModelFit *fit);
extern Datum	   model_aic(FunctionCallInfo fcinfo, const ModelFit *fit, int estimated);
extern Datum	   model_bic(FunctionCallInfo fcinfo, const ModelFit *fit, int estimated);
extern void		   append_float8(StringInfo out, double value);
extern Datum	   model_parameters(FunctionCallInfo fcinfo, const ModelShape *shape,
									const double *params, const ModelFit *fit);

/* Whether a model can predict: its fit converged, or its parameters were given. */
static inline bool
model_fit_predicts(const ModelFit *fit)
{
	return fit->verdict == FIT_CONVERGED || fit->verdict == FIT_GIVEN;
}

/* Known parameters and converged fits predict; anything else would only look like an answer. */
static inline void
CheckUsableOr(const ModelShape *shape, const ModelFit *fit, const char *hint)
{
	if (unlikely(!model_fit_predicts(fit)))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("%s did not converge and cannot predict", shape->type_name),
						errdetail("%s.", model_fit_reason(shape, fit)), errhint("%s", hint)));
}

/* The same of a model of purchases, whose data can be looked at. */
static inline void
CheckUsable(const ModelShape *shape, const ModelFit *fit)
{
	CheckUsableOr(shape, fit,
				  "crm.is_converged(model) tells which models can; crm.data_check shows whether "
				  "the data suit a fit.");
}

#endif /* CRM_MODEL_FIT_H */
