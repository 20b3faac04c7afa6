#!/usr/bin/env python3
"""Print test/data/limits_reference.csv: the limits of the purchase models, and the families close to them.

Straight from the story of each model, with 40 digits: purchase rates and ways to leave are means over their
distributions (a gamma density, a beta density, one point, or two), by numerical integration or closed
moments. Nothing is taken from the formulas of the extension.
With a number: rows from that one on, without the head. A row takes seconds, those of k = 3 minutes.
"""
import sys

from mpmath import mp, mpf as M, exp, log, gamma, beta, hyp2f1, factorial, nstr, sqrt, quad, inf

mp.dps = 40


class Rate:
    """Posterior means over the rate: gamma of shape r and scale alpha, or known."""

    def __init__(self, r=None, alpha=None, rate=None):
        self.r, self.alpha, self.rate = r, alpha, rate

    def weight(self, power, time, f=lambda l: M(1)):
        """E[lambda^power e^(-lambda time) f(lambda)]"""
        if self.rate is not None:
            return self.rate**power * exp(-self.rate * time) * f(self.rate)
        w, A = self.r + power, self.alpha + time
        step = M("0.2") / sqrt(w + 1)
        peak = log(w / A)
        total = M(0)
        for direction in (-1, 1):
            y = peak if direction < 0 else peak + step
            while True:
                term = exp(w * (y - peak) - A * (exp(y) - exp(peak)))
                part = term * f(exp(y))
                total += part
                if term < M("1e-30"):
                    break
                y += direction * step
        scale = exp(w * peak - A * exp(peak) + self.r * log(self.alpha) - mp.loggamma(self.r))
        return total * step * scale


class Leaving:
    """At each chance with probability p: moments of p ~ Beta(a, b), one p, 0 or 1, or 0."""

    def __init__(self, a=None, b=None, p=None, share=None, before=0):
        self.a, self.b, self.p, self.share, self.before = a, b, p, share, before
        self.grids = {}

    def stays(self, n):
        """E[(1 - p)^n]"""
        if self.a is not None:
            return beta(self.a, self.b + n) / beta(self.a, self.b)
        if self.p is not None:
            return (1 - self.p) ** n
        if self.share is not None:
            return M(1) if n == 0 else 1 - self.share
        return M(1)

    def ladder(self, chances, i):
        """P(stays i more times | stayed so often)"""
        return self.stays(chances + i) / self.stays(chances)

    def discounted(self, chances, q):
        """sum of q^i ladder(i)"""
        if self.a is not None:
            a, b = self.a, self.b + chances
            if a < 50:
                return hyp2f1(1, b, a + b, q)
            # the series of 2F1 is too long: the mean over p itself, by the trapezoidal rule in its log odds
            if chances not in self.grids:
                width = sqrt(1 / a + 1 / b) / 4
                points = [log(a / b) + i * width for i in range(-110, 111)]
                weights = [exp(-a * log(1 + exp(-x)) - b * log(1 + exp(x)) - log(beta(a, b))) * width for x in points]
                self.grids[chances] = [(weight, 1 / (1 + exp(x))) for x, weight in zip(points, weights)]
                assert abs(sum(weights) - 1) < M("1e-30")
            return sum(weight / (1 - stays * q) for weight, stays in self.grids[chances])
        if self.p is not None:
            return 1 / (1 - (1 - self.p) * q)
        if self.share is not None and chances == 0:
            return self.share + (1 - self.share) / (1 - q)
        return 1 / (1 - q)


