/*
 * pareto_nbd.h: what the files of Pareto/NBD share.
 */
#ifndef CRM_PARETO_NBD_H
#define CRM_PARETO_NBD_H

#include "models/model.h"

extern double pareto_nbd_probability(const PurchaseParams *params, double n, double t);
extern double pareto_nbd_p_purchases(const PurchaseParams *params, Btyd c, double n, double t);
extern void pareto_nbd_p_purchases_below(const PurchaseParams *params, Btyd c, int count, double t,
										 double *p);

#endif /* CRM_PARETO_NBD_H */
