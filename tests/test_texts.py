"""What users call things is shown and not obeyed, and cut where it fills a page."""

from __future__ import annotations

import ast
import html.parser
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cli_files import run, write_files
from draws import draws

import beyondacc
from beyondacc.cli.output import aligned
from beyondacc.report import study_report as report
from beyondacc.study import progress
from beyondacc.texts import LONGEST, cut, for_markdown, visible

NASTY = "\x1b[31m\x07\u202eevil\x9b2J\x08\r"
DATA = ("--test", "test.csv", "--items", "items.csv", "--bootstrap", "0")
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


@pytest.fixture
def here(tmp_path, monkeypatch):
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Mödel & 'Söhne' 推薦 😀 1 %", "Mödel & 'Söhne' 推薦 😀 1 %"),
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\u202eabc", r"\u202eabc"),
        ("\x9b2J", r"\x9b2J"),
        ("\ud800", r"\ud800"),
        ("a\u2028b", r"a\u2028b"),
        ("👨\u200d👩", "👨\u200d👩"),
        ("a\xa0b", "a\xa0b"),
    ],
)
def test_visible(text, shown):
    assert visible(text) == shown
    assert visible(f"{text}\n", lines=True) == shown.replace(r"\n", "\n") + "\n"


def test_no_character_is_obeyed():
    rare = range(0, 0x110000, 0x110000 // draws(0x110000))  # all of them in the full profile
    for place in {*range(0x3000), *range(0xD7FF, 0xE001), *range(0xFE00, 0x10000), *range(0xE0000, 0xE0200), *rare}:
        shown = visible(chr(place))
        assert not OBEYED.search(shown), hex(place)
        assert shown == chr(place) or (shown.isascii() and shown.isprintable() and eval(f'"{shown}"') == chr(place))  # noqa: S307


def test_cut():
    for n in range(200):
        text = "".join(chr(ord("a") + place % 26) for place in range(n))
        shown = cut(text, 20)
        assert len(shown) == min(n, 20)
        assert shown == text or (text.startswith(shown[:11]) and text.endswith(shown[-6:]) and "..." in shown)


def test_a_table_of_long_and_nasty_names_is_narrow():
    lines = aligned(("metric", "x" * 3000, NASTY), [(NASTY, "1", "2")], right=[1, 2])
    assert len(lines) == 3
    assert max(map(len, lines)) <= 3 * LONGEST + 4
    assert not OBEYED.search("".join(lines))


def test_every_text_of_a_command_goes_through_one_place():
    folder = Path(beyondacc.__file__).parent / "cli"
    found = {
        path.name
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"typer.echo", "print", "sys.stdout.write"}
    }
    # help; bytes; the line of an error; that kernels are compiled
    assert found == {"messages.py", "options.py", "output.py", "stopping.py", "compiling.py"}


def test_what_files_are_called_is_shown(here, capsys):
    name = f"{NASTY}.csv".replace("/", "")
    (here / name).write_bytes((here / "recs.csv").read_bytes())
    (here / "long.csv").write_bytes((here / "recs.csv").read_bytes())
    for args in (
        ("evaluate", name, "long.csv", *DATA),
        ("evaluate", name, "long.csv", *DATA, "--format", "markdown"),
        ("evaluate", name, *DATA, "-o", f"{NASTY}-out.csv"),
        ("evaluate", f"{NASTY}-none.csv", *DATA),
        ("evaluate", name, *DATA, "-m", NASTY),
        ("evaluate", name, *DATA, "--columns", f"user={NASTY}"),
        ("compare", name, "long.csv", *DATA[:4], "-m", "ndcg", "--replicates", "10"),
        ("explain", NASTY),
        (NASTY,),
        ("evaluate", name, f"--{NASTY}"),
    ):
        done = run(capsys, *args)
        said = done.out + done.err
        assert "evil" in said
        assert not OBEYED.search(said), args
        assert done.code == 0 or re.fullmatch(r"error: [^\n]+\n", done.err)
    written = run(capsys, "evaluate", name, "long.csv", *DATA, "--format", "json").out
    assert r"\u001b[31m" in written  # as it is, as JSON writes it


@pytest.mark.usefixtures("here")
def test_what_ids_are_called_is_shown(capsys):
    frame = pd.read_csv("recs.csv").astype({"item_id": str, "user_id": str})
    frame.loc[3, "item_id"] = NASTY
    pd.concat([frame, frame[3:4]]).to_csv("bad.csv", index=False)
    done = run(capsys, "evaluate", "bad.csv", "--test", "bad.csv")
    assert done.code == 2
    assert not OBEYED.search(done.err)


