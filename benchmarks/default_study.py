"""Run the default study and put its results into the README: python benchmarks/default_study.py."""

import re
from pathlib import Path

import beyondacc as ba

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
README = ROOT / "README.md"


def plain_table(result: ba.StudyResult) -> str:
    """Return the values and intervals of the plain models as a Markdown table."""
    table = result.table[result.table["reranker"] == "none"]
    models = list(dict.fromkeys(table["model"]))
    lines = ["| metric | " + " | ".join(models) + " |", "| --- |" + " ---: |" * len(models)]
    for metric, rows in table.groupby("metric", sort=False):
        cells = [
            f"{row.value:.3f} ({row.ci_low:.3f} to {row.ci_high:.3f})"
            for row in rows.set_index("model").loc[models].itertuples()
        ]
        lines.append(f"| `{metric}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run, draw, write."""
    ratings, items = ba.load_movielens()
    result = ba.Study(ba.Dataset.split(ratings, items)).run(progress=True)
    RESULTS.mkdir(exist_ok=True)
    for name, chart in {
        "correlations": result.chart("heatmap"),
        "tradeoff": result.chart("tradeoff", "ild@10", "ndcg@10"),
    }.items():
        chart.save(RESULTS / f"{name}.png")
    text = README.read_text(encoding="utf-8")
    table = plain_table(result)
    text = re.sub(
        r"(<!-- results -->\n).*?(<!-- /results -->)", lambda m: f"{m[1]}{table}\n{m[2]}", text, flags=re.DOTALL
    )
    README.write_text(text, encoding="utf-8")
    print(result)


if __name__ == "__main__":
    main()
