"""METRICS.md section 8."""

from __future__ import annotations

import math
from fractions import Fraction

from oracle.case import NAN, features_of, item_counts, over_lists, relevant_of, top
from oracle.coverage import exposure


def head_items(case, head):
    """The most popular items of the catalogue, up to and with the first that reaches that share of the counts."""
    popularity = item_counts(case)
    falling = sorted(case.catalogue, key=lambda item: (-popularity[item], item))
    wanted = Fraction(str(head)) * sum(popularity[item] for item in falling)
    result, reached = set(), 0
    for item in falling:
        result.add(item)
        reached += popularity[item]
        if reached >= wanted:
            break
    return result


def aplt(case, k, *, head=0.8):
    tail = aclt(case, k, head=head)
    return over_lists(case, k, lambda user, listed: tail[user] / len(listed))


def aclt(case, k, *, head=0.8):
    popular = head_items(case, head)
    return over_lists(case, k, lambda _user, listed: float(sum(1 for item in listed if item not in popular)))


def popularity_lift(case, k):
    popularity = item_counts(case)
    people = [user for user in case.lists if top(case, user, k) and case.train.get(user)]
    if not people:
        return NAN

    def gap(items_of):
        means = [sum(popularity[item] for item in items_of(user)) / len(items_of(user)) for user in people]
        return math.fsum(means) / len(means)

    before = gap(lambda user: list(case.train[user]))
    return (gap(lambda user: top(case, user, k)) - before) / before


def spread(rates):
    """Population standard deviation over mean; undefined where a rate is."""
    if any(math.isnan(rate) for rate in rates) or sum(rates) == 0:
        return NAN
    middle = sum(rates) / len(rates)
    return math.sqrt(sum((rate - middle) ** 2 for rate in rates) / len(rates)) / middle


def _rate(part, whole):
    return part / whole if whole else NAN


def pop_reo(case, k, *, head=0.8):
    popular = head_items(case, head)
    hits, wanted = {True: 0, False: 0}, {True: 0, False: 0}
    for user in case.truth:
        relevant = relevant_of(case, user)
        for item in relevant:
            wanted[item in popular] += 1
            hits[item in popular] += item in top(case, user, k)
    return spread([_rate(hits[group], wanted[group]) for group in (True, False)])


def pop_rsp(case, k, *, head=0.8):
    popular = head_items(case, head)
    shown, possible = {True: 0, False: 0}, {True: 0, False: 0}
    for user in case.lists:
        listed = top(case, user, k)
        if listed:
            for item in case.catalogue:
                shown[item in popular] += item in listed
                possible[item in popular] += item not in case.train.get(user, {})
    return spread([_rate(shown[group], possible[group]) for group in (True, False)])


def group_exposure_ratio(case, k, *, attribute="popularity", head=0.8, discount="log2", base=0.85):
    popular = head_items(case, head)

    def groups_of(item):
        if attribute == "popularity":
            return {item in popular}
        if attribute == "genres":
            return features_of(case, item)
        column = case.attributes[attribute]
        return {column[item]} if item in column else set()

    members = {}
    for item in case.catalogue:
        for group in groups_of(item):
            members.setdefault(group, []).append(item)
    shown = exposure(case, k, discount, base)
    means = [math.fsum(shown[item] for item in items) / len(items) for items in members.values()]
    return min(means) / max(means) if len(means) > 1 and max(means) > 0 else NAN
