"""AutoRec's table on MovieLens 1M: python benchmarks/studies/autorec.py DATA_FOLDER -o OUT_FOLDER.

S. Sedhain, A. K. Menon, S. Sanner and L. Xie, AutoRec: Autoencoders Meet Collaborative Filtering, WWW 2015 Companion,
tables 1 and 2. DATA_FOLDER holds the folder ml-1m. Needs torch for all but matrix factorisation.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from common import Page, interval, parser, read, table

import beyondacc as ba
from beyondacc.ratings.evaluate import Ratings, evaluate_ratings

PUBLISHED = {
    "I-AutoRec": 0.831,
    "U-AutoRec": 0.874,
    "I-RBM": 0.854,
    "U-RBM": 0.881,
    "BiasedMF": 0.845,
    "LLORMA": 0.833,
}


STEPS = (1e-3, 2e-4)  # of Adam, for the two forms of AutoRec
Method = Callable[..., ba.models.Model]


def methods(epochs: int) -> dict[str, Method]:
    """Return the methods, those with torch only where it is installed."""
    found: dict[str, Method] = {"BiasedMF": lambda seed: ba.models.BiasedMF(factors=100, l2=0.05, seed=seed)}
    if importlib.util.find_spec("torch") and hasattr(ba.models, "AutoRec"):
        shared: dict[str, Any] = {"epochs": epochs, "batch": 32}
        network = {"hidden": 500, "l2": 100.0, **shared}
        found |= {
            "I-AutoRec": lambda seed, step: ba.models.AutoRec(on="item", learning_rate=step, seed=seed, **network),
            "U-AutoRec": lambda seed, step: ba.models.AutoRec(on="user", learning_rate=step, seed=seed, **network),
            "I-RBM": lambda seed: ba.models.RBM(on="item", seed=seed, **shared),
            "U-RBM": lambda seed: ba.models.RBM(on="user", seed=seed, **shared),
        }
    return found


def fit(model: ba.models.Model, matrix: Any) -> tuple[int, float]:
    """Fit a model; return how many epochs it took, and the least error on what it held out, NaN if it held out none."""
    told: list[str] = []
    model.fit(matrix, progress=lambda _done, _all, text: told.append(text))
    errors = [float(match[1]) for text in told if (match := re.search(r"validation \D*([\d.]+)", text))]
    return len(told), min(errors, default=np.nan)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the study."""
    options = parser(__doc__)
    options.add_argument("--splits", type=int, default=5, help="how many random splits (the paper: 5)")
    options.add_argument("--epochs", type=int, default=200, help="of the models with torch, at most")
    args = options.parse_args(argv)
    with Page(args.out, "AutoRec's table on MovieLens 1M") as page:
        ratings = read(args.data / "ml-1m", "ratings")[["user_id", "item_id", "rating"]]
        rows, steps = [], {}
        for seed in range(args.splits):
            split = Ratings.split(ratings, how="holdout(fraction=0.1)", seed=seed)
            for name, make in methods(args.epochs).items():
                tried = {"AutoRec": STEPS}.get(name.partition("-")[2], (None,)) if name not in steps else (steps[name],)
                best: tuple[float, Any, Any, int] | None = None
                for step in tried:
                    model = make(seed) if step is None else make(seed, step)
                    n_epochs, error = fit(model, split.matrix)
                    if best is None or error < best[0]:
                        best = error, step, model, n_epochs
                    page.lap(name)
                _, steps[name], model, n_epochs = best
                report = evaluate_ratings(model.predict, split, n_boot=200)
                values = report.rmse.value, report.rmse.standard_error, report.mae.value
                rows.append((name, seed, *values, n_epochs, steps[name]))
        values = pd.DataFrame(rows, columns=["method", "seed", "rmse", "se_users", "mae", "epochs", "step"])
        page.csv("values", values)
        write(page, values, args)


def write(page: Page, values: pd.DataFrame, args: object) -> None:
    """Write the page."""
    found = values.groupby("method", sort=False)
    steps = values.drop_duplicates("method").set_index("method")["step"].dropna()
    told = ", ".join(f"{name}: {step:g}" for name, step in steps.items())
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
        "Batches have 32 rows. AutoRec has 500 hidden units as in the paper, a penalty of 100 (not tuned), and Adam "
        f"for resilient propagation, with that step size of {' and '.join(f'{step:g}' for step in STEPS)} that has "
        f"the lower error on the held-out training ratings of the first split ({told or 'not run'}); RBMs have 100 "
        "hidden units; BiasedMF has 100 factors and l2 = 0.05. LLORMA is not in this package.",
        table(pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("test RMSE"), digits=3),
    )


if __name__ == "__main__":
    main()
