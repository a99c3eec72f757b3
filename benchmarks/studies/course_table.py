"""Rating prediction on Jester and MovieLense: python benchmarks/studies/course_table.py DATA_FOLDER -o OUT_FOLDER.

A course's table of test errors, 30 % of the ratings held out at random. The data are those of the R package
recommenderlab (M. Hahsler, 2022, arXiv:2205.12371): Jester5k (K. Goldberg, T. Roeder, D. Gupta and C. Perkins, 2001,
Information Retrieval 4(2)) and MovieLense. DATA_FOLDER holds the folders jester5k and movielense.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from common import Page, interval, parser, read, table

import beyondacc as ba
from beyondacc.ratings.evaluate import Ratings, evaluate_ratings

JESTER, MOVIELENSE = "Jester", "MovieLense"
FRACTION, N_USERS = 0.3, 1000
# the course's numbers for Jester (a random 1,000 of the 5,000 users, 72,358 ratings) and MovieLense
PUBLISHED = {
    "user neighbourhood": (4.4235, 1.0143),
    "user neighbourhood, scale-adjusted": (4.4410, 0.9477),
    "matrix factorisation": (4.3245, 0.7808),
    "matrix factorisation, scale-adjusted": (4.3455, 1.0200),
    "RBM, user": (np.nan, 0.9707),
    "RBM, item": (np.nan, 0.9466),
    "U-AutoRec": (4.3187, 1.0858),
    "I-AutoRec": (4.1912, 1.0415),
}
Make = Callable[[int, str], ba.models.Model]
"""A model from the seed and the name of the data."""


def methods(epochs: int) -> dict[str, Make]:
    """Return the methods, those with torch only where it is installed."""
    found: dict[str, Make] = {
        "user neighbourhood": lambda *_: ba.models.UserKNNRatings(normalize="none"),
        "user neighbourhood, mean-centred": lambda *_: ba.models.UserKNNRatings(normalize="mean"),
        "user neighbourhood, scale-adjusted": lambda *_: ba.models.UserKNNRatings(normalize="zscore"),
        "item neighbourhood": lambda *_: ba.models.ItemKNNRatings(normalize="none"),
        "item neighbourhood, mean-centred": lambda *_: ba.models.ItemKNNRatings(normalize="mean"),
        "item neighbourhood, scale-adjusted": lambda *_: ba.models.ItemKNNRatings(normalize="zscore"),
        "matrix factorisation": lambda seed, _: ba.models.BiasedMF(seed=seed),
        "matrix factorisation, scale-adjusted": lambda seed, _: ba.models.BiasedMF(normalize="zscore", seed=seed),
    }
    if importlib.util.find_spec("torch") and hasattr(ba.models, "RBM"):

        def rbm(on: str) -> Make:
            return lambda seed, data: ba.models.RBM(
                on=on, visible="gaussian" if data == JESTER else "softmax", batch=16, epochs=epochs, seed=seed
            )

        def autorec(on: str) -> Make:
            return lambda seed, _: ba.models.AutoRec(on=on, hidden=100, l2=100.0, batch=16, epochs=epochs, seed=seed)

        found |= {"RBM, user": rbm("user"), "RBM, item": rbm("item")}
        found |= {"U-AutoRec": autorec("user"), "I-AutoRec": autorec("item")}
    return found


def of_means(ratings: Ratings) -> float:
    """Return the error of predicting the mean of all plus what the item and the user deviate from it."""
    train = ratings.matrix
    mean = train.data.mean()
    users = np.repeat(np.arange(train.shape[0]), np.diff(train.indptr))
    rest = train.data - mean
    items = np.bincount(train.indices, rest, train.shape[1]) / (
        np.bincount(train.indices, minlength=train.shape[1]) + 5
    )
    rest = rest - items[train.indices]
    own = np.bincount(users, rest, train.shape[0]) / (np.bincount(users, minlength=train.shape[0]) + 5)
    predicted = mean + items[ratings.test_items] + own[ratings.test_users]
    return float(evaluate_ratings(predicted, ratings, n_boot=0).rmse.value)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the study."""
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=5, help="how many random splits")
    options.add_argument("--epochs", type=int, default=20, help="of the models with torch, at most")
    args = options.parse_args(argv)
    with Page(args.out, "A course table: test errors of rating prediction") as page:
        given = {JESTER: read(args.data / "jester5k", "ratings"), MOVIELENSE: read(args.data / "movielense", "ratings")}
        made = methods(args.epochs)
        rows = []
        for data, whole in given.items():
            for seed in range(args.seeds):
                ratings = whole
                if data == JESTER:
                    users = ratings["user_id"].unique()
                    drawn = np.random.default_rng(seed).permutation(users)[:N_USERS]
                    ratings = ratings[ratings["user_id"].isin(drawn)]
                split = Ratings.split(ratings, how=f"holdout(fraction={FRACTION})", seed=seed)
                rows.append((data, "means of users and items", seed, of_means(split), np.nan))
                for name, make in made.items():
                    report = evaluate_ratings(make(seed, data), split, n_boot=0)
                    rows.append((data, name, seed, report.rmse.value, report.mae.value))
                    page.lap(f"{data}, {name}")
        values = pd.DataFrame(rows, columns=["data", "method", "seed", "rmse", "mae"])
        page.csv("values", values)
        write(page, values, args)


