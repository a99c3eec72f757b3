"""What is measured: for each metric and re-ranker the code beside it, and the limit that it cannot pass."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import naive
import naive_rerank
import numpy as np
from encoded import Arrays, K
from limits import add_name, gather_name, lookup_name
from prototype import PROTOTYPES, Prototype

__all__ = ["CASES", "Bound", "Case"]


@dataclasses.dataclass(frozen=True)
class Bound:
    """The least a machine can need.

    Attributes
    ----------
    limit
        Which of `limits.LIMITS`.
    amount
        How much of it.
    formula
        The same in words.
    """

    limit: str
    amount: float
    formula: str


@dataclasses.dataclass(frozen=True)
class Case:
    """One metric or re-ranker.

    Attributes
    ----------
    name
        As tables call it.
    spec
        The text that the library parses.
    naive
        ``(arrays, rows, prepared)``, see `naive` and `naive_rerank`.
    bound
        From the arrays.
    reranks
        Whether it is a re-ranker.
    prepare
        What naive code works out once for all rows, timed apart.
    power
        How naive code grows with the number of rows.
    of_run
        Whether it is a value of the run; then both sides compute it from the same rows.
    tolerance
        Up to which values are equal.
    prototype
        What a user of numba writes, where that was written.
    """

    name: str
    spec: str
    naive: Callable[[Arrays, Any, Any], Any]
    bound: Callable[[Arrays], Bound]
    reranks: bool = False
    prepare: Callable[[Arrays], Any] | None = None
    power: int = 1
    of_run: bool = False
    tolerance: float = 1e-9
    prototype: Prototype | None = None


def _test(arrays: Arrays) -> Bound:
    n_bytes = arrays.lists.shape[0] * (4 * K + 8) + len(arrays.test_items) * 12
    return Bound("read_L3", n_bytes, "bytes of the lists, the test rows and the result")


def _sets(arrays: Arrays) -> Bound:
    words = -(-arrays.genres.shape[1] // 64)
    pairs = len(arrays.lists) * K * (K - 1) / 2
    return Bound("popcount", pairs * words, "users k (k - 1) / 2 x words")


def _vectors(arrays: Arrays) -> Bound:
    width = arrays.vectors.shape[1]
    name = gather_name(4 * arrays.vectors.size)
    return Bound(name, 4.0 * len(arrays.lists) * K * width, "users k d x 4 bytes")


def _listed(arrays: Arrays) -> Bound:
    return Bound(lookup_name(8 * arrays.n_items), float(len(arrays.lists) * K), "users k look-ups")


def _listed_and_test(arrays: Arrays) -> Bound:
    looked_up = len(arrays.lists) * K + len(arrays.test_items)
    return Bound(lookup_name(8 * arrays.n_items), float(looked_up), "users k + test rows look-ups")


def _genres_and_tables(arrays: Arrays) -> Bound:
    kept = arrays.lists[:, :K]
    looked_up = arrays.sizes[kept[kept >= 0]].sum(dtype=np.float64) + len(arrays.lists) * arrays.genres.shape[1]
    return Bound("lookup_L1", float(looked_up), "genres of the listed items + users x genres look-ups")


def _profiles_by_lists(arrays: Arrays) -> Bound:
    words = -(-arrays.genres.shape[1] // 64)
    sizes = np.diff(arrays.train_starts)[arrays.users]
    return Bound("popcount", float(K * sizes.sum() * words), "training rows k x words")


def _profiles(arrays: Arrays) -> Bound:
    looked_up = arrays.sizes[arrays.train_items].sum(dtype=np.float64)
    return Bound("lookup_L1", float(looked_up), "genres of the training rows look-ups")


def _popular(arrays: Arrays) -> Bound:
    n_bytes = len(arrays.lists) * (4 * K + 8) + 4 * len(arrays.train_items)
    return Bound("read_L3", n_bytes, "bytes of the lists and the training rows")


def _squares(arrays: Arrays) -> Bound:
    shown = np.zeros(arrays.n_items, np.bool_)
    kept = arrays.lists[:, :K]
    shown[kept[kept >= 0]] = True
    sizes = np.diff(arrays.train_starts)
    own = np.add.reduceat(np.append(shown[arrays.train_items], False).astype(np.int64), arrays.train_starts[:-1])
    pairs = float((np.where(sizes > 0, own, 0) * sizes).sum())
    return Bound(
        add_name(4 * arrays.n_items), pairs, "sum over users of profile x shown items of it, counters increased"
    )


def _pool(arrays: Arrays) -> tuple[int, int, int]:
    return len(arrays.candidates), arrays.candidates.shape[1], arrays.vectors.shape[1]


def _steps_of_sets(arrays: Arrays) -> Bound:
    users, n, _ = _pool(arrays)
    words = -(-arrays.genres.shape[1] // 64)
    return Bound("popcount", float(users * (K - 1) * n * words), "users (k - 1) n x words")


def _steps(arrays: Arrays) -> Bound:
    users, n, width = _pool(arrays)
    return Bound("matvec", 2.0 * users * (K - 1) * n * width, "2 users (k - 1) n d")


def _cholesky(arrays: Arrays) -> Bound:
    users, n, width = _pool(arrays)
    amount = 2.0 * users * n * ((K - 1) * width + (K - 1) * (K - 2) / 2)
    return Bound("matvec", amount, "2 users n ((k - 1) d + (k - 1) (k - 2) / 2)")


def _every_pair(arrays: Arrays) -> Bound:
    users, n, width = _pool(arrays)
    return Bound("sgemm_1", float(users) * n * n * width, "users n^2 d, half of all products")


def _projections(arrays: Arrays) -> Bound:
    users, n, width = _pool(arrays)
    return Bound("matvec_double", 2.0 * users * (K - 1) * n * (width + 1), "2 users (k - 1) n (d + 1)")


def _genres_of_steps(arrays: Arrays) -> Bound:
    users = len(arrays.candidates)
    kept = arrays.candidates[arrays.candidates >= 0]
    profiles = arrays.sizes[arrays.train_items].sum(dtype=np.float64)
    looked_up = profiles + K * arrays.sizes[kept].sum(dtype=np.float64) + users * K * arrays.genres.shape[1]
    return Bound("lookup_L1", float(looked_up), "genres of training rows + k x those of candidates + users k genres")


def _candidates(arrays: Arrays) -> Bound:
    users, n, _ = _pool(arrays)
    return Bound(lookup_name(8 * arrays.n_items), float(users * n), "users n look-ups")


_SETS, _COSINE = 1e-6, 1e-6  # naive sets are float32, and so are our vectors

_CASES = (
    Case("nDCG", "ndcg", naive.ndcg, _test),
    Case("recall", "recall", naive.recall, _test),
    Case("ILD Jaccard", "ild", naive.ild_jaccard, _sets, tolerance=_SETS),
    Case("ILD cosine", "ild(distance=cosine)", naive.ild_cosine, _vectors, tolerance=_COSINE),
    Case("binomial diversity", "binomial_diversity", naive.binomial_diversity, _genres_and_tables),
    Case("self-information", "self_information", naive.self_information, _listed),
    Case("surprise (content)", "surprise_content", naive.surprise_content, _profiles_by_lists, tolerance=_SETS),
    Case(
        "surprise (nPMI)",
        "surprise_cooccurrence",
        naive.surprise_cooccurrence,
        _squares,
        prepare=naive.cooccurrences,
    ),
    Case("serendipity (cosine)", "serendipity", naive.serendipity, _squares, prepare=naive.cooccurrences),
    Case("serendipity (rank)", "serendipity_rank", naive.serendipity_rank, _listed_and_test),
    Case("unexpectedness", "unexpectedness", naive.unexpectedness, _popular),
    Case("calibration", "calibration_kl", naive.calibration_kl, _profiles),
    Case("coverage", "catalog_coverage", naive.catalog_coverage, _listed, of_run=True),
    Case("Gini", "gini", naive.gini, _listed, of_run=True),
    Case("personalization", "personalization", naive.personalization, _listed, of_run=True, power=2, tolerance=1e-6),
    Case("MMR Jaccard", "MMR", naive_rerank.mmr_jaccard, _steps_of_sets, reranks=True),
    Case("MMR cosine", "MMR(distance=cosine)", naive_rerank.mmr_cosine, _steps, reranks=True, tolerance=_COSINE),
    Case(
        "GreedyDiversity Jaccard",
        "GreedyDiversity",
        naive_rerank.greedy_diversity_jaccard,
        _steps_of_sets,
        reranks=True,
    ),
    Case(
        "GreedyDiversity cosine",
        "GreedyDiversity(distance=cosine)",
        naive_rerank.greedy_diversity_cosine,
        _steps,
        reranks=True,
        tolerance=_COSINE,
    ),
    Case("MSD cosine", "MSD(distance=cosine)", naive_rerank.msd_cosine, _steps, reranks=True, tolerance=_COSINE),
    Case("DPP", "DPP", naive_rerank.dpp_cosine, _cholesky, reranks=True, tolerance=_COSINE),
    Case("Cover", "Cover(distance=cosine)", naive_rerank.cover_cosine, _every_pair, reranks=True, tolerance=_COSINE),
    Case("SSD", "SSD", naive_rerank.ssd, _projections, reranks=True, tolerance=_COSINE),
    Case("Calibrated", "Calibrated", naive_rerank.calibrated, _genres_of_steps, reranks=True),
    Case("Novelty", "Novelty", naive_rerank.novelty, _candidates, reranks=True),
)
#: All cases by name.
CASES = {case.name: dataclasses.replace(case, prototype=PROTOTYPES.get(case.name)) for case in _CASES}
