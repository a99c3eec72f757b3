"""Studies that are stopped, fail in part, or share a folder."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import beyondacc as ba
from beyondacc.errors import DataError, SpecError
from beyondacc.rerank import Novelty
from beyondacc.study.store import digest_of

N_USERS, N_ITEMS = 30, 40


def made(seed=0, *, test=True):
    rng = np.random.default_rng(seed)
    items = {item: rng.choice(list("abcd"), rng.integers(1, 3), replace=False).tolist() for item in range(N_ITEMS)}
    train = {user: rng.choice(N_ITEMS, 6, replace=False).tolist() for user in range(N_USERS)}
    held = {user: [item for item in rng.choice(N_ITEMS, 4) if item not in train[user]] for user in range(N_USERS)}
    return ba.Dataset(train, {user: found for user, found in held.items() if found} if test else None, items)


class Counted:
    """A scorer that says how often it was asked."""

    def __init__(self, seed=3):
        self.asked = 0
        self.scores = np.random.default_rng(seed).random((N_USERS, N_ITEMS))

    def score(self, users):
        self.asked += 1
        return self.scores[users]


class Fails:
    def score(self, users):
        raise RuntimeError(f"no luck with {len(users)} users")


class Falters(Novelty):
    """A re-ranker that fails."""

    def pick(self, *_run, **_options):
        raise ZeroDivisionError("by a weight")


METRICS = ["ndcg@3", "ild@3", "catalog_coverage@3", "popularity_lift@3", "gini@3"]


def study(data, models, **more):
    options = {"rerankers": ["MMR", "Random"], "diversity": [0.3, 0.7], "candidates": 10, "n_boot": 20, "k": 3} | more
    return ba.Study(data, models, metrics=METRICS, **options)


def same(one, other):
    pd.testing.assert_frame_equal(one.table, other.table, check_exact=True)
    pd.testing.assert_frame_equal(one.per_user, other.per_user, check_exact=True)
    pd.testing.assert_frame_equal(one.signs(), other.signs(), check_exact=True)
    pd.testing.assert_frame_equal(one.diagnostics, other.diagnostics, check_exact=True)
    return True


def test_a_folder_changes_nothing_and_spares_the_work(tmp_path):
    data, scorer = made(), Counted()
    models = {"mine": scorer, "Popularity": "Popularity", "lists": {u: [1, 2, 99, 3] for u in range(N_USERS)}}
    plain = study(data, models).run()
    asked = scorer.asked
    kept = study(data, models).run(folder=tmp_path / "cells")
    assert scorer.asked == 2 * asked
    again = study(data, models).run(folder=tmp_path / "cells")
    assert scorer.asked == 2 * asked
    assert same(plain, kept)
    assert same(plain, again)
    assert len(plain.reports) == 3 * (1 + 2 * 2)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_whatever_is_there_the_rest_is_made(tmp_path, share):
    data = {0: made(0), 5: made(5)}
    models = {"mine": Counted(), "ItemKNN": "ItemKNN(k=5)"}
    plain = study(data, models).run()
    study(data, models).run(folder=tmp_path / "cells")
    rng = np.random.default_rng(1)
    files = sorted((tmp_path / "cells").glob("*.npz"))
    assert len(files) == 2 * 2 * (1 + 1 + 4 + 4)  # candidates, plain values, lists and values
    for file in files:
        if rng.random() >= share:
            file.unlink()
    assert same(plain, study(data, models).run(folder=tmp_path / "cells"))


SCRIPT = """
import sys, time
sys.path.insert(0, {tests!r})
import test_study_cells as here
from beyondacc.study import cells
class Slow(here.Counted):
    def score(self, users):
        time.sleep(0.2)
        return super().score(users)
