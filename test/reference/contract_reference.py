#!/usr/bin/env python3
"""Print test/data/contract_reference.csv: survival, discounted lifetimes and elasticity of the contract models.

With 25 digits, straight from the definitions: a beta or gamma mixture of customers whose survival is summed
(or integrated) period by period. what: survival (a = from, b = periods), lifetime (a = from, b = rate),
elasticity (a = from, b = rate), log_likelihood (a = age, b = 1 lost, 0 running).
"""
from mpmath import mp, mpf as M, beta, log, nstr, nsum, quad, inf

mp.dps = 25


def survive(kind, p, t):
    if kind == 2:
        return (p[1] / (p[1] + t)) ** p[0]
    return beta(p[0], p[1] + M(t) ** (p[2] if kind == 1 else 1)) / beta(p[0], p[1])


def total(term, start, rate):
    """By terms where a discount ends the sum soon: no acceleration that could be wrong."""
    value, t = M(0), start
    while True:
        x = term(t)
        value += x
        t += 1
        if x < value * M("1e-18"):
            return value


models = [
    (0, ["0.764", "1.296", "0"]),
    (0, ["0.704077298474", "1.18204302621", "0"]),
    (0, ["0.668088351106", "3.80609496406", "0"]),
    (0, ["5", "20", "0"]),
    (0, ["0.01", "0.5", "0"]),
    (0, ["200", "1000", "0"]),
    (1, ["0.259335731511", "1.72255148809", "1.58436151502"]),
    (1, ["3", "2", "0.6"]),
    (1, ["0.5", "40", "2.5"]),
    (2, ["0.606", "11.669", "0"]),
    (2, ["4", "0.5", "0"]),
]
print("kind,p0,p1,p2,what,a,b,value")
for kind, text in models:
    p = [M(x) for x in text]
    s = lambda t: survive(kind, p, t)

    def out(what, a, b, value):
        print(",".join([str(kind), *text, what, str(a), str(b), nstr(value, 20)]))

    for a, b in [(0, 1), (0, 12), (3, 1), (50, 7), (1000, 1)]:
        out("survival", a, b, s(a + b) / s(a))
    for age in (1, 2, 7, 60):
        out("log_likelihood", age, 1, log(s(age - 1) - s(age)))
        out("log_likelihood", age, 0, log(s(age)))
    for a in (0, 1, 52):
        for rate in ("0.1", "0.5", "0.02"):
            q = 1 / (1 + M(rate))
            if kind == 2:
                edges = [0, 1, 10, 100, 1000, 10000, 40000]
                out("lifetime", a, rate, quad(lambda t: q**t * s(a + t) / s(a), edges))
                continue
            out("lifetime", a, rate, total(lambda t: q**t * s(a + t) / s(a), 0, rate))
            out("elasticity", a, rate,
                total(lambda t: t * q**t * s(a + t), 1, rate) / total(lambda t: q**t * s(a + t), 1, rate))
