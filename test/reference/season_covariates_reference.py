#!/usr/bin/env python3
"""Print test/data/season_covariates_reference.csv: models with a season, with covariates, and with both.

With the word customers: print test/data/season_covariates_customers.csv, the customers that they are of, drawn with Python's
random numbers. With 40 digits, straight from the story of each model: a day of the clock is what its month is worth, a customer
with covariates has rates of her own, and rates and ways to leave are means over their distributions, by closed moments
or numerical integration. Nothing is taken from the formulas of the extension.

PEAK holds where the fits of the extension end; a log-likelihood is level there, so that its digits do not hang on the last of theirs.
"""
import random
import sys
from datetime import date, timedelta

from mpmath import mp, mpf as M, exp, log, gamma, beta, quad, nstr, factorial, loggamma

mp.dps = 40

AS_OF = date(2024, 12, 31)
UNTIL = date(2025, 9, 30)
SEASON = ["0.7", "0.65", "0.8", "0.9", "1", "0.85", "0.7", "0.75", "0.95", "1.15", "1.6", "1.95"]
DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


def index():
    """The season's months, of which a year of 365.2425 days averages 1."""
    year = sum(M(s) * (d + (M("0.2425") if i == 1 else 0)) for i, (s, d) in enumerate(zip(SEASON, DAYS)))
    return [M(s) * M("365.2425") / year for s in SEASON]


S = index()


def clock(season, first, last, unit):
    """Units of the clock that pass from the end of a day to the end of another."""
    if not season:
        return M((last - first).days) / unit
    total = M(0)
    for i in range((last - first).days):
        total += S[(first + timedelta(days=i + 1)).month - 1]
    return total / unit


def draw():
    """Customers (kind, z1, z2, purchases): who buy by the season and may leave, and regular ones who never do."""
    rng = random.Random(20241231)
    for i in range(260):
        z1, z2 = i % 2, i // 2 % 3
        regular = i >= 200
        if regular:
            rate, leaves = rng.gammavariate(3, 1 / (150 * exp(-0.6 * z1))), 0
        else:
            rate, leaves = rng.gammavariate(0.9, 1 / (60 * exp(-0.5 * z1))), rng.betavariate(0.8 * exp(0.4 * z2), 2.5)
        price = 40 * exp(0.3 * z1 - 0.1 * z2) / rng.gammavariate(4, 1 / 3)
        day = date(2021, 1, 1) + timedelta(days=rng.randrange(1000))
        purchases = [(day, price)]
        gone = rng.random() < leaves
        while day < AS_OF and not gone:
            day += timedelta(days=1)
            if rng.random() < min(0.5, rate * (1 if regular else S[day.month - 1])):
                purchases.append((day, price * rng.gammavariate(5, 1 / 5)))
                gone = rng.random() < leaves
        yield ("regular" if regular else "shop", z1, z2,
               "{" + ", ".join(f"{d.isoformat()} 1 {max(float(p), 0.01):.2f}" for d, p in purchases if d <= AS_OF) + "}")


def panels(f, low, high, scale):
    """The integral of what falls off like a power of scale + y, by panels of ln(scale + y)."""
    if low == high:
        return M(0)
    ends = [log(scale + low) + (log(scale + high) - log(scale + low)) * i / 24 for i in range(25)]
    return quad(lambda v: f(exp(v) - scale) * exp(v), ends)


class Customer:
    def __init__(self, kind, z1, z2, history):
        self.kind, self.z, self.history = kind, (M(z1), M(z2)), history
        entries = [e.split() for e in history.strip("{}").split(", ")]
        self.days = [date.fromisoformat(e[0]) for e in entries]
        self.amounts = [M(e[2]) for e in entries]
        self.x = len(self.days) - 1

    def times(self, season, unit):
        first = self.days[0]
        return clock(season, first, self.days[-1], unit), clock(season, first, AS_OF, unit)

    def log_season(self, season):
        return sum((log(S[d.month - 1]) for d in self.days[1:]), M(0)) if season else M(0)


