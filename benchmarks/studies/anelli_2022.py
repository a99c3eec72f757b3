"""Anelli et al. 2022 on their five splits of MovieLens 1M: python benchmarks/studies/anelli_2022.py DATA_FOLDER -o OUT.

V. W. Anelli, A. Bellogin, T. Di Noia, D. Jannach and C. Pomo, Top-N Recommendation Algorithms: A Quest for the
State-of-the-Art, UMAP 2022. DATA_FOLDER holds the folder ml-1m-anelli2022.
"""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from common import Page, parser, read, table
from numba import njit
from numpy.typing import NDArray

import beyondacc as ba

K = 10
METRICS = {
    "EPC": "epc(discount=log2,relevance=binary)",
    "EFD": "efd(discount=log2,relevance=binary)",
    "Gini": "gini(complement=true)",
    "coverage": "catalog_coverage(count=true)",
    "PopREO": "pop_reo",
    "PopRSP": "pop_rsp",
    "ACLT": "aclt",
    "APLT": "aplt",
    "ARP": "mean_popularity",
}
ACCURACY = {
    "nDCG": "ndcg",
    "recall": "recall",
    "precision": "precision",
    "hit rate": "hit_rate",
    "MRR": "reciprocal_rank",
    "items covered": "catalog_coverage(count=true)",
    "Gini concentration": "gini",
    "ARP": "mean_popularity",
}
# Pearson correlations across their ten algorithms at cutoff 10; each line is what follows the pair before on its row
PUBLISHED = {
    "EPC": "EFD 1.00 Gini -.73 coverage -.36 PopREO .75 PopRSP .79 ACLT -.79 APLT -.79 ARP .20",
    "EFD": "Gini -.74 coverage -.37",
    "Gini": "coverage .86 PopREO -.99 PopRSP -.99 ACLT .99 APLT .99 ARP -.81",
    "coverage": "PopREO -.86 PopRSP -.79 ACLT .80 APLT .80 ARP -.95",
    "PopREO": "PopRSP .99 ACLT -.99 APLT -.99 ARP .78",
    "PopRSP": "ACLT -1.00 APLT -1.00 ARP .74",
    "ACLT": "APLT 1.00 ARP -.74",
    "APLT": "ARP -.74",
}
# an independent run in plain numpy on the same splits; columns as in ACCURACY
INDEPENDENT = {
    "EASE": (0.3343, 0.1920, 0.2733, 0.8795, 0.5798, 833, 0.9334, 1070),
    "ItemKNN": (0.2917, 0.1627, 0.2422, 0.8290, 0.5175, 1053, 0.9343, 1092),
    "UserKNN": (0.2974, 0.1703, 0.2409, 0.8446, 0.5383, 410, 0.9736, 1358),
    "Popularity": (0.1594, 0.0837, 0.1368, 0.6201, 0.3168, 56, 0.9947, 1747),
    "Random": (0.0078, 0.0038, 0.0074, 0.0685, 0.0208, 2810, 0.1253, 152),
}
FULL_EPOCHS = {"MF": 72, "MultVAE": 100}


@njit(cache=True, fastmath={"reassoc", "contract", "nsz", "arcp"})  # so that the loops over factors use vectors
def descend(order, users, items, n_items, negatives, rate, penalty, seed, p, q, b):  # noqa: ANN001, ANN201, PLR0917 - compiled
    """Go through the interactions once, each followed by negatives drawn at random; logistic loss."""
    np.random.seed(seed)  # noqa: NPY002 - the generator that numba has
    kept = np.float32(1.0 - rate * penalty)
    for place in order:
        u = users[place]
        for draw in range(negatives + 1):
            i = items[place] if draw == 0 else np.random.randint(n_items)  # noqa: NPY002
            wanted = 1.0 if draw == 0 else 0.0
            left, right = p[u], q[i]
            score = b[i]
            for f in range(left.size):
                score += left[f] * right[f]
            step = np.float32(rate * (wanted - 1.0 / (1.0 + np.exp(-score))))
            b[i] = kept * b[i] + step
            for f in range(left.size):
                own = left[f]
                left[f] = kept * own + step * right[f]
                right[f] = kept * right[f] + step * own


def mf2020(data: ba.Dataset, epochs: int, seed: int) -> Callable[[NDArray[np.int32]], NDArray[np.float64]]:
    """Matrix factorisation with a logistic loss and four negatives for each interaction.

    S. Rendle, W. Krichene, L. Zhang and J. Anderson, Neural Collaborative Filtering vs. Matrix Factorization Revisited,
    RecSys 2020, sec. 3 and 4; the parameters are those of Anelli et al.
    """
    rng = np.random.default_rng(seed)
    train: Any = data.matrix
    users = np.repeat(np.arange(train.shape[0]), np.diff(train.indptr))
    p, q = (rng.normal(0, 0.1, (n, 128)).astype(np.float32) for n in train.shape)
    b = np.zeros(train.shape[1], np.float32)
    for epoch in range(epochs):
        order = rng.permutation(train.nnz)
        descend(order, users, train.indices, train.shape[1], 4, 0.1295965, 0.0087583, 1000 * seed + epoch, p, q, b)
    return lambda chosen: p[chosen] @ q.T + b


