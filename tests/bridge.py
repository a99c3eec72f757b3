"""From the oracle's `Case` to the library: datasets, lists, values of parameters to try, and the oracle's answer."""

from __future__ import annotations

import contextlib
import itertools
import math
import types
from typing import Annotated, Literal, Union, get_args, get_origin

import numpy as np
import pandas as pd
from oracle import ORACLES

from beyondacc.bound.bind import bind
from beyondacc.data.dataset import Dataset
from beyondacc.data.recommendations import Recommendations
from beyondacc.declare.params import Day, Range
from beyondacc.distances import DISTANCES as KNOWN, Distance
from beyondacc.distances.own import Own
from beyondacc.metrics.base.metric import Metric
from beyondacc.metrics.calibration import draw_order

CUTOFFS = (1, 2, 3, 10, 50)
DISTANCES = (
    *("jaccard", "cosine", "cosine(half=true)", "hamming", "hamming(normalized=false)", "euclidean"),
    *("rating_cosine", "rating_cosine(center=item, support=common)", "rating_cosine(center=none)"),
    *("rating_cosine(support=common)", "pearson", "cooccurrence", "npmi"),
)


def manhattan(one, other):
    """Sum of absolute differences."""
    total = 0.0
    for place in range(len(one)):
        total += abs(one[place] - other[place])
    return total


@contextlib.contextmanager
def distances_as_they_are():
    """Whatever distances are made in the meantime, those known by name are afterwards the same in the same order."""
    before = dict(KNOWN)
    try:
        yield
    finally:
        KNOWN.clear()
        KNOWN.update(before)


def rows_of(profiles, value):
    """``{user: {item: value}}`` as a frame."""
    rows = [(user, item, number) for user, items in profiles.items() for item, number in items.items()]
    return pd.DataFrame(rows, columns=["user_id", "item_id", value])


def items_of(case):
    """The items table; features with weights are dicts, attributes and dates are columns."""
    genres = [sorted(each) for each in case.features.values()]
    if case.weights is not None:
        genres = [{name: case.weights[item][name] for name in case.features[item]} for item in case.features]
    frame = pd.DataFrame({"item_id": list(case.features), "genres": pd.Series(genres, dtype=object)})
    if case.dates is not None:
        frame["date"] = pd.Series([case.dates.get(item) for item in case.features], dtype=object)
    for name, values in (case.attributes or {}).items():
        frame[name] = [values.get(item) for item in case.features]
    return frame


def vectors_of(case, dtype=np.float64):
    """One vector for each row of `items_of`; an item without one gets zeros, which is the same."""
    if case.vectors is None:
        return None
    width = max((len(vector) for vector in case.vectors.values()), default=1)
    return np.array([case.vectors.get(item, [0.0] * width) for item in case.features], dtype)


def test_of(case):
    """``{user: {item: gain}}`` with 0 for items judged not relevant."""
    users = dict.fromkeys([*case.truth, *case.rejected])
    return {user: dict.fromkeys(case.rejected.get(user, ()), 0.0) | case.truth.get(user, {}) for user in users}


def to_dataset(case, *, dtype=np.float64):
    """The dataset of a case; tells the case in which order the library numbers the items."""
    data = Dataset(
        train=case.train,
        test=test_of(case) if case.truth else None,
        items=None if case.features is None else items_of(case),
        vectors=None if case.features is None else vectors_of(case, dtype),
    )
    known = data.items.ids.tolist()
    case.item_order = [*known, *(item for item in case.item_order if item not in set(known))]
    return data


def to_lists(case):
    return _with_scores({user: items for user, items in case.lists.items() if items}, case.scores)


def _with_scores(lists, scores):
    """``{user: [items]}``, or ``{user: {item: score}}`` where there are scores."""
    if scores is None:
        return lists
    return {user: dict(zip(items, scores[user], strict=True)) for user, items in lists.items()}


