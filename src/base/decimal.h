/*
 * decimal.h: whole numbers of a decimal fraction as text, and text as numeric.
 */
#ifndef CRM_DECIMAL_H
#define CRM_DECIMAL_H

#include "crm.h"

#include "utils/numeric.h"

extern char	  *decimal_to_text(int128 value, int decimals, int least);
extern char	  *float8_text(double value);
extern Numeric numeric_of_text(const char *text);

#endif /* CRM_DECIMAL_H */
