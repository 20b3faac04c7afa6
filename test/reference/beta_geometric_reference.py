#!/usr/bin/env python3
"""Print test/data/beta_geometric_reference.csv: DERT of BG/NBD and MBG/NBD, everything of MBG/CNBD-k.

Straight from the story of the model: lambda ~ Gamma(r, alpha) is integrated numerically
(the likelihood times Poisson probabilities of phases), p ~ Beta(a, b) through moments of the
beta distribution. 30 digits of working precision.
"""
import random

from mpmath import mp, mpf as M, exp, log, gamma, beta, hyp2f1, factorial, nstr, sqrt

mp.dps = 30
random.seed(20261122)


def lambda_mean(f, w, A):
    """Integral of f(lambda) lambda^(w-1) e^(-A lambda): trapezoidal rule in ln(lambda), error below 1e-20."""
    step = min(M("0.2"), M("0.25") / sqrt(w))
    peak = log(w / A)
    total = M(0)
    for direction in (-1, 1):
        y = peak if direction < 0 else peak + step
        while True:
            term = exp(w * y - A * exp(y))
            part = term * f(exp(y))
            total += part
            if abs(part) < M("1e-24") * abs(total) and term < M("1e-24") * exp(w * peak - w):
                break
            y += direction * step
    return total * step


def row(model, k, first, r, alpha, a, b, x, t_x, T, t, delta):
    k, x = int(k), int(x)
    r, alpha, a, b, t_x, T, t, delta = map(M, (r, alpha, a, b, t_x, T, t, delta))
    u = T - t_x
    w = r + k * x
    stayed = x if first else x - 1
    # density of the gaps without prod(gap)^(k-1), integrated over lambda
    norm = alpha**r / gamma(r) / gamma(k) ** x
    silent = lambda l: sum((l * u) ** j / factorial(j) for j in range(k))
    # all lambda integrals share the factor lambda^(w-1) e^(-(alpha+T) lambda)
    alive_l = lambda_mean(silent, w, alpha + T)
    if stayed < 0:
        dead, alive_p = M(0), M(1)
    else:
        dead_l = gamma(w) / (alpha + t_x) ** w
        dead = beta(a + 1, b + stayed) / beta(a, b) * dead_l
        alive_p = beta(a, b + stayed + 1) / beta(a, b)
    alive = alive_p * alive_l
    p_alive = alive / (alive + dead)
    ll = log(norm * (alive + dead))
    bb = b + stayed + 1
    # dert: theta^(k-j) 2F1(1, b; a+b; theta^k), j phases over
    def discounted(l):
        theta = l / (l + delta)
        f = hyp2f1(1, bb, a + bb, theta**k)
        return sum((l * u) ** j / factorial(j) * theta ** (k - j) for j in range(k)) * f
    dert = p_alive * lambda_mean(discounted, w, alpha + T) / alive_l
    # purchases i = 1, 2, ... : stayed i-1 times, and at least ki - j phases within t
    def expected(l):
        mean = l * t
        nmax = int(mean + 20 * sqrt(mean) + 60)
        ladder, s, total = [], M(1), M(0)
        for i in range(nmax // k + 3):
            ladder.append(total)
            total += s
            s *= (bb + i) / (a + bb + i)
        result = M(0)
        pmf = exp(-mean)
        weights = [(l * u) ** j / factorial(j) for j in range(k)]
        for n in range(nmax):
            result += pmf * sum(weights[j] * ladder[(j + n) // k] for j in range(k))
            pmf *= mean / (n + 1)
        return result
    cet = ""
    if model == "MBG/CNBD-k":
        cet = nstr(p_alive * lambda_mean(expected, w, alpha + T) / alive_l, 20)
    print(",".join([model, str(k)] + [repr(float(v)) for v in (r, alpha, a, b, x, t_x, T, t, delta)] +
                   [nstr(ll, 20), nstr(p_alive, 20), cet, nstr(dert, 20)]), flush=True)


print("model,k,r,alpha,a,b,x,t_x,T,t,delta,log_likelihood,p_alive,cet,dert")
shapes = [("0.2426", "4.4136", "0.7929", "2.4259"), ("0.546", "13.41", "0.01", "0.02"),
          ("0.24", "4.4", "60", "400"), ("0.6073", "20.957", "1.2756", "8.861"),
          ("1.17", "11.2", "0.58", "0.556"), ("0.25", "31", "1", "2.5"), ("5.5", "9.1", "0.4", "1.7")]
customers = [(0, "0", "27"), (1, "3.5", "38.875"), (3, "38.75", "38.75"), (7, "3", "156"),
             (29, "37.75", "38.875"), (60, "150", "156")]
for shape in shapes:
    for (x, t_x, T) in random.sample(customers, 3):
        for model, first in (("BG/NBD", 0), ("MBG/NBD", 1)):
            row(model, 1, first, *shape, x, t_x, T, "39", random.choice(("0.0027", "0.0001", "0.2")))
for k in (1, 2, 3, 6, 12):
    for shape in random.sample(shapes, 4):
        for (x, t_x, T) in random.sample(customers, 2):
            row("MBG/CNBD-k", k, 1, *shape, x, t_x, T, random.choice(("1", "13", "39")),
                random.choice(("0.0027", "0.05")))
