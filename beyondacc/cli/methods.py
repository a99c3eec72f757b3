"""The options of re-rankers, one for each parameter that any of them has; nothing heavy is imported here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from beyondacc.cli.options import number
from beyondacc.declare.params import Cutoff, Fraction, Range, Seed

__all__ = [
    "Alpha",
    "Bias",
    "DistanceName",
    "Diversity",
    "Emphasis",
    "Gamma",
    "MethodSeed",
    "Normalize",
    "Part",
    "PerUser",
    "Profile",
    "ProfileWeight",
    "Recent",
    "RelevanceWeight",
    "Renormalize",
    "Scale",
    "Smoothing",
    "Unit",
    "Window",
]

METHOD = "Method"
_POSITIVE = Annotated[float, Range(low=0, open_low=True)]
_SHARE = Annotated[float, Range(0, 1, open_low=True)]


def _of(flag: str, metavar: str, help_: str, domain: Any = None) -> Any:
    parser = None if domain is None else number(domain)
    return typer.Option(flag, metavar=metavar, help=help_, rich_help_panel=METHOD, parser=parser)


def _switch(flag: str, help_: str) -> Any:
    return typer.Option(f"--{flag}/--no-{flag}", help=help_, rich_help_panel=METHOD)


Diversity = Annotated[float | None, _of("--diversity", "W", "From 0, the input order, to 1; default 0.5.", Fraction)]
RelevanceWeight = Annotated[float | None, _of("--relevance-weight", "W", "1 - diversity, instead of it.", Fraction)]
DistanceName = Annotated[str | None, _of("--distance", "NAME", "Such as jaccard, cosine or npmi.")]
Normalize = Annotated[
    str | None, _of("--normalize", "NAME", "How scores are scaled in each list: minmax, zscore, rank or none.")
]
PerUser = Annotated[bool | None, _switch("per-user", "Scale each user's weight by how varied the profile is.")]
Renormalize = Annotated[
    bool | None,
    _switch("renormalize", "MMR, GreedyDiversity, BinomialDiversity: scale terms anew at every step."),
]
Gamma = Annotated[
    float | None,
    _of("--gamma", "G", "Cover: power of summed similarities; SSD: what lengths are multiplied by.", _POSITIVE),
]
Scale = Annotated[float | None, _of("--scale", "S", "DPP: how much relevance counts.", _POSITIVE)]
Window = Annotated[int | None, _of("--window", "N", "SSD: how many of the last picks count; all by default.", Cutoff)]
Unit = Annotated[bool | None, _switch("unit", "SSD: make all vectors of length 1 first.")]
Bias = Annotated[bool | None, _switch("bias", "SSD: put a further 1 at the end of each vector.")]
Alpha = Annotated[
    float | None,
    _of("--alpha", "A", "XQuAD: how much of a genre an item satisfies; BinomialDiversity: own shares.", Fraction),
]
Emphasis = Annotated[float | None, _of("--emphasis", "E", "PM2: weight of the genre whose turn it is.", Fraction)]
Smoothing = Annotated[
    float | None, _of("--smoothing", "A", "Calibrated: how much of the profile is mixed into the list.", _SHARE)
]
ProfileWeight = Annotated[
    str | None, _of("--profile-weight", "NAME", "Calibrated: what an item of the profile counts, none or rating.")
]
Part = Annotated[str | None, _of("--part", "NAME", "BinomialDiversity: what counts, both, coverage or nonredundancy.")]
Recent = Annotated[Path | None, _of("--recent", "FILE", "SSD: lists of the items shown before, which count as picked.")]
Profile = Annotated[str | None, _of("--profile", "NAME", "Surprise: min or mean distance to the profile.")]
MethodSeed = Annotated[int | None, _of("--seed", "N", "Random: starts the random numbers.", Seed)]
