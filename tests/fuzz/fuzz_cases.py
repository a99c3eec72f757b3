"""Inputs of the fuzzer: case number n of a kind is always the same."""

from __future__ import annotations

import dataclasses
import enum
import functools
import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from fuzz_formats import FORMATS, PACKINGS, TABLES, arrays
from fuzz_odd import NUMBERS, TEXTS, any_value, damage, damage_table, damage_text, pick

SEED = 20240229
N_USERS, N_ITEMS = 8, 15


@dataclasses.dataclass
class Case:
    """One input.

    Attributes
    ----------
    files
        Content by name; of a folder content by name.
    args
        The arguments of a command; none for a call of Python.
    call
        What is called, with the folder that holds the files.
    text
        What that is, for the reader.
    """

    files: dict[str, bytes | dict[str, bytes]] = dataclasses.field(default_factory=dict)
    args: list[str] = dataclasses.field(default_factory=list)
    call: Callable[[], Any] | None = None
    text: str = ""

    def write(self, folder: Path) -> None:
        for name, content in self.files.items():
            if isinstance(content, bytes):
                (folder / name).write_bytes(content)
            else:
                (folder / name).mkdir()
                for part, data in content.items():
                    (folder / name / part).write_bytes(data)


def make(kind, number):
    """Return a case."""
    rng = np.random.default_rng([SEED, list(KINDS).index(kind), number])
    return KINDS[kind](rng)


# --------------------------------------------------------------------------------------------------------------- world


def world(rng):
    """The tables of a small data set; ids of whole numbers, of texts or with leading zeros."""
    named = pick(rng, (int, int, "u{}".format, "{:03}".format))
    draw = np.random.default_rng(7)
    rows = []
    for user in range(1, N_USERS + 1):
        items = draw.permutation(np.arange(1, N_ITEMS + 1))
        rows += [(user, item, int(draw.integers(1, 6)), "train") for item in items[:5]]
        rows += [(user, item, int(draw.integers(1, 6)), "test") for item in items[5:8]]
        rows += [(user, item, round(1 - 0.1 * place, 1), "recs") for place, item in enumerate(items[6:12])]
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "value", "part"])
    for column in ("user_id", "item_id"):
        frame[column] = [named(each) for each in frame[column]]
    tables = {}
    for part, value in (("recs", "score"), ("train", "rating"), ("test", "rating")):
        found = (
            frame[frame["part"] == part].drop(columns="part").rename(columns={"value": value}).reset_index(drop=True)
        )
        if part != "recs":
            found["timestamp"] = np.arange(len(found)) * 1000 + 10**9
        tables[part] = found
    tables["ratings"] = pd.concat([tables["train"], tables["test"]], ignore_index=True)
    genres = [
        "|".join(name for name, has in zip("abc", (n % 2, n % 3, n % 5 == 0), strict=True) if has)
        for n in range(N_ITEMS)
    ]
    ids = [named(each) for each in range(1, N_ITEMS + 1)]
    titles = [f"Title {n}" for n in range(N_ITEMS)]
    tables["items"] = pd.DataFrame({"item_id": ids, "title": titles, "genres": genres})
    return tables


def encode(rng, what, frame, case):
    """Write a table in some format into the files of a case; return its name and the options to read it with."""
    formats = [each for each in FORMATS if what in each.tables]
    chosen = pick(rng, formats) if rng.random() < 0.6 else formats[0]
    try:
        content = chosen.write(frame.copy())
    except Exception:  # noqa: BLE001 - a frame that the format cannot hold
        chosen = formats[0]
        content = chosen.write(frame)
    name = chosen.name.replace("*", what)
    if name in case.files:
        name = f"{what}-{name}"
    if rng.random() < 0.15:
        ending, pack = pick(rng, list(PACKINGS.items()))
        name, content = name + ending, pack(content)
    elif rng.random() < 0.06:
        cut = len(content) // 2
        case.files[name] = {"part-0" + Path(name).suffix: content, "part-1" + Path(name).suffix: content[cut:]}
        return name, chosen.options
    case.files[name] = content
    return name, chosen.options


