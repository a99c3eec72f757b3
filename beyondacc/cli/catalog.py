"""``beyondacc metrics``, ``rerankers``, ``models`` and ``explain``: everything from the registries."""

from __future__ import annotations

import inspect
import json
import math
import textwrap
from collections.abc import Iterable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beyondacc.cli.messages import in_options, say
from beyondacc.cli.options import app
from beyondacc.cli.output import WIDTH, aligned
from beyondacc.cli.plugins import Plugins
from beyondacc.declare.names import parse_call
from beyondacc.declare.params import descriptions
from beyondacc.errors import SpecError

if TYPE_CHECKING:
    from beyondacc.declare.declared import Catalog
    from beyondacc.declare.params import Param

__all__ = ["explain", "metrics", "models", "rerankers"]

LOOK_UP = "Look up"
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, with everything that is known.")]


@app.command(rich_help_panel=LOOK_UP)
def metrics(as_json: AsJson = False, plugin: Plugins = None) -> None:  # noqa: ARG001 - it acts when it is read
    """List the metrics."""
    from beyondacc.metrics import REGISTRY  # noqa: PLC0415 - heavy

    known = [family.as_dict() for family in REGISTRY.listed().values()]
    if as_json:
        _dump(known)
        return
    rows = [(each["name"], each["title"], each["family"], each["better"], ", ".join(each["needs"])) for each in known]
    _table(("metric", "title", "family", "better", "needs"), rows)
    say("\nbeyondacc explain METRIC shows its formula and parameters.")


@app.command(rich_help_panel=LOOK_UP)
def rerankers(as_json: AsJson = False, plugin: Plugins = None) -> None:  # noqa: ARG001 - it acts when it is read
    """List the re-rankers."""
    from beyondacc.rerank import RERANKERS  # noqa: PLC0415 - heavy

    _list_declared("re-ranker", RERANKERS.listed(), as_json=as_json)


@app.command(rich_help_panel=LOOK_UP)
def models(as_json: AsJson = False) -> None:
    """List the models that a study can train."""
    from beyondacc.models import MODELS  # noqa: PLC0415 - heavy

    _list_declared("model", MODELS.listed(), as_json=as_json)


@app.command(rich_help_panel=LOOK_UP)
def explain(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as ild, 'ild(distance=cosine)@5', mmr or EASE.")],
    conventions: Annotated[
        bool, typer.Option("--conventions", help="Show how other tools compute the metric, instead.")
    ] = False,
    plugin: Plugins = None,  # noqa: ARG001 - it acts when it is read
) -> None:
    """Explain a metric, re-ranker or model: formula, range, parameters, undefined cases, source."""
    from beyondacc.metrics import REGISTRY  # noqa: PLC0415 - heavy
    from beyondacc.models import MODELS  # noqa: PLC0415 - heavy
    from beyondacc.rerank import RERANKERS  # noqa: PLC0415 - heavy

    wanted, _, _ = parse_call(name)
    if conventions:
        _conventions_of(REGISTRY.parse(name).family.name)
        return
    texts, errors = [], []
    catalogs = [catalog for catalog in (RERANKERS, MODELS) if catalog.known(wanted)]
    for read in (
        _explain_metric if REGISTRY.find(wanted) else None,
        *(partial(_explain_declared, it) for it in catalogs),
    ):
        try:  # what is written may fit one kind alone, as a cutoff does
            texts += [read(name)] if read else []
        except SpecError as error:
            errors.append(error)
    if errors and not texts:
        raise errors[0]
    if not texts:
        raise SpecError(REGISTRY.unknown(wanted, [*RERANKERS, *MODELS], "metric, re-ranker or model"))
    say("\n\n".join(texts))


def _conventions_of(name: str) -> None:
    """Print a row a tool that has the metric: its parameters and choices as far as they are not ours."""
    from beyondacc.evaluation.conventions import conventions  # noqa: PLC0415 - heavy

    having = {tool.name: tool for tool in conventions.values() if name in tool}
    texts = {
        "Notes": {tool.name: tool.notes[name] for tool in having.values() if name in tool.notes},
        "Not expressed": {tool.name: tool.differs[name] for tool in conventions.values() if name in tool.differs},
        "Their data": {tool.name: tool.data for tool in having.values()},
    }
    if not any(texts.values()):
        say(f"None of {', '.join(conventions)} has {name}.")
        return
    if having:
        rows = [
            (tool.name, *(_assignments(given) or "as here" for given in (tool[name], tool.choices_of(name))))
            for tool in having.values()
        ]
        _table(("tool", name, "who is averaged, order, relevance"), rows)
    for head, lines in texts.items():
        if lines:
            say("\n".join(["", f"{head}:", *(_indent(text, f"  {tool}: ") for tool, text in lines.items())]))
    if having:
        say(f"\nbeyondacc evaluate ... -m {name} --convention TOOL computes it so.")


def _assignments(values: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in values.items()
    )


def _dump(values: Any) -> None:
    say(json.dumps(values, indent=2, ensure_ascii=False))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    for line in aligned(head, rows, longest=WIDTH):
        say(line)


