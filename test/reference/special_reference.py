#!/usr/bin/env python3
"""Print test/data/special_reference.csv: special functions at 40 digits, straight from mpmath."""
import random

from mpmath import mp, mpf, loggamma, psi, expint, exp, betainc, nstr

mp.dps = 40
random.seed(20261122)


def spread(low, high):
    """A float that is uniform in its logarithm, so that C reads the very same number."""
    return float("%.6g" % 10 ** random.uniform(low, high))


def show(name, a, b, c, value):
    print("%s,%r,%r,%r,%s" % (name, a, b, c, nstr(value, 20)))


print("function,a,b,c,value")
for _ in range(60):
    a = spread(-6, 9)
    show("lgamma", a, 0.0, 0.0, loggamma(mpf(a)))
    show("digamma", a, 0.0, 0.0, psi(0, mpf(a)))
for i in range(200):
    a = spread(-6, 9)
    x = spread(-6, 6) if i % 2 else float(int(spread(0, 4)))
    show("log_rising", a, x, 0.0, loggamma(mpf(a) + mpf(x)) - loggamma(mpf(a)))
    show("digamma_rise", a, x, 0.0, psi(0, mpf(a) + mpf(x)) - psi(0, mpf(a)))
orders = [1e-6, 0.01, 0.4999, 0.5, 0.999999999, 1.0, 1.00000001, 1.25, 1.5, 2.0, 2.0000001, 3.0, 7.5, 30.0, 400.0, 20000.0]
for s in orders + [spread(-3, 4) for _ in range(14)]:
    for z in (1e-9, 0.001, 0.3, 0.99, 1.0, 1.01, 3.0, 40.0, 1e5) + (spread(-8, 4),):
        show("expint_scaled", s, z, 0.0, exp(mpf(z)) * expint(mpf(s), mpf(z)))
for _ in range(200):
    a, b = spread(-2, 4), spread(-2, 3)
    u = spread(-4, 4)
    x = mpf(u) / (1 + mpf(u))
    value = betainc(mpf(a), mpf(b), 0, x, regularized=True)
    if value > mpf("1e-280"):
        show("beta_inc", a, b, u, value)