def change(case, name, function):
    """Apply a function to the bytes of a file."""
    content = case.files[name]
    if isinstance(content, bytes):
        case.files[name] = function(content)
    else:
        part = next(iter(content))
        content[part] = function(content[part])


# ------------------------------------------------------------------------------------------------------------ commands


@functools.cache
def commands():
    """Return the commands with their options, as this version has them."""
    import typer

    from beyondacc.cli.running import app

    return typer.main.get_command(app).commands


@functools.cache
def flags_of(command):
    """Return ``{flag: parameter}`` of the options of a command."""
    return {
        flag: parameter
        for parameter in commands()[command].params
        for flag in (*parameter.opts, *parameter.secondary_opts)
        if flag.startswith("-") and flag not in {"--help", "--version"}
    }


def command_on(rng, names):
    """Return arguments of a command that reads the tables with these names, and of what it writes."""
    roll = rng.random()
    both = ["--train", names["train"], "--test", names["test"], "--items", names["items"]]
    few = ["--bootstrap", str(pick(rng, (0, 10)))]
    written = pick(rng, ([], [], ["-o", "out.csv"], ["-o", "out.json"], ["-o", "out.parquet"], ["-o", "out.md"]))
    if roll < 0.55:
        metrics = pick(
            rng, ([], [], ["-m", "all"], ["-m", "ndcg,ild,gini@3"], ["-m", "unexpectedness_cooccurrence,age"])
        )
        more = pick(rng, ([], [], [], ["--threshold", "4"], ["--seen", "drop"], ["--duplicates", "first"]))
        return ["evaluate", names["recs"], *both, *few, *metrics, *more, *written]
    if roll < 0.8:
        method = pick(rng, rerankers())
        written = ["-o", "out.csv"] if rng.random() < 0.5 else []
        return ["rerank", names["recs"], *both[:2], *both[4:], "--method", method, "-k", "3", *written]
    if roll < 0.93:
        return ["compare", names["recs"], "plain.csv", *both, "-m", "ndcg,gini", "--replicates", "20", *written]
    chosen = ["--models", pick(rng, ("Popularity", "ItemKNN,EASE")), "--rerankers", pick(rng, ("none", "MMR"))]
    small = ["--diversity", "0.5", "--bootstrap", "0", "-m", "ndcg,ild,gini", "-q", "-o", "out"]
    return ["study", "--ratings", names["ratings"], "--items", names["items"], *chosen, *small]


@functools.cache
def rerankers():
    from beyondacc.rerank import RERANKERS

    return list(RERANKERS)


def _with_tables(rng, *, hurt, on_bytes):
    """A command on tables, one of which is hurt as a table, before it is written, or as bytes, after that."""
    case, tables = Case(), world(rng)
    names, known = {}, {}
    broken = pick(rng, TABLES)
    for what in TABLES:
        frame = tables[what]
        if what == broken:
            frame = hurt(frame)
        elif rng.random() > 0.08:  # mostly plain, so that the hurt one is reached
            case.files[f"{what}.csv"], names[what] = FORMATS[0].write(frame), f"{what}.csv"
            continue
        names[what], options = encode(rng, what, frame, case)
        known |= options
    case.files["plain.csv"] = FORMATS[0].write(tables["recs"])
    change(case, names[broken], on_bytes)
    case.args = command_on(rng, names)
    if broken not in {"recs", "ratings"} and names[broken] not in case.args:
        case.args = ["evaluate", names["recs"], f"--{broken}", names[broken], "--bootstrap", "0"]
    elif names[broken] not in case.args:
        case.args = ["evaluate", names[broken], "--items", names["items"], "--bootstrap", "0"]
    if rng.random() < 0.8:
        for flag, value in known.items():
            if flag in flags_of(case.args[0]):
                case.args += [flag, value] if value else [flag]
    return case


def bytes_case(rng):
    def hurt(data):
        head, end, rest = data.partition(b"\n") if rng.random() < 0.6 else (b"", b"", data)
        return head + end + damage(rng, rest)  # mostly below the header, so that there are columns

    return _with_tables(rng, hurt=lambda frame: frame, on_bytes=hurt)


