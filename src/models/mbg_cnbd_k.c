/*
 * mbg_cnbd_k.c: MBG/CNBD-k, for customers who buy regularly.
 *
 * Reutterer, Platzer & Schroeder (2021), Leveraging purchase regularity for
 * predicting customer behavior the easy way. The time between two purchases is
 * Erlang-k: k phases, each of rate lambda. k = 1 is MBG/NBD.
 */
#include "models/beta_geometric.h"

BETA_GEOMETRIC_MODEL(mbg_cnbd_k, MODEL_MBG_CNBD_K, "mbg_cnbd_k", "MBG/CNBD-k", true, 1);
