"""Processes that are forked while threads evaluate."""

from __future__ import annotations

import functools
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from draws import draws

from beyondacc.data.once import Kept
from beyondacc.run import forks

ROOT = Path(__file__).resolve().parents[1]
N_FORKS = draws(40, 10)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")

WHILE_EVALUATING = """
import faulthandler, os, random, sys, threading, time
import numpy as np, pandas as pd
import beyondacc as ba

rng = np.random.default_rng(0)
users, items = rng.integers(0, 400, 6000), rng.integers(0, 200, 6000)
rows = pd.DataFrame({"user_id": [f"u{each}" for each in users], "item_id": [f"i{each}" for each in items]})
table = pd.DataFrame({"item_id": [f"i{each}" for each in range(200)], "genres": ["a|b", "b", "c", "a"] * 50})
lists = {f"u{user}": [f"i{item}" for item in rng.permutation(200)[:20]] for user in range(400)}
METRICS = ["ndcg@5", "ild@5", "epc@5", "catalog_coverage@5", "surprise_content@5", "calibration_js@5", "gini@5"]
shared = ba.Dataset.split(rows, table)


def once(data):
    report = ba.evaluate(lists, data, METRICS, n_boot=5, threads=3)
    picked = ba.MMR(distance=1.0 - np.eye(200)).rerank(lists, data, k=5, threads=3)
    return report.to_pandas()["value"].tolist(), picked.lists.tolist()


def work():
    while not stop.is_set():
        once(shared if random.random() < 0.5 else ba.Dataset.split(rows, table))


expected, stop = once(shared), threading.Event()
threads = [threading.Thread(target=work) for _ in range(3)]
for each in threads:
    each.start()
outcomes = []
for _ in range(int(sys.argv[1])):
    time.sleep(0.01 * random.random())
    child = os.fork()
    if not child:
        faulthandler.dump_traceback_later(60, exit=True)  # where it hangs
        os._exit(0 if once(shared) == expected else 3)
    outcomes.append(os.waitpid(child, 0)[1])
    if any(outcomes):
        break
stop.set()
for each in threads:
    each.join()
print(sorted(set(outcomes)))
"""

WHILE_COMPILING = """
import faulthandler, os, threading
import beyondacc as ba

started = threading.Event()


def compiled(number):
    space = {"started": started}
    exec(f"def own(one, other): return {number}.0 + abs(one[0] - other[0])", space)
    return ba.distance(space["own"], name=f"own_{number}").compiled


def work():
    for number in range(4):
        started.set()
        compiled(number)


ba.Distance
thread = threading.Thread(target=work)
thread.start()
started.wait()
codes = []
for _ in range(3):
    child = os.fork()
    if not child:
        faulthandler.dump_traceback_later(60, exit=True)
        compiled(9)
        os._exit(0)
    codes.append(os.waitpid(child, 0)[1])
thread.join()
print(sorted(set(codes)))
"""


def run(code, *arguments):
    done = subprocess.run(  # noqa: S603 - our own lines
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=580,
        check=False,
    )
    return done.stdout.strip(), done.stderr


def test_a_process_that_is_forked_while_threads_evaluate_evaluates_too():
    assert run(WHILE_EVALUATING, str(N_FORKS)) == ("[0]", "")


def test_a_process_that_is_forked_while_a_thread_compiles_compiles_too():
    assert run(WHILE_COMPILING) == ("[0]", "")


def test_a_child_has_locks_of_its_own():
    """Whatever lock of ours a thread of the parent holds, the child does not wait for it."""
    kept, lock = Kept(), forks.Lock()
    again = pickle.loads(pickle.dumps(kept))  # noqa: S301 - ours
    held, done = threading.Event(), threading.Event()

    def hold():
        with kept._lock, again._lock, lock.held:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = os.fork()
    if not child:
        free = all(each.acquire(blocking=False) for each in (kept._lock, again._lock, lock.held))
        os._exit(0 if free else 1)
    code = os.waitpid(child, 0)[1]
    done.set()
    thread.join()
    assert code == 0


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="cached properties have no locks any more")
def test_no_lock_of_a_cached_property_is_forgotten():
    import beyondacc

    for name in dir(beyondacc):
        getattr(beyondacc, name)
    modules = [module for name, module in sys.modules.items() if name.split(".")[0] == "beyondacc"]
    classes = {value for module in modules for value in vars(module).values() if isinstance(value, type)}
    found = [
        each
        for cls in classes
        if cls.__module__.split(".")[0] == "beyondacc"
        for each in vars(cls).values()
        if isinstance(each, functools.cached_property)
    ]
    before = [each.lock for each in found]
    forks._renew()
    assert len(found) > 10
    assert not any(each.lock is lock for each, lock in zip(found, before, strict=True))