def cells_case(rng):
    return _with_tables(rng, hurt=lambda frame: damage_table(rng, frame), on_bytes=lambda data: data)


# -------------------------------------------------------------------------------------------------------------- frames


def _polars(frame):
    import polars as pl

    return pl.from_pandas(frame)


def _arrow(frame):
    import pyarrow as pa

    return pa.Table.from_pandas(frame, preserve_index=False)


def _sparse(frame):
    from scipy import sparse

    users, _ = pd.factorize(frame.iloc[:, 0])
    items, _ = pd.factorize(frame.iloc[:, 1])
    return sparse.csr_array((frame.iloc[:, 2].to_numpy(float), (users, items)))


def _lists(frame):
    return {user: rows.iloc[:, 1].tolist() for user, rows in frame.groupby(frame.columns[0], sort=False)}


def _scored(frame):
    return {
        user: dict(zip(rows.iloc[:, 1], rows.iloc[:, 2], strict=True))
        for user, rows in frame.groupby(frame.columns[0], sort=False)
    }


CONTAINERS: tuple[Callable[[pd.DataFrame], Any], ...] = (
    lambda frame: frame,
    lambda frame: frame,
    _polars,
    _arrow,
    _sparse,
    _lists,
    _scored,
    lambda frame: list(frame.itertuples(index=False, name=None)),
    lambda frame: frame.to_numpy(),
    lambda frame: frame.to_dict(orient="list"),
    lambda frame: {user: set(items) for user, items in _lists(frame).items()},
    lambda frame: pd.Series(_lists(frame)),
    lambda frame: list(_lists(frame).values()),
    lambda frame: np.array([list(map(int, items)) for items in _lists(frame).values()]),
    lambda frame: {user: list(scores.items()) for user, scores in _scored(frame).items()},
    lambda frame: frame.iloc[:, :2].to_records(index=False),
    lambda frame: iter(frame.itertuples(index=False, name=None)),
)


def contain(rng, frame, containers=CONTAINERS):
    """Put a frame into a container of any kind that can hold it."""
    try:
        return pick(rng, containers)(frame)
    except Exception:  # noqa: BLE001 - what it cannot hold nobody can give
        return frame


def _odd_values(rng, found):
    """Put an odd value somewhere into a container of Python."""
    if isinstance(found, dict) and found and rng.random() < 0.5:
        key = pick(rng, list(found))
        try:
            return pick(rng, ({**found, key: any_value(rng)}, {**found, any_value(rng): found[key]}))
        except TypeError:  # not hashable
            return {**found, key: any_value(rng)}
    if isinstance(found, list) and found and rng.random() < 0.5:
        place = int(rng.integers(len(found)))
        return [*found[:place], any_value(rng), *found[place + 1 :]]
    return found


def frames_case(rng):
    """A call of Python on containers, one of which is hurt."""
    import beyondacc as ba

    tables = world(rng)
    broken = pick(rng, ("recs", "recs", "train", "test", "items"))
    given: dict[str, Any] = {}
    for what in ("recs", "train", "test", "items"):
        frame = damage_table(rng, tables[what]) if what == broken and rng.random() < 0.8 else tables[what]
        given[what] = frame
        if what == broken or rng.random() < 0.15:
            frames_only = what == "items" and rng.random() < 0.8
            given[what] = contain(rng, frame, CONTAINERS[:3] if frames_only else CONTAINERS)
            if what == broken:
                given[what] = _odd_values(rng, given[what])
    metrics = pick(rng, (None, "all", ["ndcg@3", "ild@3"], ["gini", "age", "serendipity"]))
    method = pick(rng, rerankers())
    does = pick(rng, ("evaluate", "evaluate", "evaluate", "rerank", "split", "compare"))
    threshold = pick(rng, (None, None, 3, 4.5))

    def call():
        if does == "split":
            return ba.Dataset.split(given["train"], given["items"], seed=0)
        data = ba.Dataset(given["train"], given["test"], given["items"], threshold=threshold)
        if does == "rerank":
            return getattr(ba, method)().rerank(given["recs"], data, k=3).to_pandas()
        if does == "compare":
            return ba.compare({"one": given["recs"], "two": tables["recs"]}, data, metrics=["ndcg@3", "gini@3"], n=20)
        found = ba.evaluate(given["recs"], data, metrics, n_boot=0)
        return found.to_pandas()

    shown = {
        what: f"{type(found).__module__}.{type(found).__name__} {re.sub(' at 0x[0-9a-f]+', '', str(found))[:1200]!r}"
        for what, found in given.items()
    }
    return Case(
        call=call, text=f"{does} threshold={threshold} metrics={metrics} method={method}, {broken} hurt: {shown}"
    )


