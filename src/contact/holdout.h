/*
 * holdout.h: the number that a key and a salt draw.
 */
#ifndef CRM_HOLDOUT_H
#define CRM_HOLDOUT_H

#include "crm.h"

extern double stable_fraction(const char *key, int key_len, const char *salt, int salt_len);

#endif /* CRM_HOLDOUT_H */