def models(data: ba.Dataset, seed: int, epochs: dict[str, int]) -> dict[str, Callable[[], Any]]:
    """Return what trains each algorithm, those of extras only where these are installed."""

    def fitted(model: ba.models.Model) -> ba.models.Model:
        return model.fit(data.matrix)

    found: dict[str, Callable[[], Any]] = {
        "EASE": lambda: fitted(ba.models.EASE(l2=238.5621338)),
        "SLIM": lambda: fitted(ba.models.SLIM()),
        "ItemKNN": lambda: fitted(ba.models.ItemKNN(k=95)),
        "UserKNN": lambda: fitted(ba.models.UserKNN(k=117)),
        "PureSVD": lambda: fitted(ba.models.PureSVD(factors=min(50, *(n - 1 for n in data.matrix.shape)))),
        "MF": lambda: mf2020(data, epochs["MF"], seed),
        "Popularity": lambda: fitted(ba.models.Popularity()),
        "Random": lambda: fitted(ba.models.Random(seed=seed)),
    }
    if importlib.util.find_spec("implicit"):
        # log scaling: the weight of an interaction is 1 + alpha log(1 + 1 / epsilon)
        weight = 1 + 6.381893 * np.log1p(1 / 5.6496278)
        found["iALS"] = lambda: fitted(ba.models.ALS(factors=51, epochs=27, alpha=weight, l2=0.0494734, seed=seed))
    if importlib.util.find_spec("torch") and hasattr(ba.models, "MultVAE"):
        found["MultVAE"] = lambda: fitted(
            ba.models.MultVAE(
                hidden=674,
                latent=175,
                learning_rate=0.0001545,
                batch=128,
                epochs=epochs["MultVAE"],
                validation=0.0,
                seed=seed,
            )
        )
    return found


def published() -> pd.DataFrame:
    """Return the published matrix, symmetric; NaN where no number was at hand."""
    matrix = pd.DataFrame(np.eye(len(METRICS)), index=list(METRICS), columns=list(METRICS)).replace(0.0, np.nan)
    for first, text in PUBLISHED.items():
        words = text.split()
        for second, value in zip(words[::2], words[1::2], strict=True):
            matrix.loc[first, second] = matrix.loc[second, first] = float(value)
    return matrix


