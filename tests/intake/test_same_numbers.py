"""Whatever the way lists, interactions and items are written in, the numbers are the same."""

import tempfile
from pathlib import Path

import pandas as pd
import pytest
from draws import draws
from hypothesis import HealthCheck, given, settings, strategies as st

import beyondacc as ba
from beyondacc.data.intake.files import File
from intake.encodings import encodings, random_rows, write

METRICS = ["ndcg@3", "recall@3", "ild@3", "self_information@3", "catalog_coverage@3", "gini@3", "personalization@3"]
SEEDS = st.integers(0, 10**6)


def numbers(seed):
    """Lists, and the interactions and genres that go with them, as plain tuples."""
    lists = random_rows(seed)
    held = [(user, item, 1.0 + place % 3) for place, (user, item, _) in enumerate(lists) if place % 2]
    seen = [(user, item, 2.0) for user, item, _ in random_rows(seed + 1) if (user, item, 1.0) not in held]
    genres = {item: ["a", "b|c", "c", "a|d"][place % 4] for place, item in enumerate(sorted({i for _, i, _ in lists}))}
    return lists, seen, held, genres


def values(recs, data, **options):
    report = ba.evaluate(recs, data, METRICS, n_boot=0, **options)
    return {metric: report[metric].value for metric in METRICS}


@settings(max_examples=draws(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SEEDS, encodings, encodings, st.booleans())
def test_numbers_do_not_depend_on_how_tables_are_written(seed, of_lists, of_train, shuffled):
    lists, seen, held, genres = numbers(seed)
    table = pd.DataFrame(lists, columns=["user_id", "item_id", "score"])
    train, test = (pd.DataFrame(rows, columns=["user_id", "item_id", "rating"]) for rows in (seen, held))
    items = pd.DataFrame({"item_id": list(genres), "genres": list(genres.values())})
    expected = values(table, ba.Dataset(train, test, items))
    if shuffled:
        lists = table.sample(frac=1, random_state=seed % 100).itertuples(index=False, name=None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pair = []
        for what, rows, encoding in (("recs", list(lists), of_lists), ("train", seen, of_train)):
            path = write(rows, encoding, folder / what)
            options = encoding.options
            columns = {f"{what}.{role}": column for role, column in (encoding.columns or {}).items()}
            pair.append((File(path, **options) if options else path, columns))
        (recs, own), (interactions, others) = pair
        # the scores of the encodings are ratings in a table of interactions
        others = {key.replace(".score", ".rating"): column for key, column in others.items()}
        data = ba.Dataset(interactions, test, items, columns=others, ids="text")
        assert values(recs, data, columns=own, order="score") == pytest.approx(expected, nan_ok=True)
