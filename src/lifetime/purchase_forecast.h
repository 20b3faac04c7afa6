/*
 * purchase_forecast.h: what one customer will buy in a time ahead, as a value: the
 * customer as a model sees her, the time, and the model.
 */
#ifndef CRM_PURCHASE_FORECAST_H
#define CRM_PURCHASE_FORECAST_H

#include "crm.h"

#include "lifetime/purchase_model.h"

#define PURCHASE_FORECAST_VERSION 1

typedef struct PurchaseForecast
{
	int32		  vl_len_;	/* varlena header, do not touch */
	uint16		  version;	/* PURCHASE_FORECAST_VERSION */
	uint16		  flags;	/* reserved, zero */
	Btyd		  customer; /* in units of the model */
	double		  periods;	/* from as_of on, in units of the model; finite */
	PurchaseModel model;	/* one that can predict, without what it was chosen among */
} PurchaseForecast;

/* The type's storage is plain: values are never packed or toasted in tables. */
#define PG_GETARG_PURCHASE_FORECAST(n) ((PurchaseForecast *) PG_GETARG_VARLENA_P(n))

/* Standard error of the expected purchases: from the errors of the parameters; 0 for given ones. */
extern double forecast_mean_error(const PurchaseModel *model, Btyd c, double t, double mean);

/* How many chances of so many purchases are asked for at once: few, then more. */
#define FEW_PURCHASES 32
#define MORE_PURCHASES 256

/* The smallest n of which at most so much of the distribution lies above. */
extern double forecast_quantile(const PurchaseModel *model, Btyd c, double t, double q);

#endif /* CRM_PURCHASE_FORECAST_H */
