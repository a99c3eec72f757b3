"""Rating prediction: ratings held out, and how far predictions are from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from beyondacc.data.intake.kinds import choose_kinds
from beyondacc.data.intake.read import read_rows
from beyondacc.data.intake.roles import Names
from beyondacc.data.intake.rows import Rows
from beyondacc.data.intake.tables import settle_tables
from beyondacc.data.repeats import one_of_each
from beyondacc.data.split import LeaveOneOut, make_split
from beyondacc.data.vocabulary import Vocabulary, factorize
from beyondacc.declare.params import Param, Range, Seed
from beyondacc.errors import DataError, SpecError, choices
from beyondacc.evaluation.intervals import interval
from beyondacc.models import MODELS, Model
from beyondacc.types import Bools, Floats, ItemIds, UserIds

__all__ = ["RatingError", "RatingReport", "RatingReports", "Ratings", "evaluate_ratings"]

Per = Literal["row", "user"]
_ROUNDING = 1e-14  # a spread of ratings that is a smaller part of their squares is none
_CELLS = 4_000_000  # numbers in a chunk of replicates


class Ratings:
    """Ratings to learn from and ratings to predict.

    Parameters
    ----------
    train, test
        Ratings in any form the training rows of a `Dataset` take, with values: any finite numbers, 0 and negative ones
        too. Of rows with the same user and item the last one counts.
    columns
        Names of columns that are not recognised, such as ``{"rating": "stars"}``.

    Attributes
    ----------
    users, items : Vocabulary
        The external ids; their positions are rows and columns of the matrix.
    matrix : sparse array, (n_users, n_items)
        The training ratings; explicit zeros are ratings.
    test_users, test_items, test_values : (n,)
        The ratings to predict, in the order given.

    Raises
    ------
    DataError
        If a table lacks ratings or cannot be read, or a pair of user and item is in both.
    """

    def __init__(self, train: Any, test: Any, *, columns: Mapping[str, str] | None = None) -> None:
        learned, held = _read({"train": train, "test": test}, columns)
        self.users = Vocabulary.union([learned.user, held.user], None, axis="user", names=["train", "test"])
        self.items = Vocabulary.union([learned.item, held.item], None, axis="item", names=["train", "test"])
        shape = len(self.users), len(self.items)
        users, items = self._codes(learned, "train")
        self.matrix: Any = sparse.coo_array(
            (np.asarray(learned.rating, np.float64), (users, items)), shape=shape
        ).tocsr()
        self.test_users, self.test_items = self._codes(held, "test")
        self.test_values = np.asarray(held.rating, np.float64)
        both = np.isin(self._keys(self.test_users, self.test_items), self._keys(users, items))
        if both.any():
            row = int(np.flatnonzero(both)[0])
            raise DataError(
                f"{np.count_nonzero(both)} pairs of user and item are in train and in test, the first being user "
                f"{held.user.tolist()[row]!r} and item {held.item.tolist()[row]!r}; keep each rating in one of them"
            )

    def _codes(self, rows: Rows, what: str) -> tuple[UserIds, ItemIds]:
        return (
            self.users.encode(rows.user, what=what, axis="user"),
            self.items.encode(rows.item, what=what, axis="item"),
        )

    def _keys(self, users: UserIds, items: ItemIds) -> NDArray[np.int64]:
        return users.astype(np.int64) * len(self.items) + items

    @classmethod
    def split(
        cls,
        ratings: Any,
        *,
        how: str = "holdout(fraction=0.3)",
        per: Per = "row",
        seed: int = 0,
        columns: Mapping[str, str] | None = None,
    ) -> Ratings:
        """Hold out some of the ratings.

        Parameters
        ----------
        ratings
            All ratings, in any form `train` takes.
        how
            As in `Dataset.split`.
        per
            ``"row"``: a share of all rows, as the literature on rating prediction does, whoever's they are, so that
            some users and items may keep none; ``"user"``: a share of each user's rows, who keeps one at least.
        seed
            Of the random choice.
        columns
            As in `Ratings`.

        Raises
        ------
        SpecError
            If there is no such split, or it has no choice of `per`.
        DataError
            If the split leaves no row to predict, or needs timestamps that are not there.
        """
        per = Param("per", "row", Per).check(per, "Ratings.split")
        chosen = make_split(how)
        if per == "row" and isinstance(chosen, LeaveOneOut):
            raise SpecError(f"the split {how!r} takes a row of each user; pass per='user'")
        (rows,) = _read({"ratings": ratings}, columns)
        codes = factorize(rows.user)[0] if per == "user" else np.zeros(len(rows), np.int64)
        held_out = chosen.mask(codes, rows.timestamp if chosen.looks_at_times else None, seed)
        return cls(rows.where(~held_out), rows.where(held_out))

    def __repr__(self) -> str:
        return (
            f"Ratings({len(self.users):,} users, {len(self.items):,} items, {self.matrix.nnz:,} train ratings, "
            f"{len(self.test_values):,} test ratings)"
        )


def _read(tables: Mapping[str, Any], columns: Mapping[str, Any] | None) -> list[Rows]:
    names, found = Names(columns), {}
    for what, given in tables.items():
        rows = read_rows(given, what=what, columns=names)
        if rows.rating is None:
            raise DataError(f"{what} has no ratings; pass a table with a rating column, or values")
        found[what] = one_of_each(rows, "last", what=what)
    names.check_used()
    return list(settle_tables(found, None, None, choose_kinds("auto"))[0].values())


@dataclasses.dataclass(frozen=True)
class RatingError:
    """One number about the errors of predicted ratings.

    Attributes
    ----------
    name
        ``"rmse"``, ``"mae"``, ``"r2"`` or ``"explained_variance"``.
    value
    ci_low, ci_high
        95 % bootstrap interval over users, each drawn with all their test ratings; NaN without replicates.
    standard_error
        Standard deviation of the replicates.
    """

    name: str
    value: float
    ci_low: float
    ci_high: float
    standard_error: float


class RatingReport:
    """The errors of one model.

    Attributes
    ----------
    rmse, mae : RatingError
        Root mean square error ``sqrt(mean (p - r)^2)`` and mean absolute error ``mean |p - r|`` over all test ratings.
    r2, explained_variance : RatingError
        ``1 - sum (p - r)^2 / sum (r - mean r)^2`` and ``1 - var(p - r) / var(r)`` over all test ratings, at most 1; NaN
        where all test ratings are equal (Kvalseth 1985, The American Statistician 39(4); as scikit-learn's).
    n_test, n_users
        How many test ratings there are, and of how many users.
    cold : dict
        How many test ratings were not predicted by the model, by what was taken instead: ``"item mean"`` for users
        without training ratings, ``"user mean"`` for items without any, ``"global mean"`` where both have none.
    predictions : (n_test,)
        In the order of the test ratings, as they were compared.
    """

    def __init__(
        self, ratings: Ratings, predictions: NDArray[np.float64], cold: dict[str, int], *, n_boot: int, seed: int
    ) -> None:
        self.predictions = predictions
        self.cold = cold
        self.n_test = len(predictions)
        self._users, users = np.unique(ratings.test_users, return_inverse=True)
        self.n_users = len(self._users)
        self._ids = ratings.users.ids.take(self._users)
        errors = predictions - ratings.test_values
        self._counts = np.bincount(users)
        centred = ratings.test_values - ratings.test_values.mean()  # lest squares of large numbers cancel
        columns = np.square(errors), np.abs(errors), errors, centred, np.square(centred)
        self._sums = np.array([np.bincount(users, column) for column in columns])
        drawn = _replicates(np.vstack([self._counts, self._sums]), n_boot, seed)
        squares, absolutes = self._sums[:2].sum(axis=1) / self.n_test
        self.rmse = _error("rmse", float(np.sqrt(squares)), np.sqrt(drawn[:, 1] / drawn[:, 0]))
        self.mae = _error("mae", float(absolutes), drawn[:, 2] / drawn[:, 0])
        explained = _explained(np.concatenate([[self._counts.sum()], self._sums.sum(axis=1)])[None, :])
        of_drawn = _explained(drawn)
        self.r2 = _error("r2", float(explained[0][0]), of_drawn[0], -np.inf, 1.0)
        self.explained_variance = _error("explained_variance", float(explained[1][0]), of_drawn[1], -np.inf, 1.0)
        self.numbers = self.rmse, self.mae, self.r2, self.explained_variance

    def per_user(self, name: str) -> pd.Series[float]:
        """Return the ``"rmse"`` or ``"mae"`` of each user with test ratings, by external id; `SpecError` if neither."""
        if name not in {"rmse", "mae"}:
            raise SpecError(f"there is no error {name!r} of the ratings of each user; give 'rmse' or 'mae'")
        means = self._sums[int(name == "mae")] / self._counts
        return pd.Series(np.sqrt(means) if name == "rmse" else means, index=self._ids, name=name)

    def to_pandas(self) -> pd.DataFrame:
        """Return a row for each of the four numbers."""
        table = pd.DataFrame([dataclasses.asdict(each) for each in self.numbers])
        return table.assign(n_test=self.n_test, n_users=self.n_users, n_cold=sum(self.cold.values()))

    def __repr__(self) -> str:
        lines = [f"{each.name:<18} {each.value:.4f}  [{each.ci_low:.4f}, {each.ci_high:.4f}]" for each in self.numbers]
        lines.append(f"{self.n_test:,} test ratings of {self.n_users:,} users")
        lines += [f"{count:,} predicted by the {what}" for what, count in self.cold.items() if count]
        return "\n".join(lines)


class RatingReports(Mapping[str, RatingReport]):
    """The reports of several models on the same ratings, by name."""

    def __init__(self, reports: Mapping[str, RatingReport]) -> None:
        self._reports = dict(reports)

    def __getitem__(self, name: str) -> RatingReport:
        return self._reports[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._reports)

    def __len__(self) -> int:
        return len(self._reports)

    def to_pandas(self) -> pd.DataFrame:
        """Return a row for each model and number, as `RatingReport.to_pandas` with a column model in front."""
        parts = [report.to_pandas().assign(model=name) for name, report in self.items()]
        table = pd.concat(parts, ignore_index=True)
        return table[["model", *(column for column in table if column != "model")]]

    def __repr__(self) -> str:
        width = max(len("model"), *(len(name) for name in self))
        lines = [f"{'model':<{width}}  rmse                        mae"]
        for name, report in self.items():
            cells = [f"{e.value:.4f}  [{e.ci_low:.4f}, {e.ci_high:.4f}]" for e in (report.rmse, report.mae)]
            lines.append(f"{name:<{width}}  {cells[0]:<26}  {cells[1]}")
        return "\n".join(lines)


def evaluate_ratings(model: Any, ratings: Ratings, *, clip: bool = True, n_boot: int = 1000, seed: int = 0) -> Any:
    """Predict the test ratings and tell how far off the predictions are.

    Test ratings of users or items without training ratings are not asked of the model, so that all models are judged
    alike: of such a user the item's mean is predicted, for such an item the user's mean, where both are such the mean
    of all training ratings. The report counts them.

    Parameters
    ----------
    model
        An explicit model of `beyondacc.models` or its text such as ``"BiasedMF(factors=20)"``, which is fitted here;
        a function ``f(users, items) -> ratings`` of positions in `ratings.users` and `ratings.items`, such as
        ``model.predict`` of a fitted model; or the predictions, ``(n_test,)``. ``{"name": model}`` for several.
    ratings
        What to learn from and what to predict.
    clip
        Move predictions into the range of the training ratings.
    n_boot, seed
        Replicates and seed of the bootstrap over users; 0 replicates: no intervals.

    Returns
    -------
    RatingReport, or RatingReports of several models

    Raises
    ------
    SpecError
        If a model does not predict ratings.
    DataError
        If predictions are not numbers, one for each test rating.
    """
    n_boot = Param("n_boot", 1000, Annotated[int, Range(low=0)]).check(n_boot, "evaluate_ratings")
    seed = Param("seed", 0, Seed).check(seed, "evaluate_ratings")
    if isinstance(model, Mapping):
        if not model:
            raise SpecError("evaluate_ratings needs at least one model")
        sources = {str(name): _source(each) for name, each in model.items()}
        return RatingReports(
            {name: _evaluate(each, ratings, clip=clip, n_boot=n_boot, seed=seed) for name, each in sources.items()}
        )
    return _evaluate(_source(model), ratings, clip=clip, n_boot=n_boot, seed=seed)


def _source(model: Any) -> Any:
    """Return what predicts, before anything is trained."""
    made = MODELS.create(model) if isinstance(model, str) else model
    if isinstance(made, Model):
        if not made.explicit:
            explicit = choices(name for name, info in MODELS.items() if info.factory.explicit)
            raise SpecError(f"{made} does not learn from ratings and predicts none; models that do are {explicit}")
    elif not callable(made) and not hasattr(made, "__array__"):
        raise SpecError(
            f"{type(made).__name__} does not predict ratings; give a model of beyondacc.models or its text, "
            "a function f(users, items) -> ratings, or an array of predictions"
        )
    return made


def _evaluate(source: Any, ratings: Ratings, *, clip: bool, n_boot: int, seed: int) -> RatingReport:
    users, items, train = ratings.test_users, ratings.test_items, ratings.matrix
    by_user, by_item = np.diff(train.indptr), np.bincount(train.indices, minlength=train.shape[1])
    no_user, no_item = by_user[users] == 0, by_item[items] == 0
    warm = ~(no_user | no_item)
    if isinstance(source, Model):
        source = source.fit(train).predict
    given = np.asarray(source(users[warm], items[warm]) if callable(source) else source)
    predictions = np.empty(len(users))
    predictions[warm] = _checked(given, warm, whole=not callable(source))
    cold = _fall_back(predictions, ratings, no_user, no_item)
    if clip:
        np.clip(predictions, train.data.min(), train.data.max(), out=predictions)
    return RatingReport(ratings, predictions, cold, n_boot=n_boot, seed=seed)


def _checked(given: NDArray[Any], warm: Bools, *, whole: bool) -> NDArray[Any]:
    expected = len(warm) if whole else int(np.count_nonzero(warm))
    if given.shape != (expected,) or given.dtype.kind not in "iufb":
        raise DataError(
            f"the predictions have shape {given.shape} of {given.dtype}; they must be numbers of shape ({expected},), "
            f"one for each {'test rating' if whole else 'pair asked for'}"
        )
    taken = given[warm] if whole else given
    wrong = np.flatnonzero(~np.isfinite(taken))
    if wrong.size:
        raise DataError(f"{wrong.size} predictions are {taken[wrong[0]]} or not finite either; predict finite numbers")
    return taken


def _fall_back(predictions: Floats, ratings: Ratings, no_user: Bools, no_item: Bools) -> dict[str, int]:
    """Fill in what no model can know, in place, and count it."""
    train: Any = ratings.matrix
    mean = float(train.data.mean())
    sums = train.sum(axis=1), train.sum(axis=0)
    counts = np.diff(train.indptr), np.bincount(train.indices, minlength=train.shape[1])
    user_means, item_means = (np.asarray(total) / np.maximum(n, 1) for total, n in zip(sums, counts, strict=True))
    only_user, only_item, both = no_user & ~no_item, no_item & ~no_user, no_user & no_item
    predictions[only_user] = item_means[ratings.test_items[only_user]]
    predictions[only_item] = user_means[ratings.test_users[only_item]]
    predictions[both] = mean
    cases = {"item mean": only_user, "user mean": only_item, "global mean": both}
    return {what: int(np.count_nonzero(which)) for what, which in cases.items()}


def _replicates(columns: NDArray[np.float64], n_boot: int, seed: int) -> NDArray[np.float64]:
    """Return the sums of the columns over users drawn with replacement, ``(n_boot, columns)``.

    The draws depend on the seed and the number of users alone, so that models are compared on the same ones.
    """
    n = columns.shape[1]
    rng = np.random.default_rng(seed)
    step = max(1, _CELLS // n)
    parts = [np.empty((0, len(columns)))]
    for start in range(0, n_boot, step):
        size = min(step, n_boot - start)
        drawn = rng.integers(0, n, (size, n)) + n * np.arange(size)[:, None]
        parts.append(np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n) @ columns.T)
    return np.concatenate(parts)


def _explained(sums: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return R2 and explained variance from rows of sums: of 1, e^2, |e|, e, r and r^2, e the errors, r the ratings."""
    n, squares, _, errors, ratings, square_ratings = sums.T
    spread = square_ratings - ratings**2 / n
    varied = spread > _ROUNDING * np.maximum(square_ratings, 1e-300)
    ratio = np.full((2, len(sums)), np.nan)
    for row, left in enumerate((squares, squares - errors**2 / n)):
        np.divide(left, spread, out=ratio[row], where=varied)
    return 1.0 - ratio[0], 1.0 - ratio[1]


def _error(
    name: str, value: float, replicates: NDArray[np.float64], low: float = 0.0, high: float = np.inf
) -> RatingError:
    replicates = replicates[~np.isnan(replicates)]  # of ratings that are all equal
    ci_low, ci_high = interval(value, replicates, (low, high))
    spread = float(replicates.std(ddof=1)) if len(replicates) > 1 else float("nan")
    return RatingError(name, value, ci_low, ci_high, spread)
