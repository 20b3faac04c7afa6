/*
 * bg_nbd.c: BG/NBD, the beta-geometric / negative binomial model.
 *
 * Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way. A customer
 * can only drop out after a repeat purchase, so one without any is alive for
 * certain.
 */
#include "models/beta_geometric.h"

BETA_GEOMETRIC_MODEL(bg_nbd, MODEL_BG_NBD, "bg_nbd", "BG/NBD", false, 0);