def _list_declared(kind: str, catalog: Catalog[Any], *, as_json: bool) -> None:
    if as_json:
        _dump([info.as_dict() for info in catalog.values()])
        return
    written = {name: list(map(_assignment, info.parameters.values())) for name, info in catalog.items()}
    common = [text for text in next(iter(written.values())) if all(text in texts for texts in written.values())]
    rows = [
        (info.name, info.title, ", ".join(text for text in written[info.name] if text not in common) or "-")
        for info in catalog.values()
    ]
    width = WIDTH - sum(max(map(len, column)) + 2 for column in list(zip(*rows, strict=True))[:2])
    shortened = [(name, title, textwrap.shorten(text, width, placeholder=" ...")) for name, title, text in rows]
    _table((kind, "title", "parameters"), shortened)
    if common:
        say(f"\nAll take {', '.join(common)}.")
    for info in catalog.templates.values():
        needed = [param for param in info.parameters.values() if param.default is inspect.Parameter.empty]
        say(_indent("; ".join(f"{info.name} needs {param.name}=, {param.domain}" for param in needed) + ".", ""))
    say(f"\nbeyondacc explain {kind.upper()} shows its formula and parameters.")


def _assignment(param: Param) -> str:
    if param.default is inspect.Parameter.empty:
        return f"{param.name}="
    default = param.as_dict()["default"]
    return f"{param.name}={str(default).lower() if isinstance(default, bool) or default is None else default}"


def _explain_metric(name: str) -> str:
    from beyondacc.distances import Distance  # noqa: PLC0415 - heavy
    from beyondacc.metrics import parse  # noqa: PLC0415 - heavy

    metric = parse(name)
    family = metric.family
    needs = [need.value for need in family.needs(metric.values)]
    of_distance = (each.missing(_nothing()) for each in metric.values.values() if isinstance(each, Distance))
    needs += [lack for lack in of_distance if lack]
    low, high = metric.bounds
    facts = {
        "written": str(metric),
        "aliases": ", ".join(family.aliases),
        "family": family.family,
        "value": "one for each user, averaged" if family.grain == "user" else "one for the whole run",
        "range": _range(low, high),
        "better": metric.better,
        "needs": _sentence(needs),
        "undefined": family.undefined,
        "source": family.cite,
    }
    docs = {"k": "How many of the first items of a list count.", **family.documented}
    return _page(f"{family.name}: {family.title} (metric)", family.description, facts, family.params, docs)


def _range(low: float, high: float) -> str:
    if math.isfinite(low):
        return f"{low:g} to {high:g}" if math.isfinite(high) else f"{low:g} and above"
    return f"up to {high:g}" if math.isfinite(high) else "any number"


def _explain_declared(catalog: Catalog[Any], name: str) -> str:
    info, kind = catalog.find(parse_call(name)[0]), catalog.kind
    is_open = info.name in catalog.templates and "(" not in name  # a parameter that must be given is not
    made = None if is_open else catalog.create(name)
    facts = {"written": str(made or f"{info.name}(...)"), "needs": "", "source": info.cite}
    if extra := info.factory.facts().get("needs") if kind == "model" else None:
        facts["needs"] = f"the extra {extra}: pip install 'beyondacc[{extra}]'"
    if kind == "re-ranker" and made is not None:
        facts["needs"] = _sentence([lack] if (lack := made.missing(_nothing())) else [])
    docs = descriptions(info.factory)
    return _page(f"{info.name}: {info.title} ({kind})", info.description, facts, info.parameters, docs)


def _nothing() -> Any:
    """Return a dataset that lacks everything, to be told what is needed."""
    import numpy as np  # noqa: PLC0415 - heavy

    absent = dict.fromkeys(("train", "test", "features", "vectors", "dates", "item_table", "user_table"))
    world = SimpleNamespace(partial=False, n_train_users=0, features=None, table=None, date_column=None)
    return SimpleNamespace(**absent, catalogue=np.zeros(0, np.bool_), world=world, has_train=False, has_test=False)


def _sentence(needs: list[str]) -> str:
    return in_options("; ".join(dict.fromkeys(need.replace("; pass", ", by") for need in needs))) or "the lists alone"


def _page(
    title: str, description: str, facts: Mapping[str, str], params: Mapping[str, Param], docs: Mapping[str, str]
) -> str:
    parts = [title]
    for paragraph in description.partition("\nParameters\n")[0].strip().split("\n\n"):
        if paragraph.strip() != "::":  # in front of lines of code
            is_code = paragraph.lstrip("\n").startswith("    ")
            text = paragraph.strip("\n") if is_code else _indent(" ".join(paragraph.split()).replace("``", ""), "  ")
            parts += ["", text]
    parts.append("")
    parts += [_indent(text, f"  {name:<12}") for name, text in facts.items() if text]
    parts += ["", "  Parameters" if params else "  No parameters"]
    for name, param in params.items():
        parts.append(_indent(f"{param.domain}", f"    {_assignment(param):<26}"))
        if doc := docs.get(name):
            parts.append(_indent(doc, " " * 30))
    return "\n".join(parts)


def _indent(text: str, first: str) -> str:
    indent = " " * len(first)
    lines = textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False)
    return "\n".join(lines)
