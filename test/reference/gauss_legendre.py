#!/usr/bin/env python3
"""Print src/math/gauss_legendre.h: Gauss-Legendre nodes and weights on [0, 1], computed at 40 digits."""
from mpmath import mp, mpf, cos, pi

mp.dps = 40

print("""/*
 * gauss_legendre.h: Gauss-Legendre nodes and weights on [0, 1].
 *
 * Written by test/reference/gauss_legendre.py; do not edit.
 */
#ifndef CRM_GAUSS_LEGENDRE_H
#define CRM_GAUSS_LEGENDRE_H

typedef struct GaussNode
{
	double		at;
	double		weight;
} GaussNode;
""")


def polynomial(n, t):
    """P_n(t) and its derivative, by the three-term recurrence."""
    before, value = mpf(1), t
    for k in range(2, n + 1):
        before, value = value, ((2 * k - 1) * t * value - (k - 1) * before) / k
    return value, n * (t * value - before) / (t * t - 1)


for n in (8, 16, 32):
    print("static const GaussNode gauss_legendre_%d[%d] = {" % (n, n))
    for i in range(n, 0, -1):
        t = cos(pi * (i - mpf(1) / 4) / (n + mpf(1) / 2))
        for _ in range(10):
            value, slope = polynomial(n, t)
            t -= value / slope
        slope = polynomial(n, t)[1]
        print("\t{%s, %s}," % (mp.nstr((1 + t) / 2, 20), mp.nstr(1 / ((1 - t * t) * slope**2), 20)))
    print("};\n")
print("#endif")