def beside(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs of metrics that have a published correlation, with both numbers."""
    rows = [
        (f"{a}-{b}", theirs.loc[a, b], ours.loc[a, b])
        for a, b in itertools.combinations(METRICS, 2)
        if not np.isnan(theirs.loc[a, b])
    ]
    found = pd.DataFrame(rows, columns=["pair", "published", "here"]).set_index("pair")
    return found.assign(difference=found["here"] - found["published"])


def n_same(pairs: pd.DataFrame) -> int:
    """Return how many pairs have the published sign."""
    return int((np.sign(pairs["here"]) == np.sign(pairs["published"])).sum())


def draw(ours: pd.DataFrame, theirs: pd.DataFrame) -> alt.HConcatChart:
    """Draw both matrices side by side."""

    def one(matrix: pd.DataFrame, title: str) -> alt.LayerChart:
        cells = matrix.rename_axis("a").reset_index().melt("a", var_name="b", value_name="r").dropna()
        base = alt.Chart(cells, title=title).encode(
            x=alt.X("b:N", sort=list(METRICS), title=None, axis=alt.Axis(labelAngle=-45)),
            y=alt.Y("a:N", sort=list(METRICS), title=None),
        )
        scale = alt.Scale(scheme="blueorange", domain=[-1, 1], reverse=True)
        return base.mark_rect().encode(color=alt.Color("r:Q", scale=scale, title=None)) + base.mark_text(
            fontSize=10
        ).encode(
            text=alt.Text("r:Q", format=".2f"),
            color=alt.condition("abs(datum.r) > 0.7", alt.value("white"), alt.value("#222")),
        )

    made = one(theirs, "Anelli et al. 2022"), one(ours, "here")
    return alt.hconcat(*(each.properties(width=330, height=330) for each in made))


def main(argv: Sequence[str] | None = None) -> None:
    """Run the study."""
    options = parser(__doc__)
    options.add_argument("--splits", type=int, default=5, help="how many of the five splits")
    options.add_argument("--mf-epochs", type=int, default=FULL_EPOCHS["MF"], help="72 in the paper")
    options.add_argument("--slow-splits", type=int, default=5, help="on how many of them MF and MultVAE are trained")
    options.add_argument("--vae-epochs", type=int, default=FULL_EPOCHS["MultVAE"], help="100 in the paper")
    args = options.parse_args(argv)
    epochs = {"MF": args.mf_epochs, "MultVAE": args.vae_epochs}
    with Page(args.out, "Anelli et al. 2022: correlations between metrics across algorithms") as page:
        rows = read(args.data / "ml-1m-anelli2022", "interactions")
        metrics = {name: f"{text}@{K}" for name, text in (METRICS | ACCURACY).items()}
        found = []
        for split in range(args.splits):
            held = rows[f"test{split}"] == 1
            ids = ["user_id", "item_id"]
            data = ba.Dataset(train=rows.loc[~held, ids], test=rows.loc[held, ids])
            for name, make in models(data, split, epochs).items():
                if name in FULL_EPOCHS and split >= args.slow_splits:
                    continue
                lists = ba.recommend(make(), data, k=K)
                page.lap(f"{name}")
                report = ba.evaluate(lists, data, list(metrics.values()), n_boot=0)
                found += [(name, split, metric, report.value(text)) for metric, text in metrics.items()]
                page.lap("evaluation")
        values = pd.DataFrame(found, columns=["algorithm", "split", "metric", "value"])
        page.csv("values", values)
        means = values.pivot_table(index="algorithm", columns="metric", values="value", sort=False)
        write(page, means, args.splits, args.slow_splits, epochs)


def write(page: Page, means: pd.DataFrame, n_splits: int, n_slow: int, epochs: dict[str, int]) -> None:
    """Write the page."""
    ours, theirs = means[list(METRICS)].corr(), published()
    rest = beside(means.loc[means.index != "Random", list(METRICS)].corr(), theirs)
    pairs = beside(ours, theirs).assign(**{"here, without Random": rest["here"]})
    page.csv("correlations", pairs.reset_index())
    draw(ours, theirs).save(page.out / "correlations.png", scale_factor=1, ppi=96)
    shortened = [f"{name} {epochs[name]} of {n} epochs" for name, n in FULL_EPOCHS.items() if epochs[name] < n]
    if n_slow < n_splits:
        shortened.append(f"MF and MultVAE on {n_slow} of the splits only")
    missing = [name for name in ("iALS", "MultVAE") if name not in means.index]
    same = n_same(pairs)
    page.add(
        f"{n_splits} published splits (571,531 ratings of at least 4 in all, 80/20), cutoff {K}, means "
        f"over the splits, {len(means)} algorithms.",
        "Shortened: " + ("; ".join(shortened) if shortened else "nothing") + ". Left out for want of an extra: "
        f"{', '.join(missing) or 'nothing'}.",
        "What is not as in the paper: the set of algorithms (PureSVD, with 50 factors, and SLIM, with l1 = 3 and "
        "l2 = 100, have the defaults of this package: their published parameters were not at hand; RP3beta and NeuMF "
        "are left out); UserKNN takes the cosine where theirs takes a correlation; iALS is the library implicit's, "
        "with the same weight for every interaction; MF is our own SGD; all by one seed.",
        "## Correlations",
        f"Pearson, across algorithms. Mean absolute difference from the published ones "
        f"{pairs['difference'].abs().mean():.3f} over {len(pairs)} pairs; {same} of {len(pairs)} signs are equal. "
        '"Gini" is 1 - concentration, as in the paper. EPC and EFD count hits only, with a logarithmic discount, as '
        "in Elliot, so that they measure accuracy first.",
        "One algorithm carries most of it: without Random the mean absolute difference is "
        f"{rest['difference'].abs().mean():.3f}, and {n_same(rest)} of {len(rest)} signs are equal.",
        table(pairs, digits=2),
        "![Both matrices](correlations.png)",
        "## Means",
        table(means[[*ACCURACY, *(name for name in METRICS if name not in ACCURACY)]], digits=4),
        "## Beside an independent run",
        "Plain numpy, the same splits; each cell: here / there.",
        table(
            pd.DataFrame(
                {
                    column: {
                        name: f"{means.loc[name, column]:.{digits(column)}f} / {row[place]:.{digits(column)}f}"
                        for name, row in INDEPENDENT.items()
                    }
                    for place, column in enumerate(ACCURACY)
                }
            ).rename_axis("algorithm")
        ),
    )


def digits(column: str) -> int:
    """Return how many digits a column of the independent run has."""
    return 0 if column in {"items covered", "ARP"} else 4


if __name__ == "__main__":
    main()