# ---------------------------------------------------------------------------------------------- metrics and parameters

VALUES = (
    "jaccard",
    "cosine",
    "npmi",
    "true",
    "false",
    "1",
    "0",
    "0.5",
    "-1",
    "2",
    "none",
    "rating",
    "js",
    "log2",
    "50",
)


def _call(rng, info_parameters, name, cutoff):
    """Write a name with parameters, some of which it has."""
    parts = []
    for parameter, found in info_parameters.items():
        if rng.random() < 0.3:
            allowed = re.findall(r"'(\w+)'", str(found.domain)) or VALUES
            odd = pick(rng, (str(pick(rng, NUMBERS)), pick(rng, TEXTS), pick(rng, VALUES)))
            value = pick(rng, allowed) if rng.random() < 0.75 else odd
            parts.append(f"{parameter}={value}")
    text = f"{name}({', '.join(parts)})" if parts else name
    return f"{text}@{pick(rng, cutoff)}" if cutoff and rng.random() < 0.7 else text


def spec_text(rng, kind):
    """Write a metric, re-ranker or model, sometimes damaged."""
    from beyondacc.metrics import REGISTRY
    from beyondacc.models import MODELS
    from beyondacc.rerank import RERANKERS

    if kind == "metric":
        family = pick(rng, list(REGISTRY.values()))
        name = pick(rng, (family.name, family.name, family.name, *family.aliases, family.name.upper()))
        text = _call(
            rng,
            family.params,
            name,
            ("1", "3", "3", "5", "5", "10", "10", "5,10", "0", "-1", "x", "9" * 25, "1e3", "1000000"),
        )
    else:
        info = pick(rng, list((RERANKERS if kind == "re-ranker" else MODELS).values()))
        text = _call(rng, info.parameters, info.name, ())
    return damage_text(rng, text) if rng.random() < 0.2 else text


def metrics_case(rng):
    """A metric, re-ranker or model in words, through the command line or Python."""
    import beyondacc as ba

    case, tables = Case(), world(rng)
    for what in TABLES:
        case.files[f"{what}.csv"] = FORMATS[0].write(tables[what])
    both = ["--train", "train.csv", "--test", "test.csv", "--items", "items.csv"]
    roll = rng.random()
    if roll < 0.45:
        texts = [spec_text(rng, "metric") for _ in range(int(rng.integers(1, 3)))]
        flags = [part for text in texts for part in ("-m", text)]
        case.args = ["evaluate", "recs.csv", *both, "--bootstrap", "5", *flags]
    elif roll < 0.6:
        case.args = ["explain", spec_text(rng, pick(rng, ("metric", "re-ranker", "model")))]
    elif roll < 0.8:
        case.args = ["rerank", "recs.csv", *both, "--method", spec_text(rng, "re-ranker"), "-k", "3", "-o", "out.csv"]
    elif roll < 0.85:
        text = spec_text(rng, "model")
        if any(name in text for name in ("BPR", "VAE", "Auto", "RBM", "CDAE")):  # which take long
            text = "ItemKNN(k=0)"
        small = [
            "--rerankers",
            spec_text(rng, "re-ranker"),
            "--diversity",
            "0.5",
            "--bootstrap",
            "0",
            "-m",
            "ndcg@3",
            "-q",
        ]
        case.args = ["study", "--ratings", "ratings.csv", "--items", "items.csv", "--models", text, *small, "-o", "out"]
    else:
        texts = [pick(rng, (spec_text(rng, "metric"), spec_text(rng, "metric"), any_value(rng))) for _ in range(2)]
        case.text = f"evaluate with metrics {texts!r}"

        def call():
            data = ba.Dataset(tables["train"], tables["test"], tables["items"])
            return ba.evaluate(tables["recs"], data, texts, n_boot=0).to_pandas()

        case.call = call
    return case


