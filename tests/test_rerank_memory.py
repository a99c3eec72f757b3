"""What gains keep is declared and checked: one that writes elsewhere is told, by its name, and ends no process."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from rerank_worlds import ALL, EVERY, MANY, MARKS, SLOW, same

import beyondacc as ba
from beyondacc.errors import NoEffectWarning, SpecError
from beyondacc.kernels import gains, greedy, jit, memory
from beyondacc.rerank.engine import DistanceReranker, GreedyReranker, Storage

pytestmark = MARKS

# gains of somebody else's


@numba.njit
def poke(array, place):
    """Write anywhere: numba checks no index in it."""
    array[place] = 7.0


def past_term(_distances, term, _step):
    term[len(term)] = 1.0


def before_term(_distances, term, _step):
    term[-len(term) - 1] = 1.0


def far_past_term(_distances, term, step):
    term[10**9 * step] = 1.0


def past_distances(distances, term, step):
    for place in range(len(term)):
        term[place] += distances[place + step]


def by_a_helper(_distances, term, _step):
    poke(term, len(term) + 2)


def by_a_helper_before(distances, _term, _step):
    poke(distances, -3 if len(distances) == 0 else -2 * len(distances) - 3)


def third_raises(distances, term, step):
    for place in range(len(term)):
        term[place] += distances[place]
    if step == 3:
        raise ValueError("three is too many")


def becomes_nan(distances, term, step):
    for place in range(len(term)):
        term[place] += distances[place] if step < 2 else np.nan


WRONG = {
    past_term: r"gain past_term raised IndexError \(.*out of bounds.*\) at step 1 with 20 candidates",
    before_term: r"gain before_term raised IndexError \(.*out of bounds.*\) at step 1 with 20 candidates",
    far_past_term: r"gain far_past_term raised IndexError \(.*out of bounds.*\) at step 1",
    past_distances: r"gain past_distances raised IndexError \(.*out of bounds.*\) at step 1",
    third_raises: r"gain third_raises raised ValueError \(three is too many\) at step 3",
    becomes_nan: r"gain becomes_nan made a term that is not finite at step 2; terms must be finite numbers",
}
OUTSIDE = {by_a_helper: "by_a_helper", by_a_helper_before: "by_a_helper_before"}


def summing(step, _picked, row, _left, _diversity, candidates, term):
    """Of MSD, in memory of its own."""
    n = term.shape[0]
    if step == jit.START:
        candidates.memory[:] = 0.0
        term[:] = 0.0
    elif step > jit.START:
        for place in range(n):
            candidates.memory[place] += candidates.distances[row, place]
            term[place] = candidates.memory[place]


def greedy_memory(step, _picked, _row, _left, _diversity, candidates, term):
    """Writes wherever the first of its numbers says."""
    if step == jit.START:
        term[:] = 0.0
    if step > jit.START:
        candidates.memory[int(candidates.numbers[0])] = 1.0


def by_a_helper_in_memory(step, _picked, _row, _left, _diversity, candidates, term):
    if step >= jit.START:
        term[:] = 0.0
        poke(candidates.memory, len(candidates.memory) + 1)


def infinite(step, _picked, _row, _left, _diversity, _candidates, term):
    term[:] = np.inf if step == 2 else 0.0


@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Own(DistanceReranker):
    """A re-ranker of somebody else's, whose memory is of any size."""

    size: int = 0
    place: int = 0

    uses = greedy.DISTANCES | greedy.REMAINING

    def _storage(self, _run, _n, _k):
        return Storage(np.array([float(self.place)]), self.size)


class Summing(Own):
    kernel = summing


class Writing(Own):
    kernel = greedy_memory


class Helped(Own):
    kernel = by_a_helper_in_memory


class Infinite(Own):
    kernel = infinite


def data_and_lists():
    return MANY()


def test_own_gains_that_are_wrong_are_told_once():
    data, frame = data_and_lists()
    for function, message in WRONG.items():
        for threads in (1, 3):
            with pytest.raises(SpecError, match=message):
                ba.Greedy(gain=function).rerank(frame, data, k=5, threads=threads)
    with pytest.raises(SpecError) as caught:
        ba.Greedy(gain=third_raises).rerank(frame, data, k=5)
    assert isinstance(caught.value.__cause__, ValueError)
    assert same(ba.Greedy(gain=third_raises).rerank(frame, data, k=3), ba.MSD().rerank(frame, data, k=3))


@pytest.mark.skipif(SLOW, reason="Python checks every index")
@pytest.mark.parametrize("function", OUTSIDE, ids=lambda function: function.__name__)
def test_what_a_helper_writes_outside_is_seen(function):
    data, frame = data_and_lists()
    with pytest.raises(
        SpecError, match=rf"gain {function.__name__} wrote outside of distances and term at step 1; bot"
    ):
        ba.Greedy(gain=function).rerank(frame, data, k=5)