def test_a_study_of_nasty_models(here, capsys):
    """A file of lists is a model under its name."""
    name = f"{NASTY}{'x' * 180}[bold].csv"
    (here / name).write_bytes((here / "recs.csv").read_bytes())
    study = ("study", "--ratings", "ratings.csv", "--items", "items.csv", "--rerankers", "MMR", "--diversity", "0.5")
    done = run(capsys, *study, "--models", f"Popularity,{name}", "-m", "ndcg@2,ild@2", "--bootstrap", "0", "-o", "out")
    assert done.code == 0, done.err
    assert "evil" in done.out
    assert not OBEYED.search(done.out + done.err)
    assert max(map(len, done.out.splitlines())) <= 120
    page = (here / "out" / "report.html").read_text(encoding="utf-8")
    assert "\x1b" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert name in set(pd.read_parquet("out/results.parquet")["model"])  # as it is


def test_bars_obey_nothing(capsys, monkeypatch):
    """Rich reads [/] as markup."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    for name in (NASTY, "[/]", "[bold]"):
        with progress.meter(show=True, n_models=1, n_runs=1) as bars:
            bars.model(name)
            bars.step(name, 1, 1, name)
            bars.run(name)
        shown = capsys.readouterr().err
        assert visible(name)[:20] in shown
        assert "\x07" not in shown


class Heads(html.parser.HTMLParser):
    """The heads of rows and columns, with the title of each."""

    def __init__(self):
        super().__init__()
        self.heads, self.tag = [], ""

    def handle_starttag(self, tag, attributes):
        if tag == "th":
            self.heads.append([dict(attributes).get("title"), ""])
        self.tag = tag

    def handle_endtag(self, _tag):
        self.tag = ""

    def handle_data(self, text):
        if self.tag == "th" and self.heads:
            self.heads[-1][1] += text


def test_a_long_name_in_the_report_is_cut_with_the_whole_on_hover():
    from test_report import make_view

    long = "m<&\"'>" * 500
    page = report.render(make_view(models=("short", long), rerankers=("MMR",), weights=(0.5,)))
    page = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    reader = Heads()
    reader.feed(page)
    cut_ones = [(whole, text) for whole, text in reader.heads if whole is not None]
    assert {whole for whole, _ in cut_ones} >= {long, f"{long} + MMR 0.5"}
    assert all(len(text) == LONGEST for _, text in cut_ones)
    assert all(len(text.strip()) <= LONGEST for _, text in reader.heads)
    assert max(len(line) for line in re.sub(r'title="[^"]*"', "", page).splitlines()) < 20_000


@pytest.mark.parametrize("value", ["0.9999999999999999", "0.99999999", "1", "0", "nan", "-1", "1e-400"])
def test_confidence_that_nothing_can_show(here, capsys, value):
    (here / "other.csv").write_bytes((here / "recs.csv").read_bytes())
    done = run(capsys, "compare", "recs.csv", "other.csv", *DATA[:4], "--confidence", value)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(
        r"error: [^\n]+ it must be a number in \(0, 0.999999\] \(see beyondacc compare --help\)\n", done.err
    )


@pytest.mark.usefixtures("here")
def test_confidence_up_to_its_end(capsys):
    frame = pd.read_csv("recs.csv")
    frame.assign(score=np.random.default_rng(0).random(len(frame))).to_csv("other.csv", index=False)
    for value in ("0.999999", "1e-9"):
        args = ("--confidence", value, "-m", "ndcg,gini", "--replicates", "50", "--format", "json")
        assert run(capsys, "compare", "recs.csv", "other.csv", *DATA[:4], *args).code == 0


def cells_of(row):
    """Split a row of a table as GitHub does: a bar counts unless a backslash stands before it."""
    found, text, letters = [], "", iter(row)
    for letter in letters:
        if letter == "\\":
            text += next(letters, "")
        elif letter == "|":
            found.append(text.strip())
            text = ""
        else:
            text += letter
    return found[1:]


@pytest.mark.kernel
@pytest.mark.parametrize(
    "name", ["a|b", "a\nb", "a\r\nb", "a\\|b", "a\\", "|", "\n|\n", "a\u2028b", "\x0b", "a\\\n|", "| --- |"]
)
def test_names_stay_in_their_cells_of_markdown(name):
    data = beyondacc.Dataset({1: [3]}, {1: [1], 2: [1]}, {1: ["g"], 2: ["g"], 3: ["h"]})
    runs = {name: {1: [1], 2: [2]}, "plain": {1: [2], 2: [1]}}
    reports = beyondacc.evaluate(runs, data, ["ndcg@2", "gini@2"], n_boot=9)
    rows = reports.to_markdown().split("\n")
    assert len(rows) == len(reports.to_markdown().splitlines()) == 2 + 4
    assert {len(cells_of(row)) for row in rows} == {len(reports.to_pandas().columns)}
    assert cells_of(rows[2])[0] == " ".join(name.splitlines()).strip()
    compared = beyondacc.compare(reports, metrics="ndcg@2", n=9).to_markdown()
    table = [row for row in compared.split("\n") if row.startswith("| ")]
    assert len(table) == 2 + 1
    assert len({len(cells_of(row)) for row in table}) == 1
    assert len(compared.split("\n")) == len(compared.splitlines()) == 1 + 1 + 3 + 2
    assert for_markdown(name) == for_markdown(name).replace("\n", "")
