/*
 * symmetric.h: the inverse of a symmetric matrix.
 */
#ifndef CRM_SYMMETRIC_H
#define CRM_SYMMETRIC_H

#include <stdbool.h>

#define SYMMETRIC_MAX 52

/*
 * The inverse of the n by n matrix m, n at most SYMMETRIC_MAX, both stored by rows of stride numbers; only
 * the lower half of m is read. False unless m is positive definite.
 */
extern bool symmetric_inverse(int n, int stride, const double *m, double *inverse);

#endif /* CRM_SYMMETRIC_H */
