"""Write the tables of the README from the registries: ``python tests/readme.py``; test_readme.py holds them to it."""

import re
from pathlib import Path

from beyondacc.metrics import REGISTRY
from beyondacc.models import MODELS
from beyondacc.rerank import RERANKERS

README = Path(__file__).resolve().parent.parent / "README.md"


def _row(*cells):
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def _span(bounds):
    low, high = ("" if bound is None else f"{bound:g}" for bound in bounds)
    return f"{low or '-'} to {high}" if high else f">= {low}"


def _parameters(declared, *, besides=()):
    return ", ".join(f"`{each['name']}`" for each in declared["parameters"] if each["name"] not in besides) or "-"


def metrics():
    rows = [_row("name", "title", "family", "better", "range", "parameters besides k", "source"), _row(*["---"] * 7)]
    for family in REGISTRY.values():
        declared = family.as_dict()
        name = " = ".join(f"`{each}`" for each in (declared["name"], *declared["aliases"]))
        span = _span(declared["bounds"])
        cells = (declared["title"], declared["family"], declared["better"], span, _parameters(declared, besides={"k"}))
        rows.append(_row(name, *cells, declared["cite"]))
    return "\n".join(rows)


COMMON = {"diversity", "relevance_weight", "normalize", "per_user"}  # parameters of every re-ranker


def declared():
    rows = [_row("name", "title", "parameters", "source"), _row(*["---"] * 4)]
    for catalog, prefix in ((RERANKERS, "ba."), (MODELS, "ba.models.")):
        for info in catalog.values():
            described = info.as_dict()
            parameters = _parameters(described, besides=COMMON if catalog is RERANKERS else ())
            rows.append(_row(f"`{prefix}{info.name}`", info.title, parameters, info.cite))
    return "\n".join(rows)


def fill(text, name, table):
    return re.sub(
        f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", lambda m: f"{m[1]}{table}\n{m[2]}", text, flags=re.DOTALL
    )


def generated(text):
    return fill(fill(text, "metrics", metrics()), "declared", declared())


if __name__ == "__main__":
    README.write_text(generated(README.read_text(encoding="utf-8")), encoding="utf-8")