# ------------------------------------------------------------------------------------------------------------- options

FILES = (
    "recs.csv",
    "train.csv",
    "test.csv",
    "items.csv",
    "vectors.npy",
    "broken.csv",
    "nowhere.csv",
    ".",
    "",
    "sub",
    "\x1b[2J.csv",
)
#: Values of options by their flag, for those that need some of their own; a flag that no command has is never used.
CHOSEN: Mapping[str, tuple[str, ...]] = {
    "-o": (
        "out.csv",
        "out.json",
        "out.parquet",
        "out.txt",
        "out.md",
        "out",
        "recs.csv",
        "no/out.csv",
        "",
        ".",
        "sub",
        "x" * 300,
    ),
    "--per-user": ("users.csv", "users.parquet", "out.csv", "recs.csv", "", "."),
    "--columns": (
        "user=user_id",
        "user=item_id",
        "item=",
        "=",
        "score=timestamp",
        "rating=score,user=item_id",
        "a=b",
        "test.rating=x",
        "recs.score=user_id",
        "test.user=item_id,test.item=user_id",
        "1=user,2=item",
        "recs.1=user,recs.2=item,recs.3=score",
        "run=user_id",
        "9=user",
        "none.user=x",
    ),
    "--genre-sep": ("|", ",", "", " ", "a", "\x00", "[", "|||", "\\"),
    "--split": (
        "holdout",
        "holdout(fraction=0.5)",
        "holdout(fraction=0.9999999999999999)",
        "leave-one-out",
        "by-time",
        "x(",
        "",
    ),
    "--seeds": ("0", "0,1", "1,1", "-1", "", "a", "99999999999999999999999"),
    "--models": ("Popularity", "Random,EASE", "EASE(l2=1e-300)", "recs.csv", "", ",", "EASE,EASE", "x"),
    "--rerankers": ("none", "MMR", "MMR,Novelty", "MMR,mmr", "", "Random(seed=-1)"),
    "--diversity": ("0", "1", "0.5", "0,0.5", "-0.1", "1.1", "nan", "", "0.30000000000000004,0.3"),
    "--bootstrap": ("0", "1", "5", "-1", "x", "1.5", "nan"),
    "--replicates": ("1", "5", "0", "-1", "x"),
    "--confidence": ("0.95", "0.9999999999999999", "1", "0", "nan", "1e-300", "0.999999"),
    "--candidates": ("1", "5", "100", "0", "10000000000"),
    "-k": ("1", "3", "10", "0", "-1", "1000000", "99999999999999999999999", "5,10", "x"),
    "--method": ("mmr", "MMR(distance=cosine)", "permutation", "t", "wilcoxon", "bootstrap", "kendall", "x", ""),
    "--convention": ("ranx", "rectools", "ranksys", "elliot", "x", ""),
    "--baseline": ("recs", "other", "", "x"),
    "--sep": (",", ";", "\t", "|", "::", "", "\x00", "ab"),
    "--encoding": ("utf-8", "latin-1", "utf-16", "cp1252", "x", ""),
    "--decimal": (".", ",", "", "x"),
    "--id-type": ("text", "number", "x"),
    "--order": ("rows", "score", "rank", "x"),
    "--format-of": ("recs=trec", "recs=csv", "x", "=", "test=qrels"),
}
_LONG = {"--bootstrap", "--replicates"}  # whoever asks for 10**9 replicates waits for them