def write(page: Page, values: pd.DataFrame, args: object) -> None:
    """Write the page."""
    found = values.groupby(["data", "method"], sort=False)["rmse"].apply(lambda each: interval(list(each)))
    means = values.groupby(["data", "method"], sort=False)["rmse"].mean()
    names = list(dict.fromkeys([*values["method"], *PUBLISHED]))
    rows = {}
    for name in names:
        cells = []
        for place, data in enumerate((JESTER, MOVIELENSE)):
            published = PUBLISHED.get(name, (np.nan, np.nan))[place]
            cells += [found.get((data, name), "not run"), published]
        rows[name] = cells
    columns = [JESTER, "course", MOVIELENSE, "course "]
    whole = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("test RMSE")
    page.add(
        f"{FRACTION:.0%} of the ratings held out at random, {args.seeds} seeds, mean with a 95 % t interval over them. "
        f"Jester: {N_USERS:,} of the 5,000 users, drawn anew for each seed, so that its intervals hold the draw of the "
        "users too. Predictions are clipped to the range of the training ratings.",
        f"Models with torch learn for at most {args.epochs} epochs and stop early on 5 % of the training ratings; "
        "parameters are those of this package, except batches of 16 rows, and for AutoRec 100 hidden units and a "
        "penalty of 100 (of three tried on another seed); the same for both data sets. RBMs have Gaussian visible "
        "units on Jester.",
        table(whole, digits=4),
        "## Which published figures cannot be test errors",
        *verdicts(means),
    )


def verdicts(means: pd.Series) -> list[str]:
    """Say what the published numbers cannot be, by what was reached here."""
    said = []
    for place, data in enumerate((JESTER, MOVIELENSE)):
        best = means[data].idxmin()
        trivial = means[data]["means of users and items"]
        numbers = {name: pair[place] for name, pair in PUBLISHED.items() if not np.isnan(pair[place])}
        low = [f"{name} {value:.4f}" for name, value in numbers.items() if value < 0.95 * means[data][best]]
        high = [f"{name} {value:.4f}" for name, value in numbers.items() if value > trivial]
        said.append(
            f"{data}: the best here is {best} with {means[data][best]:.4f}, means of users and items alone reach "
            f"{trivial:.4f}. More than 5 % below the best, and so not believable as test errors of these methods: "
            f"{', '.join(low) or 'none'}. Above the plain means, and so possible, but of models that have learned "
            f"nothing beyond them: {', '.join(high) or 'none'}."
        )
    return said


if __name__ == "__main__":
    main()
