/*
 * models.c: the register of purchase models.
 */
#include "models/model.h"

#include <math.h>
#include <stddef.h>

const PurchaseModelOps *
purchase_model_at(int index)
{
	static const PurchaseModelOps *const families[PURCHASE_FAMILIES] = {
		&bg_nbd_ops, &mbg_nbd_ops, &pareto_nbd_ops, &mbg_cnbd_k_ops};

	return index < PURCHASE_FAMILIES ? families[index]
									 : &purchase_limits[index - PURCHASE_FAMILIES];
}

const PurchaseModelOps *
purchase_model_ops(int kind)
{
	if (kind >= 1 && kind <= PURCHASE_FAMILIES)
		return purchase_model_at(kind - 1);
	for (int i = 0; i < PURCHASE_LIMITS; i++)
		if (purchase_limits[i].kind == kind)
			return &purchase_limits[i];
	return NULL;
}

double
purchase_model_bic(int kind, double log_likelihood, double customers)
{
	const PurchaseModelOps *ops = purchase_model_ops(kind);

	return (ops->nparams + ops->has_k) * log(customers) - 2 * log_likelihood;
}

bool
purchase_model_may_be_chosen(int kind, int k)
{
	return purchase_model_family(kind) != MODEL_BG_NBD &&
		   !(k > 1 && (kind & LIMIT_LEAVING) == LIMIT_LEAVE_NEVER);
}