def purchases_row(k, first, rate, leaving, x, t_x, T, t, delta):
    """Leaving at purchases."""
    u, kx = T - t_x, k * x
    chances = x + first
    silent = lambda l: sum((l * u) ** j / factorial(j) for j in range(k))
    alive_rate = rate.weight(kx, T, silent)
    alive = leaving.stays(chances) * alive_rate
    dead = (leaving.stays(chances - 1) - leaving.stays(chances)) * rate.weight(kx, t_x) if chances else M(0)
    ll = log(alive + dead) - x * log(gamma(k))
    p_alive = alive / (alive + dead)

    def expected(l):
        mean = l * t
        n_max = int(mean + 20 * sqrt(mean) + 60)
        rungs, total = [], M(0)
        for i in range(n_max // k + 3):
            rungs.append(total)
            total += leaving.ladder(chances, i)
        result, pmf = M(0), exp(-mean)
        weights = [(l * u) ** j / factorial(j) for j in range(k)]
        for n in range(n_max):
            result += pmf * sum(weights[j] * rungs[(j + n) // k] for j in range(k))
            pmf *= mean / (n + 1)
        return result

    def discounted(l):
        theta = l / (l + delta)
        return sum((l * u) ** j / factorial(j) * theta ** (k - j) for j in range(k)) * leaving.discounted(chances, theta**k)

    return (ll, p_alive, p_alive * rate.weight(kx, T, expected) / alive_rate,
            p_alive * rate.weight(kx, T, discounted) / alive_rate)


def moments_row(rate, s, beta_, mu, x, t_x, T, t, delta):
    """Leaving at any moment, at rate mu or at a rate of Gamma(s, beta)."""
    buys = (lambda y: rate.rate**x * exp(-rate.rate * y)) if rate.rate is not None else \
        (lambda y: exp(mp.loggamma(rate.r + x) - mp.loggamma(rate.r) + rate.r * log(rate.alpha) - (rate.r + x) * log(rate.alpha + y)))
    lives = (lambda y: exp(-mu * y)) if mu is not None else (lambda y: (beta_ / (beta_ + y)) ** s)
    dies = (lambda y: mu * exp(-mu * y)) if mu is not None else (lambda y: s / (beta_ + y) * (beta_ / (beta_ + y)) ** s)
    alive = buys(T) * lives(T)
    dead = quad(lambda y: buys(y) * dies(y), [t_x, (t_x + T) / 2, T]) if T > t_x else M(0)
    p_alive = alive / (alive + dead)
    mean = rate.rate if rate.rate is not None else (rate.r + x) / (rate.alpha + T)
    lived = quad(lambda y: lives(T + y) / lives(T), [0, t / 2, t])
    ever = quad(lambda y: exp(-delta * y) * lives(T + y) / lives(T), [0, 10, 100, 1000, 10000, inf])
    return log(alive + dead), p_alive, p_alive * mean * lived, p_alive * mean * ever


def row(name, names, k, values, customer, t, delta):
    p = dict(zip(names.split(), map(M, values)))
    rate = Rate(p.get("r"), p.get("alpha"), p.get("rate"))
    c = [M(v) for v in customer]
    if name == "pareto_nbd":
        result = moments_row(rate, p.get("s"), p.get("beta"), p.get("mu"), *c, M(t), M(delta))
    else:
        leaving = Leaving(p.get("a"), p.get("b"), p.get("p"), p.get("share"))
        result = purchases_row(k, name != "bg_nbd", rate, leaving, int(customer[0]), *c[1:], M(t), M(delta))
    cells = [repr(float(v)) for v in values] + [""] * (4 - len(values))
    print(",".join([name, names, str(k)] + cells + [repr(float(v)) for v in list(customer) + [t, delta]] +
                   [nstr(v, 20) for v in result]), flush=True)


FROM = int(sys.argv[1]) if len(sys.argv) > 1 else 0
if FROM == 0:
    print("model,parameters,k,p1,p2,p3,p4,x,t_x,T,t,delta,log_likelihood,p_alive,cet,dert")
# binary fractions, so that a double holds what is written
customers = [("0", "0", "26"), ("1", "3.5", "38.875"), ("4", "30.25", "38.75"), ("26", "30", "31")]
GAMMA, ALIKE = ("r alpha", ("0.5625", "10.5")), ("rate", ("0.171875",))
ROUNDS = [(39, "0.00390625"), (8, "0.0625")]
n = 0


def several(name, names, k, values):
    global n
    for customer in customers:
        if n >= FROM:
            row(name, names, k, values, customer, *ROUNDS[n % 2])
        n += 1


for buying in (GAMMA, ALIKE):
    for name, k in (("bg_nbd", 1), ("mbg_nbd", 1), ("mbg_cnbd_k", 3)):
        for leaving in (("p", ("0.3125",)), ("share", ("0.375",))):
            several(name, buying[0] + " " + leaving[0], k, buying[1] + leaving[1])
    several("pareto_nbd", buying[0] + " mu", 1, buying[1] + ("0.03125",))
    several({2: "nbd", 1: "poisson"}[len(buying[1])], buying[0], 1, buying[1])
    several({2: "cnbd_k", 1: "erlang_k"}[len(buying[1])], buying[0], 3, buying[1])
for name, k in (("bg_nbd", 1), ("mbg_nbd", 1), ("mbg_cnbd_k", 3)):
    several(name, "rate a b", k, ALIKE[1] + ("0.8125", "2.5"))
several("pareto_nbd", "rate s beta", 1, ALIKE[1] + ("0.625", "11.5"))
# whole families close to their limits: 2^10 and 2^20 are about 1e3 and 1e6
for far in (2.0**10, 2.0**20):
    for name, k in (("bg_nbd", 1), ("mbg_nbd", 1), ("mbg_cnbd_k", 3)):
        several(name, "r alpha a b", k, (0.5625, 10.5, 0.8125 / far, 2.5))
        several(name, "r alpha a b", k, (0.5625, 10.5, 0.3125 * far, 0.6875 * far))
        several(name, "r alpha a b", k, (0.5625, 10.5, 0.375 / far, 0.625 / far))
        several(name, "r alpha a b", k, (0.171875 * far, far, 0.8125, 2.5))
    several("pareto_nbd", "r alpha s beta", 1, (0.171875 * far, far, 0.625, 11.5))
    several("pareto_nbd", "r alpha s beta", 1, (0.5625, 10.5, 0.03125 * far, far))
    several("pareto_nbd", "r alpha s beta", 1, (0.5625, 10.5, 0.625 / far, 11.5))
