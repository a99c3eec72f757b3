"""What every chart shares: loading altair, one look, and writing charts to files and into pages."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from beyondacc.errors import DependencyError, SpecError
from beyondacc.files.atomic import replace_file

if TYPE_CHECKING:
    import altair as alt

__all__ = ["altair", "bundle", "embed", "finish", "records", "save_chart"]

FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"


def save_chart(chart: alt.TopLevelMixin, path: str | Path) -> None:
    """Write a chart as .png, .svg, .json (Vega-Lite) or .html (opens without network), whole or not at all.

    Raises
    ------
    SpecError
        If the name ends otherwise.
    DataError
        If the folder does not exist.
    DependencyError
        If altair or vl-convert-python is missing.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in {".png", ".svg", ".json", ".html"}:
        raise SpecError(f"a chart cannot be written to {str(path)!r}; the name must end in .png, .svg, .json or .html")
    if kind == ".json":
        content = str(chart.to_json()).encode()
    elif kind == ".html":
        content = f'<!DOCTYPE html><meta charset="utf-8">{bundle()}{embed(chart, "chart")}'.encode()
    else:
        convert = load("vl_convert")
        spec, version = chart.to_dict(), altair().SCHEMA_VERSION.rpartition(".")[0]
        svg = kind == ".svg"
        content = (
            convert.vegalite_to_svg(spec, vl_version=version).encode()
            if svg
            else convert.vegalite_to_png(spec, vl_version=version, scale=2)
        )
    replace_file(path, content)


def bundle() -> str:
    """Return the script element that every page with embedded charts needs once: Vega, Vega-Lite and Vega-Embed."""
    version = altair().SCHEMA_VERSION.rpartition(".")[0]
    return f"<script>{load('vl_convert').javascript_bundle(vl_version=version)}</script>"


def embed(chart: alt.TopLevelMixin, name: str) -> str:
    """Return the elements that draw a chart in a page with a `bundle`; nothing in the data can end the script."""
    spec = str(chart.to_json(indent=None))
    for character in "<>&\u2028\u2029":
        spec = spec.replace(character, f"\\u{ord(character):04x}")
    options = '{"renderer":"svg","actions":{"export":true,"source":false,"compiled":false,"editor":false}}'
    return f'<div id="{name}"></div><script>vegaEmbed("#{name}",{spec},{options}).catch(console.error)</script>'


def load(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise DependencyError(
            f"charts need the packages altair and vl-convert-python, and {name} cannot be imported; "
            "install them with: pip install 'beyondacc[report]'"
        ) from error


def altair() -> Any:
    """Return the module altair, or raise a `DependencyError` that names the extra."""
    return load("altair")


def finish(chart: Any) -> Any:
    """Give all charts one look; set on the chart itself, so that a user's altair theme stays as it is."""
    return (
        chart.configure(font=FONT, background="white", padding=8)
        .configure_view(stroke=None)
        .configure_axis(
            labelFontSize=11,
            titleFontSize=12,
            titleFontWeight="normal",
            titlePadding=8,
            labelLimit=320,
            labelFlush=False,
            labelColor="#222",
            gridColor="#e8e8e8",
            domainColor="#888",
            tickColor="#888",
        )
        .configure_legend(
            labelFontSize=11, titleFontSize=11, labelLimit=320, titleFontWeight="bold", symbolStrokeWidth=2
        )
        .configure_header(labelFontSize=12, labelFontWeight="bold", labelLimit=230, labelPadding=4)
        .configure_title(
            anchor="start", fontSize=15, subtitleFontSize=11.5, subtitleColor="#555", subtitlePadding=4, offset=12
        )
    )


def records(frame: pd.DataFrame) -> Any:
    """Inline rows with nulls for NaN; unlike a frame they pass altair's limit of 5,000 rows."""
    return altair().Data(values=json.loads(frame.to_json(orient="records", double_precision=15)))
