/*
 * model_choice.c: what a purchase model was chosen among, as rows, and why it was taken.
 */
#include "crm.h"

#include "base/rows.h"
#include "lifetime/purchase_model.h"
#include "utils/builtins.h"

#define CHOICE_COLUMNS 9

static double
bic_of(const PurchaseModel *model, const ModelTried *tried)
{
	return purchase_model_bic(tried->kind, tried->log_likelihood, (double) model->fit.customers);
}

/* Whether this is the model itself; a receive or a text that holds it otherwise does not hold together. */
static bool
is_taken(const PurchaseModel *model, const ModelTried *tried)
{
	return tried->kind == model->kind && tried->k == model->k &&
		   tried->verdict == model->fit.verdict;
}

/* Why a model was taken, or was not, in words. */
static char *
reason(const PurchaseModel *model, const ModelTried *tried, bool taken, double least)
{
	const PurchaseModelOps *ops = purchase_model_ops(tried->kind);
	ModelShape shape = {"purchase_model", ops->nparams, ops->param_names, ops->units, ops->limit};
	ModelFit   fit = {.verdict = tried->verdict, .bound = tried->bound};

	if (taken)
		return psprintf(
			"the least BIC%s",
			tried->k == PURCHASE_MAX_K ? "; k stops here, where purchases are nearly a clock" : "");
	if (tried->verdict != FIT_CONVERGED)
		return model_fit_reason(&shape, &fit);
	if (tried->kind == model->kind && tried->k == model->k)
		return pstrdup("ended in the model that was taken");
	if (purchase_model_family(tried->kind) == MODEL_BG_NBD)
		return pstrdup("calls every customer of one purchase a customer for certain: taken only "
					   "when it is named");
	if (!purchase_model_may_be_chosen(tried->kind, tried->k))
		return pstrdup("a rhythm that nobody leaves: whoever has been silent longest would buy "
					   "soonest");
	return psprintf("its BIC is higher by %.1f", bic_of(model, tried) - least);
}

/* (model) -> one row for each model that was fitted for a choice; none for one that was not chosen. */
PG_FUNCTION_INFO_V1(crm_model_choice);
Datum
crm_model_choice(PG_FUNCTION_ARGS)
{
	FuncCallContext		   *rows;
	const PurchaseModel	   *model;
	const ModelTried	   *tried;
	const PurchaseModelOps *ops;
	Datum					values[CHOICE_COLUMNS];
	bool					nulls[CHOICE_COLUMNS] = {false};
	bool					taken;
	StringInfoData			signature;
	int						first = 0;

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, 0);
		rows->user_fctx = rows_copy_varlena(rows, PG_GETARG_PURCHASE_MODEL(0));
	}
	rows = SRF_PERCALL_SETUP();
	model = rows->user_fctx;
	if (rows->call_cntr >= (uint64) model->ntried)
		SRF_RETURN_DONE(rows);
	while (!is_taken(model, &model->tried[first]))
		first++;
	tried = &model->tried[rows->call_cntr];
	ops = purchase_model_ops(tried->kind);
	taken = (int) rows->call_cntr == first;
	initStringInfo(&signature);
	purchase_model_signature(&signature, tried->kind, tried->k);
	values[0] = CStringGetTextDatum(purchase_model_ops(tried->fitted)->name);
	values[1] = CStringGetTextDatum(signature.data);
	values[2] = CStringGetTextDatum(ops->limit != NULL ? ops->limit : "");
	nulls[2] = ops->limit == NULL;
	values[3] = Int32GetDatum(ops->nparams + ops->has_k);
	values[4] = Float8GetDatum(tried->log_likelihood);
	values[5] = Float8GetDatum(bic_of(model, tried));
	values[6] = Float8GetDatum(tried->holdout);
	nulls[6] = !tried->has_holdout;
	values[7] = BoolGetDatum(taken);
	values[8] =
		CStringGetTextDatum(reason(model, tried, taken, bic_of(model, &model->tried[first])));
	return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
}