class Model:
    """A family whose parameters p are moved by coefficients g of buying and h of leaving."""

    def __init__(self, family, season, unit, p, g=(0, 0), h=(0, 0)):
        self.family, self.season, self.unit = family, season, M(unit)
        self.p, self.g, self.h = [M(v) for v in p], [M(v) for v in g], [M(v) for v in h]

    def own(self, c):
        buying = sum(g * z for g, z in zip(self.g, c.z))
        leaving = sum(h * z for h, z in zip(self.h, c.z))
        r, alpha = self.p[0], self.p[1] * exp(-buying)
        if self.family == "nbd":
            return r, alpha, None, None
        if self.family == "pareto_nbd":
            return r, alpha, self.p[2], self.p[3] * exp(-leaving)
        return r, alpha, self.p[2] * exp(leaving), self.p[3]

    def rate(self, c, power, time):
        """E[lambda^power e^(-lambda time)]"""
        r, alpha, _, _ = self.own(c)
        return exp(loggamma(r + power) - loggamma(r)) * alpha**r / (alpha + time) ** (r + power)

    def parts(self, c):
        """Density of what was seen, with the customer still there, and with her gone."""
        r, alpha, a, b = self.own(c)
        t, T = c.times(self.season, self.unit)
        x = c.x
        if self.family == "nbd":
            return self.rate(c, x, T), M(0)
        if self.family == "pareto_nbd":
            front = exp(loggamma(r + x) - loggamma(r)) * alpha**r * b**a
            here = front * (alpha + T) ** (-r - x) * (b + T) ** (-a)
            gone = front * a * panels(lambda y: (alpha + y) ** (-r - x) * (b + y) ** (-a - 1), t, T, alpha)
            return here, gone
        more = 1 if self.family == "mbg_nbd" else 0
        here = self.rate(c, x, T) * beta(a, b + x + more) / beta(a, b)
        if x + more == 0:
            return here, M(0)
        gone = self.rate(c, x, t) * beta(a + 1, b + x + more - 1) / beta(a, b)
        return here, gone

    def log_likelihood(self, c):
        return log(sum(self.parts(c))) + c.log_season(self.season)

    def forecast(self, c):
        """P(alive), E[purchases], P(0), P(1), P(2) and P(3) until UNTIL."""
        here, gone = self.parts(c)
        alive = here / (here + gone)
        r, alpha, a, b = self.own(c)
        _, T = c.times(self.season, self.unit)
        w, A = r + c.x, alpha + T
        t = clock(self.season, AS_OF, UNTIL, self.unit)

        def poisson(n, time):
            """E[(lambda time)^n e^(-lambda time) / n!] of a customer who is there"""
            return exp(loggamma(w + n) - loggamma(w)) * A**w * time**n / (A + time) ** (w + n) / factorial(n)

        if self.family == "nbd":
            return [M(1), w / A * t] + [poisson(n, t) for n in range(4)]
        if self.family == "pareto_nbd":
            B = b + T
            there = lambda y: (B / (B + y)) ** a  # P(there for y more)
            expected = panels(lambda y: w / A * there(y), M(0), t, B) * alive
            chances = []
            for n in range(4):
                leaving = panels(lambda y: poisson(n, y) * a / B * (B / (B + y)) ** (a + 1), M(0), t, A)
                chances.append(alive * (poisson(n, t) * there(t) + leaving) + (1 - alive if n == 0 else 0))
            return [alive, expected] + chances
        b = b + c.x + (1 if self.family == "mbg_nbd" else 0)
        density = lambda p: p ** (a - 1) * (1 - p) ** (b - 1) / beta(a, b)
        inner = lambda p: (1 - (A / (A + p * t)) ** w) / p * density(p)
        # p = v^k makes an end where the density runs off level
        k = 8
        expected = alive * quad(lambda v: inner(v**k) * k * v ** (k - 1), [0, M("0.5"), M("0.9"), 1])
        chances = [alive * poisson(0, t) + 1 - alive]
        for n in range(1, 4):
            stays = beta(a, b + n) / beta(a, b)
            leaves = beta(a + 1, b + n - 1) / beta(a, b)
            chances.append(alive * (stays * poisson(n, t) + leaves * (1 - sum(poisson(j, t) for j in range(n)))))
        return [alive, expected] + chances


class Spend:
    """Purchases are Gamma(p, nu), nu ~ Gamma(q, v exp(g'z))."""

    def __init__(self, p, q, v, g):
        self.p, self.q, self.v, self.g = M(p), M(q), M(v), [M(n) for n in g]

    def scale(self, c):
        return self.v * exp(sum(g * z for g, z in zip(self.g, c.z)))

    def log_likelihood(self, c):
        """ln of the density of the mean m of x purchases: E over nu of that of a Gamma(px, nu x)"""
        x, p, q, v = M(c.x), self.p, self.q, self.scale(c)
        m = sum(c.amounts[1:]) / x
        w = p * x
        # the integral over nu of nu^(w + q - 1) e^(-nu (xm + v)) is that of a gamma density
        return (w * log(x) + (w - 1) * log(m) - loggamma(w) + q * log(v) - loggamma(q) + loggamma(w + q)
                - (w + q) * log(x * m + v))

    def expected(self, c):
        total = sum(c.amounts[1:], M(0))
        shape, scale = self.p * c.x + self.q, self.scale(c) + total
        # E[p / nu], nu ~ Gamma(shape, scale)
        return self.p * scale * gamma(shape - 1) / gamma(shape)


