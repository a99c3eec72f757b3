"""METRICS.md section 1."""

from __future__ import annotations

import math

from oracle.case import over_truth


def _worth(g, gain):
    return {"linear": g, "exp": 2**g - 1}[gain]


def _weight(r, discount):
    return {
        "log2": 1 / math.log2(r + 2),
        "log2_clip": 1 / math.log2(max(r + 1, 2)),
        "reciprocal": 1 / (r + 1),
    }[discount]


def _gained(listed, relevant, gain, discount):
    return sum(_weight(r, discount) * _worth(relevant[item], gain) for r, item in enumerate(listed) if item in relevant)


def dcg(case, k, *, gain="linear", discount="log2"):
    return over_truth(case, k, lambda _user, listed, relevant: float(_gained(listed, relevant, gain, discount)))


def ndcg(case, k, *, gain="linear", ideal="achievable", discount="log2"):
    def value(_user, listed, relevant):
        best = sorted(relevant.values(), reverse=True)[:k]
        best = {"achievable": best, "full": [best[0]] * k}[ideal]
        possible = sum(_weight(r, discount) * _worth(g, gain) for r, g in enumerate(best))
        return _gained(listed, relevant, gain, discount) / possible if possible > 0 else 0.0

    return over_truth(case, k, value)


def _hits(listed, relevant):
    return sum(1 for item in listed if item in relevant)


def precision(case, k, *, denominator="k"):
    def value(_user, listed, relevant):
        return _hits(listed, relevant) / {"k": k, "list": len(listed), "relevant": min(k, len(relevant))}[denominator]

    return over_truth(case, k, value)


def recall(case, k, *, denominator="relevant"):
    def value(_user, listed, relevant):
        return _hits(listed, relevant) / {"relevant": len(relevant), "cut": min(k, len(relevant))}[denominator]

    return over_truth(case, k, value)


def hit_rate(case, k):
    return over_truth(case, k, lambda _user, listed, relevant: 1.0 if _hits(listed, relevant) else 0.0)


def average_precision(case, k, *, denominator="cut"):
    def value(_user, listed, relevant):
        hits = _hits(listed, relevant)
        if hits == 0:
            return 0.0
        total = sum(_hits(listed[: r + 1], relevant) / (r + 1) for r in range(len(listed)) if listed[r] in relevant)
        cut = {"cut": min(k, len(relevant)), "list": min(len(listed), len(relevant))}
        return total / (cut | {"relevant": len(relevant), "hits": hits, "k": k})[denominator]

    return over_truth(case, k, value)


def reciprocal_rank(case, k):
    def value(_user, listed, relevant):
        for r, item in enumerate(listed):
            if item in relevant:
                return 1 / (1 + r)
        return 0.0

    return over_truth(case, k, value)


def f1(case, k):
    def value(_user, listed, relevant):
        hits = _hits(listed, relevant)
        if hits == 0:
            return 0.0
        precise, complete = hits / k, hits / len(relevant)
        return 2 * precise * complete / (precise + complete)

    return over_truth(case, k, value)


def rbp(case, k, *, p=0.85):
    def value(_user, listed, relevant):
        return (1 - p) * math.fsum(p**r for r, item in enumerate(listed) if item in relevant)

    return over_truth(case, k, value)


def r_precision(case, k):
    def value(_user, listed, relevant):
        return _hits(listed[: min(k, len(relevant))], relevant) / len(relevant)

    return over_truth(case, k, value)
