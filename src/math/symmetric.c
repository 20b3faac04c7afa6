/*
 * symmetric.c: the inverse of a symmetric matrix by Cholesky's decomposition.
 */
#include "math/symmetric.h"

#include <math.h>

bool
symmetric_inverse(int n, int stride, const double *m, double *inverse)
{
	double l[SYMMETRIC_MAX][SYMMETRIC_MAX];

	for (int i = 0; i < n; i++)
		for (int j = 0; j <= i; j++)
		{
			double sum = m[i * stride + j];

			for (int k = 0; k < j; k++)
				sum -= l[i][k] * l[j][k];
			if (i == j && !(sum > 1e-14 * m[i * stride + i]))
				return false;
			l[i][j] = i == j ? sqrt(sum) : sum / l[j][j];
		}
	for (int column = 0; column < n; column++)
	{
		double y[SYMMETRIC_MAX];

		for (int i = 0; i < n; i++)
		{
			y[i] = i == column;
			for (int k = 0; k < i; k++)
				y[i] -= l[i][k] * y[k];
			y[i] /= l[i][i];
		}
		for (int i = n - 1; i >= 0; i--)
		{
			for (int k = i + 1; k < n; k++)
				y[i] -= l[k][i] * inverse[k * stride + column];
			inverse[i * stride + column] = y[i] / l[i][i];
		}
	}
	return true;
}
