#!/usr/bin/env python3
"""Makes vectors.json with SciPy: an implementation that shares nothing with ours.

pip install scipy numpy && ./make.py > vectors.json
"""

import json

import numpy as np
from scipy import stats
from scipy.integrate import quad
from scipy.special import betaln, betainc

FRACTIONS = [1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 0.95]
AT_ONCE, HALF_WITHIN = 0.7, 20
RATIOS = [1.05, 1.15, 1.35, 1.8, 3.0, 8.0]


def mixture(bad, requests, bound):
    """The likelihood averaged over Jeffreys' prior below the bound, integrated over p = u^2."""
    top = min(bound, bad / requests + 0.0)
    log = lambda p: bad * np.log(p / bound) + (requests - bad) * np.log((1 - p) / (1 - bound))
    peak = log(max(top, 1e-12))
    density = lambda u: 2 / np.sqrt(1 - u * u)
    options = dict(points=[np.sqrt(top)], epsabs=0, epsrel=1e-11, limit=500)
    value, _ = quad(lambda u: np.exp(log(u * u) - peak) * density(u) if u > 0 else density(0) * (bad == 0) * np.exp(log(1e-300) - peak), 0, np.sqrt(bound), **options)
    prior, _ = quad(density, 0, np.sqrt(bound))
    return float(peak + np.log(value / prior))


def wealth(shares, limit):
    """Each start and each size on its own: the product of its factors since it started."""
    total, waiting = 0.0, 1 - AT_ONCE
    for start in range(len(shares)):
        if start == 0:
            stake = AT_ONCE
        else:
            left = (1 - AT_ONCE) * HALF_WITHIN / (start + HALF_WITHIN)
            stake, waiting = waiting - left, left
        for fraction in FRACTIONS:
            factors = 1 + fraction / limit * (np.array(shares[start:]) - limit)
            total += stake / len(FRACTIONS) * float(np.prod(factors))
    return float(np.log(total + waiting))


def contest(pairs):
    """The likelihood ratio of two Poisson counts, given which values they have, not which is whose."""
    running = np.ones(len(RATIOS)) / len(RATIOS)
    for candidate, baseline in pairs:
        for number, ratio in enumerate(RATIOS):
            mean = 3.0
            this = stats.poisson.pmf(candidate, ratio * mean) * stats.poisson.pmf(baseline, mean)
            other = stats.poisson.pmf(baseline, ratio * mean) * stats.poisson.pmf(candidate, mean)
            running[number] *= 2 * this / (this + other)
    return float(np.log(running.sum()))


def dispersion(counts, slots):
    """Pearson's statistic by its degrees of freedom, over blocks of some slots."""
    blocks = len(counts) // slots
    counts = np.array(counts[: blocks * slots]).reshape(blocks, slots, 2).sum(axis=1)
    share = counts[:, 1].sum() / counts[:, 0].sum()
    expected = counts[:, 0] * share
    return float(((counts[:, 1] - expected) ** 2 / (expected * (1 - share))).sum() / (blocks - 1))


rng = np.random.default_rng(20261121)
vectors = {"scipy": __import__("scipy").__version__, "mixture": [], "wealth": [], "contest": [], "effect": []}
for bad, requests, bound in [(0, 47, 0.075), (0, 46, 0.075), (70, 2200, 0.075), (3, 400, 0.015), (12.5, 310.25, 0.075), (200, 2400, 0.075), (0, 3591, 0.0015)]:
    vectors["mixture"].append({"bad": bad, "requests": requests, "bound": bound, "ln": mixture(bad, requests, bound)})
for limit, level, blocks in [(0.05, 0.03, 60), (0.05, 0.08, 55), (0.01, 0.04, 40), (0.2, 1.0, 6)]:
    shares = [float(x) for x in rng.binomial(40, level, blocks) / 40]
    vectors["wealth"].append({"limit": limit, "shares": shares, "ln": wealth(shares, limit)})
for high, low in [(3, 3), (3.2, 1.2), (1, 4)]:
    pairs = [[int(a), int(b)] for a, b in zip(rng.poisson(high, 50), rng.poisson(low, 50))]
    vectors["contest"].append({"pairs": pairs, "ln": contest(pairs)})
for burst in [False, True]:
    counts = []
    for slot in range(400):
        level = 0.6 if burst and slot % 40 < 3 else 0.03
        counts.append([5, int(rng.binomial(5, level))])
    effect = max(1.0, *(dispersion(counts, slots) for slots in (4, 8, 20, 40)))
    vectors["effect"].append({"counts": counts, "effect": effect})
# SciPy's closed form agrees with the integral.
for row in vectors["mixture"]:
    k, n, p = row["bad"], row["requests"], row["bound"]
    closed = betaln(0.5 + k, 0.5 + n - k) + np.log(betainc(0.5 + k, 0.5 + n - k, p)) - betaln(0.5, 0.5) - np.log(betainc(0.5, 0.5, p)) - k * np.log(p) - (n - k) * np.log1p(-p)
    assert abs(closed - row["ln"]) < 1e-6 * max(1, abs(closed)), (row, closed)
print(json.dumps(vectors, indent=None, separators=(",", ":")))
