/*
 * mbg_nbd.c: MBG/NBD, the modified BG/NBD model.
 *
 * Batislam, Denizel & Filiztekin (2007), Empirical validation and comparison of
 * models for customer base analysis. A customer may drop out after the first
 * purchase already.
 */
#include "models/beta_geometric.h"

BETA_GEOMETRIC_MODEL(mbg_nbd, MODEL_MBG_NBD, "mbg_nbd", "MBG/NBD", false, 1);
