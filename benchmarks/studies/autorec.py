"""AutoRec's table on MovieLens 1M: python benchmarks/studies/autorec.py DATA_FOLDER -o OUT_FOLDER.

S. Sedhain, A. K. Menon, S. Sanner and L. Xie, AutoRec: Autoencoders Meet Collaborative Filtering, WWW 2015 Companion,
tables 1 and 2. DATA_FOLDER holds the folder ml-1m. Needs torch for all but matrix factorisation.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from common import Page, interval, parser, read, table

import beyondacc as ba
from beyondacc.ratings import Ratings, evaluate_ratings

PUBLISHED = {
    "I-AutoRec": 0.831,
    "U-AutoRec": 0.874,
    "I-RBM": 0.854,
    "U-RBM": 0.881,
    "BiasedMF": 0.845,
    "LLORMA": 0.833,
}


def methods(epochs: int) -> dict[str, Callable[[int], ba.models.Model]]:
    """Return the methods, those with torch only where it is installed."""
    found: dict[str, Callable[[int], ba.models.Model]] = {
        "BiasedMF": lambda seed: ba.models.BiasedMF(factors=100, l2=0.05, seed=seed)
    }
    if importlib.util.find_spec("torch") and hasattr(ba.models, "AutoRec"):
        shared = {"epochs": epochs, "batch": 32}
        found |= {
            "I-AutoRec": lambda seed: ba.models.AutoRec(on="item", hidden=500, l2=100.0, seed=seed, **shared),
            "U-AutoRec": lambda seed: ba.models.AutoRec(on="user", hidden=500, l2=100.0, seed=seed, **shared),
            "I-RBM": lambda seed: ba.models.RBM(on="item", seed=seed, **shared),
            "U-RBM": lambda seed: ba.models.RBM(on="user", seed=seed, **shared),
        }
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """Run the study."""
    options = parser(__doc__)
    options.add_argument("--splits", type=int, default=1, help="how many random splits (the paper: 5)")
    options.add_argument("--epochs", type=int, default=10, help="of the models with torch, at most")
    args = options.parse_args(argv)
    with Page(args.out, "AutoRec's table on MovieLens 1M") as page:
        ratings = read(args.data / "ml-1m", "ratings")[["user_id", "item_id", "rating"]]
        rows = []
        for seed in range(args.splits):
            split = Ratings.split(ratings, how="holdout(fraction=0.1)", seed=seed)
            for name, make in methods(args.epochs).items():
                told: list[str] = []
                model = make(seed)
                model.fit(split.matrix, progress=lambda done, _, text, told=told: told.append(f"{done}: {text}"))
                report = evaluate_ratings(model.predict, split, n_boot=200)
                rows.append((name, seed, report.rmse.value, report.rmse.standard_error, report.mae.value, len(told)))
                page.lap(name)
        values = pd.DataFrame(rows, columns=["method", "seed", "rmse", "se_users", "mae", "epochs"])
        page.csv("values", values)
        write(page, values, args)


def write(page: Page, values: pd.DataFrame, args: object) -> None:
    """Write the page."""
    found = values.groupby("method", sort=False)
    rows = {}
    for name, published in PUBLISHED.items():
        if name in found.groups:
            own = found.get_group(name)
            spread = f" ± {1.96 * own['se_users'].iloc[0]:.4f}" if len(own) == 1 else ""
            rows[name] = (
                published,
                interval(list(own["rmse"])) + spread,
                own["rmse"].mean() - published,
                f"{own['epochs'].mean():.0f}",
            )
        else:
            rows[name] = (published, "not run", np.nan, "")
    columns = ["published", "here", "difference", "epochs run"]
    page.add(
        f"90 % of the ratings for training, 10 % for testing, at random; {args.splits} split(s) where the paper takes "
        f"five; ± is 1.96 standard errors of a bootstrap over users. At most {args.epochs} epochs for the models with "
        "torch, stopped early on 5 % of the training ratings, which are not learned from: the paper trains to "
        "convergence on all of them, and chooses penalty and size by a grid.",
        "Batches have 32 rows. AutoRec has 500 hidden units as in the paper, a penalty of 100 (not tuned), Adam for "
        "resilient propagation, and inputs less the mean rating; RBMs have 100 hidden units; BiasedMF has 100 "
        "factors and l2 = 0.05. LLORMA is not in this package.",
        table(pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("test RMSE"), digits=3),
    )


if __name__ == "__main__":
    main()
