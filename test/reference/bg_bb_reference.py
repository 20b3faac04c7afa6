#!/usr/bin/env python3
"""Print test/data/bg_bb_reference.csv: likelihood and predictions of BG/BB to 20 digits.

With 40 digits, straight from the definitions of Fader, Hardie and Shang (2010): the likelihood is a sum of beta
functions over the occasion before which the customer left, and the predictions are ratios of such sums.
what: log_likelihood, p_alive (a = occasions ahead), expected (a = occasions ahead), dert (a = discount rate).
"""
from mpmath import mp, mpf as M, beta, log, nstr

mp.dps = 40


def buys(p, x, m):
    return beta(p[0] + x, p[1] + m - x) / beta(p[0], p[1])


def stays(p, n):
    return beta(p[2], p[3] + n) / beta(p[2], p[3])


def likelihood(p, x, last, n):
    gone = sum(buys(p, x, m) * beta(p[2] + 1, p[3] + m) / beta(p[2], p[3]) for m in range(last, n))
    return gone + buys(p, x, n) * stays(p, n)


def p_alive(p, x, last, n, ahead):
    return buys(p, x, n) * stays(p, n + ahead) / likelihood(p, x, last, n)


def expected(p, x, last, n, ahead):
    """One more purchase at an occasion to come: B(alpha + x + 1, ...), of those who are still there then."""
    more = beta(p[0] + x + 1, p[1] + n - x) / beta(p[0], p[1])
    return sum(more * stays(p, n + m) for m in range(1, ahead + 1)) / likelihood(p, x, last, n)


def dert(p, x, last, n, rate):
    more = beta(p[0] + x + 1, p[1] + n - x) / beta(p[0], p[1])
    term = more * stays(p, n + 1) / (1 + rate)
    total, m = M(0), 1
    while term > total * M("1e-30"):
        total += term
        term *= (p[3] + n + m) / (p[2] + p[3] + n + m) / (1 + rate)
        m += 1
    return total / likelihood(p, x, last, n)


models = [
    ["1.2035223516", "0.749716358173", "0.656718208442", "2.78344223258"],
    ["0.3", "5", "1", "1"],
    ["8", "2", "3", "40"],
    ["0.01", "0.2", "0.001", "0.02"],
    ["50000", "20000", "700", "90000"],
    ["1e-4", "3", "60", "0.5"],
]
customers = [(0, 0, 0), (0, 0, 6), (1, 1, 6), (6, 6, 6), (3, 5, 6), (2, 2, 52), (40, 51, 52), (0, 0, 300)]
print("alpha,beta,gamma,delta,x,last,n,what,a,value")
for text in models:
    p = [M(x) for x in text]
    for c in customers:
        def out(what, a, value):
            print(",".join([*text, *map(str, c), what, str(a), nstr(value, 20)]))

        out("log_likelihood", 0, log(likelihood(p, *c)))
        for ahead in (0, 1, 5):
            out("p_alive", ahead, p_alive(p, *c, ahead))
        for ahead in (1, 5, 100):
            out("expected", ahead, expected(p, *c, ahead))
        for rate in ("0.1", "0.02"):
            out("dert", rate, dert(p, *c, M(rate)))