models = {{f"m{{n}}": Slow(n) for n in range(20)}}
here.study(here.made(), models).run(folder={folder!r})
"""


def test_a_study_that_was_killed_goes_on(tmp_path):
    folder = tmp_path / "cells"
    code = SCRIPT.format(tests=str(Path(__file__).parent), folder=str(folder))
    process = subprocess.Popen([sys.executable, "-c", code])  # noqa: S603 - our own code
    try:
        for _ in range(1200):
            if len(list(folder.glob("*.npz"))) > 15 or process.poll() is not None:
                break
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    n_files = len(list(folder.glob("*.npz")))
    assert 15 < n_files < 20 * 10
    models = {f"m{n}": Counted(n) for n in range(20)}
    found = study(made(), models).run(folder=folder)
    assert sum(model.asked for model in models.values()) < 20
    assert same(found, study(made(), {f"m{n}": Counted(n) for n in range(20)}).run())


def _work(folder):
    study(made(), {"mine": Counted(), "EASE": "EASE"}).run(folder=folder, threads=1)


@pytest.mark.skipif(os.name == "nt", reason="processes are forked")
def test_two_studies_on_one_folder(tmp_path):
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_work, args=(tmp_path / "cells",)) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join(300)
    assert [each.exitcode for each in both] == [0, 0]
    models = {"mine": Counted(), "EASE": "EASE"}
    assert same(study(made(), models).run(folder=tmp_path / "cells"), study(made(), models).run())
    assert models["mine"].asked == 1  # by the study without a folder
    assert not list((tmp_path / "cells").glob("*.part"))


def test_another_study_is_refused(tmp_path):
    folder = tmp_path / "cells"
    study(made(), ["Popularity"]).run(folder=folder)
    for other, what in (
        (study(made(1), ["Popularity"]), "data"),
        (study(made(), ["EASE"]), "models"),
        (study(made(), ["Popularity"], rerankers=["MMR"]), "re-rankers"),
        (study(made(), ["Popularity"], n_boot=21), "numbers"),
        (ba.Study(made(), ["Popularity"], ["MMR", "Random"], ["ndcg@3"], candidates=10, n_boot=20, k=3), "metrics"),
    ):
        with pytest.raises(DataError, match=f"holds cells of another study, with other {what}; choose another"):
            other.run(folder=folder)
    changed = json.loads((folder / "study.json").read_text()) | {"version": "0"}
    (folder / "study.json").write_text(json.dumps(changed))
    with pytest.raises(DataError, match="with other version"):
        study(made(), ["Popularity"]).run(folder=folder)
    more = study(made(), ["Popularity"], diversity=[0.1, 0.3])  # further weights are further cells
    (folder / "study.json").unlink()
    with pytest.raises(DataError, match="holds files that are no cells of a study; choose an empty folder"):
        more.run(folder=folder)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is a file; choose a folder"):
        more.run(folder=tmp_path / "file")
    with pytest.raises(DataError, match="does not exist; create it"):
        more.run(folder=tmp_path / "no" / "cells")


def test_further_weights_are_further_cells(tmp_path):
    scorer = Counted()
    study(made(), {"mine": scorer}).run(folder=tmp_path / "cells")
    asked = scorer.asked
    more = study(made(), {"mine": scorer}, diversity=[0.3, 0.5, 0.9])
    found = more.run(folder=tmp_path / "cells")
    assert scorer.asked == asked
    assert same(found, more.run())


def test_digests_tell_data_apart():
    one = made()
    assert digest_of(one) == digest_of(made())
    others = [made(1), made(test=False), ba.Dataset({1: [2]}), ba.Dataset({2: [1]}), ba.Dataset({1: {2: 3.0}})]
    items = pd.DataFrame({"item_id": [1, 2], "genres": ["a", "b"]})
    others += [ba.Dataset(items=items), ba.Dataset(items=items.assign(colour=["red", "blue"]))]
    others += [ba.Dataset(items=items, vectors=np.eye(2)), ba.Dataset(items=items, vectors=np.eye(2)[::-1])]
    assert len({digest_of(each) for each in [one, *others]}) == 1 + len(others)


def test_digests_read_neither_dates_nor_times_that_nobody_needs():
    items = pd.DataFrame({"item_id": [1, 2], "genres": ["a", "b"], "date": ["soon", "later"]})
    train = pd.DataFrame({"user_id": 1, "item_id": [1, 2], "timestamp": ["now", "then"]})
    one = digest_of(ba.Dataset(train, items=items))
    assert one != digest_of(ba.Dataset(train, items=items.assign(date=["soon", "sooner"])))
    assert one == digest_of(ba.Dataset(train[::-1], items=items))
    of_history = [ba.radio_calibration(history="reciprocal") @ 2]
    with pytest.raises(DataError, match="column 'timestamp' of train"):
        digest_of(ba.Dataset(train, items=items), of_history)
    made = [ba.Dataset(train.assign(timestamp=times), items=items) for times in ([1, 2], [2, 1], [1, 3])]
    digests = {digest_of(each, of_history) for each in made}
    assert len(digests) == 2


def test_what_fails_is_named_and_the_rest_goes_on(tmp_path):
    data = made()
    models = {"good": Counted(), "bad": Fails(), "Popularity": "Popularity"}
    plain = study(data, {"good": Counted(), "Popularity": "Popularity"}).run()
    for folder in (None, tmp_path / "cells"):
        found = study(data, models).run(folder=folder)
        assert same(found, plain)
        assert {run.model for run in found.failures} == {"bad"}
        assert len(found.failures) == 1 + 2 * 2
        assert list(found.failed()) == [f"bad and 4 more runs: RuntimeError: no luck with {N_USERS} users"]
        assert repr(found) == "StudyResult(10 runs, 5 metrics, 5 failed)"
        assert found.view().notes["Failed"] == next(found.failed())
    models["bad"] = Counted(8)  # what failed is tried again
    mended = study(data, models).run(folder=tmp_path / "cells")
    assert not mended.failures
    assert len(mended.reports) == 15
    assert "Failed" not in mended.view().notes


def test_a_reranker_that_fails():
    found = study(made(), ["Popularity"], rerankers=["MMR", Falters()]).run()
    assert [str(run) for run in found.failures] == ["Popularity + Falters 0.3", "Popularity + Falters 0.7"]
    assert set(found.failures.values()) == {"ZeroDivisionError: by a weight"}
    assert len(found.reports) == 3


def test_a_study_of_failures_is_an_error():
    with pytest.raises(SpecError, match="every run of the study failed; bad: RuntimeError: no luck with 30 users"):
        study(made(), {"bad": Fails()}).run()
