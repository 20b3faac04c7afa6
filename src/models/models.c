/*
 * models.c: the register of purchase models.
 */
#include "models/model.h"

#include <stddef.h>

const PurchaseModelOps *
purchase_model_ops(int kind)
{
	switch (kind)
	{
		case MODEL_BG_NBD:
			return &bg_nbd_ops;
		case MODEL_MBG_NBD:
			return &mbg_nbd_ops;
		case MODEL_PARETO_NBD:
			return &pareto_nbd_ops;
		case MODEL_MBG_CNBD_K:
			return &mbg_cnbd_k_ops;
	}
	return NULL;
}
