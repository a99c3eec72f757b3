"""Whole `Case`s for the tests: hypothesis strategies that shrink, and a fast generator for thousands of cases.

What both make: ragged, empty and missing lists; users known to the lists, the truth or the training rows only; cold and
unknown items; items without features; gains of 0; integer and string ids whose order is not the vocabulary order; more
than 64 genres; scores that tie or are all the same; earlier lists, dates, attributes and weights that some lack.
A list never holds an item twice, and a test item is never one of the user's training items.
The vocabulary order of a case is: items table, then training, truth, lists, in order of appearance. A test whose
library numbers the items otherwise sets `case.item_order` before it asks the oracle.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from hypothesis import strategies as st
from oracle import Case

GENRE_COUNTS = (1, 2, 5, 20, 64, 65, 70)
RATINGS = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0)
GAINS = (0.0, 1.0, 2.0, 3.0, 5.0)
SCORES = (-1.5, 0.0, 0.25, 1.0, 4.0)
WEIGHTS = (0.25, 0.5, 1.0, 1.0, 3.0)
DAYS = tuple(date(2020, 2, 28) + timedelta(days) for days in (-7000, -1, 0, 0, 1, 2, 366, 4000))
COLOURS = ("blue", "green", "red")


def name_users(numbers, kind):
    return [number * 10 + 3 if kind == "int" else f"u{number}" for number in numbers]


def name_items(numbers, kind):
    return [number * 7 + 100 if kind == "int" else f"i{number}" for number in numbers]


def assemble(lists, truth, train, features, vectors, expected, **more):
    """Fill in what follows from the rest: catalogue, genres, vocabulary order; gains of 0 are judged not relevant."""
    given = truth
    truth = {user: {item: gain for item, gain in gains.items() if gain > 0} for user, gains in given.items()}
    truth = {user: gains for user, gains in truth.items() if gains}
    rejected = {user: {item for item, gain in gains.items() if gain == 0} for user, gains in given.items()}
    more = {"rejected": {user: items for user, items in rejected.items() if items}, **more}
    seen = [item for rows in (train, truth, lists) for items in rows.values() for item in items]
    trained = {item for profile in train.values() for item in profile}
    return Case(
        lists=lists,
        truth=truth,
        train=train,
        features=features,
        vectors=vectors,
        catalogue=trained if features is None else set(features),
        genres=sorted(set().union(*features.values())) if features else [],
        expected=expected,
        item_order=list(dict.fromkeys([*(features or {}), *seen])),
        **more,
    )


@st.composite
def cases(
    draw,
    *,
    max_users=5,
    max_items=12,
    with_features=None,
    with_vectors=None,
    with_expected=None,
    with_scores=None,
    with_earlier=None,
    with_dates=None,
    with_attributes=None,
    with_weights=None,
    train_outside_table=True,
):
    """One `Case`; the `with_` switches are free unless given. Training has at least one row.

    With features, at least one item has one. Vectors, dates, attributes and weights come with features only; some are
    missing, at least one date and one colour is there; some vectors are zero. Scores of a primitive model come with
    such a model only.
    Without `train_outside_table`, training and truth hold items of the items table only.
    """
    kind = draw(st.sampled_from(["int", "str"]))
    items = draw(st.permutations(name_items(range(draw(st.integers(1, max_items))), kind)))
    people = name_users(range(draw(st.integers(1, max_users))), kind)
    has_features = wants(draw, with_features)
    has_vectors = has_features and wants(draw, with_vectors)
    features = vectors = None
    known = items
    if has_features:
        table = items[: draw(st.integers(1, len(items)))]
        genres = [f"g{number:02}" for number in range(draw(st.sampled_from(GENRE_COUNTS)))]
        # few distinct genre sets, so that identical, overlapping and disjoint items all turn up
        palette = draw(st.lists(st.sets(st.sampled_from(genres), max_size=6), min_size=1, max_size=5))
        features = {item: set(draw(st.sampled_from(palette))) for item in table}
        # an item with everything makes all genres exist, so that more than one word of bits is needed
        features[table[0]] |= set(genres) if draw(st.booleans()) else {draw(st.sampled_from(genres))}
        known = items if train_outside_table else table
    if has_vectors:
        width = draw(st.integers(1, 4))
        number = st.sampled_from([-2.0, -0.5, 0.0, 0.0, 1.0, 3.0])
        described = draw(st.lists(st.sampled_from(table), unique=True))
        vectors = {item: draw(st.lists(number, min_size=width, max_size=width)) for item in described}

    some_items = st.lists(st.sampled_from(items), min_size=min(2, len(items)), unique=True)

    def rankings(owners):
        fate = st.sampled_from(["missing", "empty", "any", "some", "some", "some"])
        drawn = {"empty": st.just([]), "any": st.lists(st.sampled_from(items), unique=True), "some": some_items}
        fates = {user: draw(fate) for user in owners}
        return {user: draw(drawn[how]) for user, how in fates.items() if how != "missing"}

    train = {u: draw(st.dictionaries(st.sampled_from(known), st.sampled_from(RATINGS))) for u in people}
    train = {u: profile for u, profile in train.items() if profile} or {people[0]: {known[0]: 4.0}}
    truth = {}
    for user in people:
        left = [item for item in known if item not in train.get(user, {})]
        if left:
            least = draw(st.integers(0, min(2, len(left))))
            truth[user] = draw(
                st.dictionaries(st.sampled_from(left), st.sampled_from(GAINS), min_size=least, max_size=6)
            )
    truth = {user: gains for user, gains in truth.items() if gains}
    strangers = name_users([max_users, max_users + 1], kind)
    lists = rankings(people + strangers)
    expected = rankings(people + strangers) if wants(draw, with_expected) else None

    more = {}
    if wants(draw, with_scores):
        more["scores"] = draw(scored_lists(lists))
        if expected is not None and draw(st.booleans()):
            more["expected_scores"] = draw(scored_lists(expected))
    if wants(draw, with_earlier):
        more["earlier"] = [rankings(people + strangers) for _ in range(draw(st.integers(1, 3)))]
    if has_features:
        more |= draw(facts(features, with_dates, with_attributes, with_weights))
    return assemble(lists, truth, train, features, vectors, expected, **more)


def wants(draw, switch):
    return draw(st.booleans()) if switch is None else switch


@st.composite
def facts(draw, features, with_dates, with_attributes, with_weights):
    """More columns of the items table."""

    def of_some(values):
        described = draw(st.lists(st.sampled_from(list(features)), min_size=1, unique=True))
        return {item: draw(st.sampled_from(values)) for item in described}

    result = {}
    if wants(draw, with_dates):
        result["dates"] = of_some(DAYS)
    if wants(draw, with_attributes):
        result["attributes"] = {"colour": of_some(COLOURS)}
    if wants(draw, with_weights):
        heavy = draw(st.sampled_from(WEIGHTS))  # one for most: a draw for each of 70 genres would be too many
        result["weights"] = {item: dict.fromkeys(sorted(having), heavy) for item, having in features.items()}
        for item in draw(st.lists(st.sampled_from(list(features)), unique=True)):
            for genre in sorted(features[item])[:3]:
                result["weights"][item][genre] = draw(st.sampled_from(WEIGHTS))
    return result


@st.composite
def scored_lists(draw, lists):
    """Scores for every list, falling with the rank and often tied: a stable sort gives the lists back."""
    levels = st.sampled_from(draw(st.sampled_from([SCORES, SCORES, SCORES[:2], SCORES[:1]])))
    return {
        user: sorted(draw(st.lists(levels, min_size=len(items), max_size=len(items))), reverse=True)
        for user, items in lists.items()
    }


@st.composite
def candidates(draw, *, max_candidates=8):
    """Scores in input rank order (tied, constant, not always falling) and a symmetric distance matrix with NaN rows."""
    n = draw(st.integers(1, max_candidates))
    scores = draw(st.lists(st.sampled_from([-1.0, 0.0, 0.5, 0.5, 2.0, 3.0]), min_size=n, max_size=n))
    if draw(st.booleans()):
        scores = sorted(scores, reverse=True)
    matrix = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i):
            matrix[i][j] = matrix[j][i] = draw(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, 1.5]))
    for i in draw(st.sets(st.integers(0, n - 1), max_size=2)):
        for j in range(n):
            matrix[i][j] = matrix[j][i] = float("nan")
    return scores, matrix


def random_case(
    rng,
    *,
    n_users=8,
    n_items=25,
    n_genres=None,
    max_length=12,
    with_features=True,
    with_vectors=False,
    with_expected=False,
    with_scores=False,
    with_earlier=False,
    with_dates=False,
    with_attributes=False,
    with_weights=False,
    train_outside_table=True,
):
    """The same kind of case from a numpy Generator, fast; popularity is skewed so that counts differ and tie."""
    kind = "int" if rng.random() < 0.5 else "str"
    items = name_items(rng.permutation(n_items).tolist(), kind)
    people = name_users(range(n_users), kind)
    features = vectors = None
    known = items
    if with_features:
        table = items[: int(rng.integers(max(1, n_items // 2), n_items + 1))]
        genres = [f"g{number:02}" for number in range(n_genres or int(rng.choice(GENRE_COUNTS)))]
        features = {item: set(rng.choice(genres, size=rng.integers(0, 5)).tolist()) for item in table}
        for genre in genres:  # each genre exists
            features[table[int(rng.integers(0, max(1, len(table) * 3 // 4)))]].add(genre)
        known = items if train_outside_table else table
    if with_vectors:
        described = [item for item in features or items if rng.random() < 0.9]
        vectors = {item: rng.integers(-2, 4, size=3).astype(float).tolist() for item in described}

    def some(pool, size):
        """Distinct items, the first of the pool more often."""
        weights = 1 / np.arange(1, len(pool) + 1)
        size = min(int(size), len(pool))
        return [pool[at] for at in rng.choice(len(pool), size=size, replace=False, p=weights / weights.sum())]

    def rankings(owners):
        return {user: some(items, rng.integers(0, max_length + 1)) for user in owners if rng.random() < 0.85}

    train, truth = {}, {}
    for user in people:
        profile = {item: float(rng.choice(RATINGS)) for item in some(known, rng.integers(0, max_length + 1))}
        if profile:
            train[user] = profile
        left = [item for item in known if item not in profile]
        gains = {item: float(rng.choice(GAINS)) for item in some(left, rng.integers(0, 6))} if left else {}
        if gains:
            truth[user] = gains
    if not train:
        train[people[0]] = {known[0]: 4.0}
        truth.pop(people[0], None)
    strangers = name_users([n_users], kind)
    expected = rankings(people) if with_expected else None
    lists = rankings(people + strangers)

    facts_of_runs = random_runs(rng, lists, expected, lambda: rankings(people + strangers), with_scores, with_earlier)
    facts_of_items = random_facts(rng, features or {}, with_dates, with_attributes, with_weights)
    return assemble(lists, truth, train, features, vectors, expected, **facts_of_runs, **facts_of_items)


def random_runs(rng, lists, expected, rankings, with_scores, with_earlier):
    """Scores of the lists, and lists of former runs."""
    result = {}
    if with_scores:
        result["scores"] = random_scores(rng, lists)
        if expected is not None and rng.random() < 0.5:
            result["expected_scores"] = random_scores(rng, expected)
    if with_earlier:
        result["earlier"] = [rankings() for _ in range(int(rng.integers(1, 4)))]
    return result


def random_scores(rng, lists):
    """Scores for every list, falling with the rank and often tied; the same for all in some runs."""
    levels = SCORES[: int(rng.integers(1, len(SCORES) + 1))]
    return {user: sorted(rng.choice(levels, size=len(items)).tolist(), reverse=True) for user, items in lists.items()}


def random_facts(rng, features, with_dates, with_attributes, with_weights):
    """More columns of the items table."""

    def of_some(values):
        described = [item for item in features if rng.random() < 0.8] or list(features)[:1]
        return {item: values[int(rng.integers(len(values)))] for item in described}

    result = {}
    if with_dates and features:
        result["dates"] = of_some(DAYS)
    if with_attributes and features:
        result["attributes"] = {"colour": of_some(COLOURS)}
    if with_weights and features:
        result["weights"] = {
            item: {genre: float(rng.choice(WEIGHTS)) for genre in sorted(having)} for item, having in features.items()
        }
    return result


def random_candidates(rng, *, n=12, missing=1):
    """Continuous scores in falling order and a symmetric distance matrix in [0, 1] with some NaN rows."""
    scores = np.sort(rng.random(n))[::-1].tolist()
    upper = np.triu(rng.random((n, n)), 1)
    matrix = upper + upper.T
    gone = rng.choice(n, size=missing, replace=False)
    matrix[gone, :] = np.nan
    matrix[:, gone] = np.nan
    return scores, matrix.tolist()