def value_of(rng, flag, parameter):
    """Return a value for an option, or None where it takes none."""
    if getattr(parameter, "is_flag", False):
        return None
    kind = getattr(getattr(parameter, "type_descriptor", None), "annotation", type(parameter.default))
    choices = (
        list(kind) if isinstance(kind, enum.EnumMeta) else getattr(getattr(parameter, "type", None), "choices", ())
    )
    roll = rng.random()
    if flag not in _LONG and roll < 0.12:
        return pick(rng, (pick(rng, TEXTS), str(pick(rng, NUMBERS)))).replace("\x00", "")
    if flag in CHOSEN:
        return pick(rng, CHOSEN[flag]).replace("\x00", "")
    if choices:
        chosen = pick(rng, list(choices))
        return str(getattr(chosen, "value", chosen))
    metavar = str(getattr(parameter, "metavar", None) or "")
    if "FILE" in metavar:
        return pick(rng, FILES)
    if "METRIC" in metavar:
        return spec_text(rng, "metric")
    return pick(rng, VALUES)


def options_case(rng):
    """A command with any of its options."""
    case, tables = Case(), world(rng)
    for what in TABLES:
        case.files[f"{what}.csv"] = FORMATS[0].write(tables[what])
    case.files["other.csv"] = FORMATS[0].write(tables["recs"].iloc[::-1])
    case.files["broken.csv"] = damage(rng, FORMATS[0].write(tables["recs"]))
    case.files["vectors.npy"] = arrays(rng, N_ITEMS)
    case.files["sub"] = {"inner.csv": b"1\n"}
    if rng.random() < 0.3:
        case.files["vectors.npy"] = damage(rng, case.files["vectors.npy"])
    command = pick(rng, ("evaluate", "evaluate", "evaluate", "rerank", "rerank", "compare", "study"))
    if command == "study":
        base = ["--ratings", "ratings.csv", "--items", "items.csv", "--models", "Popularity", "--rerankers", "none"]
        base += ["--bootstrap", "0", "-m", "ndcg", "-o", "out"]
    else:
        base = ["recs.csv", *(["other.csv"] if command == "compare" else []), "--items", "items.csv"]
        base += (
            ["--method", "mmr", "--train", "train.csv"]
            if command == "rerank"
            else ["--test", "test.csv", "-m", "ndcg,ild"]
        )
        base += {"evaluate": ["--bootstrap", "5"], "compare": ["--replicates", "20"]}.get(command, [])
    flags = flags_of(command)
    extra = []
    for _ in range(int(rng.integers(1, 5))):
        flag = pick(rng, list(flags))
        if flag in {"-q", "--quiet"} and command != "study":
            continue
        value = value_of(rng, flag, flags[flag])
        extra += [flag] if value is None else [flag, value]
    if rng.random() < 0.1:
        extra.append(
            pick(rng, ("--nothing", "-x", "nowhere.csv", "", "--", "-", "--k", "--force=1", *TEXTS)).replace("\x00", "")
        )
    case.args = [command, *base, *extra]
    return case


# ------------------------------------------------------------------------------------------------------------- parquet


def parquet_case(rng):
    """Flip bits of a parquet file: its columns lie as numbers, as texts and as codes of a dictionary."""
    case, tables = Case(), world(rng)
    frame = tables["recs"]
    if rng.random() < 0.5:
        frame = frame.assign(note="a note", item_id=frame["item_id"].astype(str))
        tables["items"] = tables["items"].assign(item_id=tables["items"]["item_id"].astype(str))
    if rng.random() < 0.4:
        frame = frame.assign(user_id=frame["user_id"].astype("category"))
    stream = io.BytesIO()
    packed = pick(rng, ("snappy", "none", "none", "gzip", "zstd"))
    frame.to_parquet(stream, engine="pyarrow", index=False, compression=None if packed == "none" else packed)
    content = bytearray(stream.getvalue())
    for _ in range(int(rng.integers(1, 4))):
        content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    case.files |= {"recs.parquet": bytes(content), "items.csv": FORMATS[0].write(tables["items"])}
    case.args = ["evaluate", "recs.parquet", "--items", "items.csv", "-m", "ild@3,gini@3", "--bootstrap", "0"]
    return case


KINDS: Mapping[str, Callable[[np.random.Generator], Case]] = {
    "bytes": bytes_case,
    "cells": cells_case,
    "frames": frames_case,
    "metrics": metrics_case,
    "options": options_case,
    "parquet": parquet_case,
}