def test_memory_of_somebody_elses_gain():
    data, frame = data_and_lists()
    assert same(Summing(size=20).rerank(frame, data, k=5), ba.MSD().rerank(frame, data, k=5))
    for size in (0, 1, 19):
        with pytest.raises(
            SpecError, match=rf"gain summing of Summing raised an error at step .*; {size} numbers of m"
        ):
            Summing(size=size).rerank(frame, data, k=5)
    with pytest.warns(NoEffectWarning):
        Writing(size=20, place=19).rerank(frame, data, k=5)
    for place in (20, 10_000, 10**12, -21):
        with pytest.raises(
            SpecError, match="gain greedy_memory of Writing raised an error at step 1 with 20 candidates"
        ):
            Writing(size=20, place=place).rerank(frame, data, k=5)
    with pytest.raises(SpecError, match="gain infinite of Infinite made a term that is not finite at step 2"):
        Infinite().rerank(frame, data, k=5)
    if not SLOW:
        with pytest.raises(SpecError, match="gain by_a_helper_in_memory of Helped wrote outside of the memory"):
            Helped(size=20).rerank(frame, data, k=5)


@pytest.mark.parametrize("size", [-1, 2.5, "20", True])
def test_sizes_that_are_none(size):
    data, frame = data_and_lists()
    chosen = Summing()
    object.__setattr__(chosen, "size", size)
    with pytest.raises(SpecError, match=r"declares a memory of .*; it must be a whole number >= 0"):
        chosen.rerank(frame, data, k=5)


GREEDY = [method for method in ALL if isinstance(method, GreedyReranker)]


@pytest.mark.parametrize("method", GREEDY, ids=str)
def test_less_than_a_built_in_gain_uses_is_refused_before_it_runs(method, monkeypatch):
    data, frame = data_and_lists()
    kept = type(method).kernel.keeps
    declared = type(method)._storage

    def ran(*_args):
        raise AssertionError("the engine ran")

    for numbers, size in ((None, -1), (kept.numbers - 1, None)):
        needed = []

        def smaller(self, run, n, k, numbers=numbers, size=size, needed=needed):
            given = declared(self, run, n, k)
            needed.append(sizes_of(self, run, n, k, given.numbers))
            less = None if size is None else max(needed[-1] + size, 0)
            return Storage(given.numbers if numbers is None else given.numbers[:numbers], less)

        monkeypatch.setattr(type(method), "_storage", smaller)
        with monkeypatch.context() as patch:
            patch.setattr(greedy, "greedy_rows", ran)
            with pytest.raises(
                (SpecError, AssertionError), match=r"of which the gain (uses|reads) |the engine ran"
            ) as told:
                method.rerank(frame, data, k=5)
        enough = needed[-1] == 0 if size is not None else kept.numbers == 0  # nothing is less than nothing
        assert ("engine ran" in str(told.value)) == enough


def sizes_of(method, run, n, k, numbers):
    of_user = method._by_user(run, slice(0, 0)).shape[1]
    width = method._arrays(run).own_rows.shape[1]
    return type(method).kernel.keeps.memory(memory.Sizes(n, k, of_user, width, numbers))


@pytest.mark.parametrize("method", [method for method in EVERY if isinstance(method, GreedyReranker)], ids=str)
def test_no_built_in_gain_writes_outside(method, monkeypatch):
    """Of everything it is given, what lies around the memory stays as it was: the engine looks after each block."""
    data, frame = data_and_lists()
    looked = []
    seen = type(method)._look_at

    def look(self, room, bench):
        assert (room.whole[: memory.GUARD] == memory.CANARY).all()
        looked.append(len(room.inside))
        seen(self, room, bench)

    monkeypatch.setattr(type(method), "_look_at", look)
    for k in (1, 2, 7, 20, 30):
        method.sweep(frame, data, [0.3, 1.0], k=k)
    assert looked


def test_a_built_in_gain_that_wrote_outside_would_be_told(monkeypatch):
    data, frame = data_and_lists()
    kept = gains.mean.keeps
    monkeypatch.setattr(gains.mean, "keeps", kept._replace(memory=lambda sizes: 2 * sizes.n - 5))
    if SLOW:
        return
    with pytest.raises(SpecError, match="gain mean of GreedyDiversity wrote outside of the memory that is declared"):
        ba.GreedyDiversity(renormalize=True).rerank(frame, data, k=5)


PROGRAM = """
import json, sys
sys.path[:0] = {paths!r}
import test_rerank_memory as here
import beyondacc as ba
data, frame = here.data_and_lists()
told = {{}}
for function in [*here.WRONG, *here.OUTSIDE]:
    try:
        ba.Greedy(gain=function).rerank(frame, data, k=5)
    except ba.BeyondAccError as error:
        told[function.__name__] = str(error)
for name, chosen in (
    ("memory", here.Writing(size=20, place=10**9)),
    ("none", here.Summing(size=0)),
    ("helper", here.Helped(size=20)),
):
    try:
        chosen.rerank(frame, data, k=5)
    except ba.BeyondAccError as error:
        told[name] = str(error)
print(json.dumps(told))
"""


@pytest.mark.skipif(SLOW, reason="of compiled code alone can a process die")
def test_no_process_ends_of_it():
    here = Path(__file__).parent
    program = PROGRAM.format(paths=[str(here), str(here.parent)])
    done = subprocess.run(  # noqa: S603 - this Python, and a constant
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, env=os.environ, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    names = {function.__name__ for function in [*WRONG, *OUTSIDE]}
    assert set(told) == names | {"memory", "none", "helper"}
    assert all(name in told[name] for name in names)
    assert "Exception ignored" not in done.stderr