def to_run(case, data, **options):
    """The lists of a case bound to its dataset; tells the case in which order users are drawn as others."""
    lists, side = Recommendations.read(to_lists(case), data), {}
    expected = {user: items for user, items in (case.expected or {}).items() if items}
    if expected:
        expected = _with_scores(expected, case.expected_scores)
        side["primitive"] = [Recommendations.read(expected, data, what="primitive")]
    before = [{user: items for user, items in lists.items() if items} for lists in case.earlier or []]
    earlier = [Recommendations.read(lists, data, what="earlier") for lists in before if lists]
    run = bind(lists, data, side=side | ({"earlier": earlier} if earlier else {}), **options)
    case.draw_orders = lambda seed: run.ids[draw_order(run, seed)].tolist()
    return run


def earlier_of(case):
    """Whether there is anything that was shown before."""
    return any(items for lists in case.earlier or [] for items in lists.values())


def result_of(metric, state, world):
    """The values of the users, or the value of the run."""
    return np.asarray(state.value(metric, world) if state.per_user is None else state.per_user, np.float64)


def usable(case):
    """Whether the case can be given to the library, which refuses to read nothing, and tests without relevant rows."""
    relevant = not case.truth or any(gain > 0 for gains in case.truth.values() for gain in gains.values())
    return relevant and bool(to_lists(case)) and (case.expected is None or any(case.expected.values()))


def values_of(annotation):
    """The values of a parameter to try: all of a closed set, a few of an interval."""
    origin = get_origin(annotation)
    if origin is Literal:
        return list(get_args(annotation))
    if annotation is bool:
        return [False, True]
    if annotation is type(None):
        return [None]
    if origin in {Union, types.UnionType}:
        return [value for part in get_args(annotation) for value in values_of(part)]
    if origin is Annotated:
        kind, span = get_args(annotation)
        candidates = CUTOFFS if kind is int else (0.0, 0.3, 0.5, 0.85, 1.0)
        return [value for value in candidates if isinstance(span, Range) and value in span]
    if annotation is float:
        return [0.0, 0.75]
    if annotation is str:  # the only text is the attribute by which items are grouped
        return ["popularity", "genres", "colour"]
    if annotation is Day:
        return [Day(2001, 3, 31)]
    if annotation is Distance:
        own = KNOWN.get("manhattan")  # known where the fixture own_distance is used
        return [*map(Distance.parse, DISTANCES), *([own] if own else [])]
    raise NotImplementedError(f"say in values_of which {annotation} to try")


def variants(family, most=1500):
    """The metric with every combination of parameters, cutoffs among them; of very many, some that hold every value."""
    names = list(family.params)
    choices = [values_of(family.params[name].annotation) for name in names]
    if math.prod(map(len, choices)) <= most:
        combinations = itertools.product(*choices)
    else:
        rng = np.random.default_rng(0)
        places = [rng.permutation(np.arange(most) % len(values)) for values in choices]
        combinations = zip(
            *([values[at] for at in order] for values, order in zip(choices, places, strict=True)), strict=False
        )
    return [family(**dict(zip(names, values, strict=True))) for values in combinations]


def covering(family):
    """Few metrics that together hold every value of every parameter."""
    choices = {name: values_of(param.annotation) for name, param in family.params.items()}
    most = max(map(len, choices.values()), default=1)
    return [family(**{name: values[at % len(values)] for name, values in choices.items()}) for at in range(most)]


def pairs_of(metrics):
    """``{(parameter, value)}`` of some metrics."""
    return {pair for metric in metrics for pair in metric.values.items()}


def expected_of(case, metric: Metric):
    """What the oracle says: ``{user: value}``, or one value at the grain of a run."""
    given = {name: value for name, value in metric.values.items() if name != "k"}
    if isinstance(given.get("distance"), Distance):
        chosen = given["distance"]
        given["distance"] = chosen.own if isinstance(chosen, Own) else (chosen.name, dict(chosen.values))
    if isinstance(given.get("reference"), Day):
        given["reference"] = str(given["reference"])
    return ORACLES[metric.family.name](case, metric.k, **given)