PEAK = {
    "mbg_nbd season covariates": Model("mbg_nbd", True, 7, (1.3010478457197183, 10.48604785110487, 1.067599144604695, 3.255418608281601),
                                       (0.8364198729801468, -0.2762445974242012), (0.27921796267051047, 0.3234140955739067)),
    "bg_nbd season covariates": Model("bg_nbd", True, 1, (0.27573301383537896, 19.273863823566636, 1.4479975767499578, 7.10769252178191),
                                      (0.7895622158023559, -0.4328368922584383), (0.3395076112560763, 0.23475446485279075)),
    "mbg_nbd season": Model("mbg_nbd", True, 1, (0.9743756263463903, 43.43305321256974, 1.450587480805894, 2.859510240253817)),
    "mbg_nbd covariates": Model("mbg_nbd", False, 1, (1.4006010145671295, 81.48940925929223, 1.0033459264411413, 3.032350651854742),
                                (0.7879871888178961, -0.26711157240589095), (0.2891442726573581, 0.31987860474787416)),
    "pareto_nbd covariates": Model("pareto_nbd", False, 7, (0.9834264316088627, 11.647647145350456, 1.7423203840891357, 95.120480718119),
                                   (0.6872306578826497, -0.4492643247547945), (0.9736527936755186, 0.11600658092026563)),
    "nbd covariates": Model("nbd", False, 7, (3.581485319248922, 26.95997208068983), (0.37064361828858783, 0.19873789670880931)),
    "gamma_gamma": Spend(5.939065417761994, 4.312996398227126, 23.138769536846983, (0, 0)),
    "gamma_gamma covariates": Spend(8.336435487015262, 4.094858715179326, 14.883688360670655, (0.16450460316723534, -0.0563219663776566)),
}

GIVEN = {
    "mbg_nbd season covariates": Model("mbg_nbd", True, 7, (0.875, 8.5, 0.75, 2.5), (0.5, -0.25), (-0.125, 0.375)),
    "bg_nbd season covariates": Model("bg_nbd", True, 1, (0.875, 60, 0.75, 2.5), (0.5, -0.25), (-0.125, 0.375)),
    "mbg_nbd season": Model("mbg_nbd", True, 7, (0.875, 8.5, 1, 2.5)),
    "mbg_nbd covariates": Model("mbg_nbd", False, 1, (0.875, 60, 0.75, 2.5), (0.5, -0.25), (-0.125, 0.375)),
    "pareto_nbd covariates": Model("pareto_nbd", False, 7, (0.875, 8.5, 1, 40), (0.5, -0.25), (-0.125, 0.375)),
    "nbd covariates": Model("nbd", False, 7, (0.875, 8.5), (0.5, -0.25)),
    "gamma_gamma": Spend(5.5, 4, 25, (0, 0)),
    "gamma_gamma covariates": Spend(5.5, 4, 25, (0.375, -0.125)),
}


def digits(value):
    return nstr(value, 20, min_fixed=-30, max_fixed=30)


def main():
    customers = [Customer(*row) for row in draw()]
    if sys.argv[1:] == ["customers"]:
        print("kind,z1,z2,history")
        for c in customers:
            print(f'{c.kind},{int(c.z[0])},{int(c.z[1])},"{c.history}"')
        return
    print("what,model,customer,log_likelihood,p_alive,expected,p0,p1,p2,p3")
    for name, model in PEAK.items():
        of = "regular" if name == "nbd covariates" else "shop"
        chosen = [c for c in customers if c.kind == of and (c.x > 0 or not isinstance(model, Spend))]
        print(f"fit,{name},,{digits(sum(model.log_likelihood(c) for c in chosen))},,,,,,")
    for name, model in GIVEN.items():
        for i in (0, 1, 2, 3, 4, 5, 10, 15, 20, 25, 205):
            c = customers[i]
            if isinstance(model, Spend):
                print(f"customer,{name},{i + 1},,,{digits(model.expected(c))},,,,")
            else:
                print(f"customer,{name},{i + 1},," + ",".join(digits(v) for v in model.forecast(c)))


main()
