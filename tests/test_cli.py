"""The command line: every command, every format in and out, and what a study leaves behind."""

import io
import json
import os
import subprocess
import sys
import typing

import numpy as np
import pandas as pd
import pytest
from bridge import values_of
from browser import CHROMIUM, open_page
from cli_files import N_ITEMS, N_USERS, WIDTH, run, write_files

import beyondacc as ba
from beyondacc import __version__, warmup as warming
from beyondacc.cli import evaluate as evaluate_command, options, rerank as rerank_command
from beyondacc.cli.output import aligned, decimals, number
from beyondacc.errors import SpecError
from beyondacc.evaluation.policy import Policy
from beyondacc.metrics import REGISTRY
from beyondacc.models import MODELS
from beyondacc.rerank import RERANKERS
from beyondacc.rerank.terms import GAINS, Gain

DATA = ("--train", "train.csv", "--test", "test.csv", "--items", "items.csv")
COLUMNS = [
    *("metric", "value", "standard_error", "ci_low", "ci_high", "median", "p10", "p90"),
    *("n_users", "n_undefined", "better"),
]
CORE = [family for family in REGISTRY.values() if family.core]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ok(capsys, *args):
    done = run(capsys, *args)
    assert done.code == 0, done.err
    return done


def process(*args, **options):
    command = [sys.executable, "-c", "import sys; from beyondacc.cli import main; sys.exit(main())", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # noqa: S603


def expected(**options):
    """Evaluate recs.csv through the Python interface."""
    data = ba.Dataset("train.csv", "test.csv", "items.csv", **options)
    metrics = [family @ 10 for family in CORE]
    return ba.evaluate(pd.read_csv("recs.csv"), data, metrics)


def as_json(capsys, *args):
    return json.loads(ok(capsys, "evaluate", *args, "--format", "json").out)


# ---------------------------------------------------------------------------------------------------- the command


def test_version_help_and_no_command():
    assert process("--version").stdout == f"beyondacc {__version__}\n"
    shown = process("--help")
    assert shown.returncode == 0
    assert all(word in shown.stdout for word in ("evaluate", "rerank", "study", "warmup", "metrics", "explain"))
    assert process().stdout == shown.stdout


def test_help_loads_nothing_heavy():
    heavy = "{'numba', 'pandas', 'scipy', 'altair', 'numpy'} & set(sys.modules)"
    code = f"import sys; from beyondacc.cli import main; main(['evaluate', '--help']); print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.splitlines()[-1] == "set()"


def test_nobody_reading_the_output_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", "from beyondacc.cli import main; raise SystemExit(main(['metrics']))"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_an_interruption_is_one_line(here, capsys, monkeypatch):
    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("beyondacc.evaluation.evaluate.evaluate", interrupted)
    done = run(capsys, "evaluate", "recs.csv", *DATA, "-o", "x.csv")
    assert (done.code, done.out, done.err) == (130, "", "interrupted\n")
    assert not (here / "x.csv").exists()


# ------------------------------------------------------------------------------------------------------- evaluate


def test_table_on_standard_output_and_notes_on_standard_error(capsys):
    done = ok(capsys, "evaluate", "recs.csv", *DATA, "-m", "ndcg@10", "-m", "ild(distance=cosine)@10, gini@3")
    lines = done.out.splitlines()
    assert lines[0].split() == ["metric", "value", "95", "%", "interval", "users", "undefined", "better"]
    assert set(lines[1]) == {"-", " "}
    assert [line.split()[0] for line in lines[2:]] == ["ndcg@10", "ild(distance=cosine)@10", "gini@3"]
    assert lines[2].split()[1] == f"{expected().value('ndcg@10'):.4f}"
    assert lines[2].split()[-3:] == [str(N_USERS), "0", "higher"]
    assert done.err.splitlines()[0] == f"note: lists of fewer than 10 items: {N_USERS}"
    assert all(line.startswith("note: ") and not line.endswith(": 0") for line in done.err.splitlines())


def test_all_metrics_that_the_data_allow_by_default(capsys):
    found = as_json(capsys, "recs.csv", *DATA)
    report = expected()
    assert [each["metric"] for each in found] == [str(metric) for metric in report]
    frame = report.to_pandas()
    assert pd.DataFrame(found)[COLUMNS].equals(frame)
    without = as_json(capsys, "recs.csv", "--test", "test.csv")
    assert [each["metric"].partition("@")[0] for each in without] == [
        *(family.name for family in CORE if family.family == "accuracy"),
        "personalization",
    ]


def test_all_metrics_that_the_data_allow(capsys):
    found = {each["metric"] for each in as_json(capsys, "recs.csv", *DATA, "-m", "all")}
    assert found > {each["metric"] for each in as_json(capsys, "recs.csv", *DATA)}
    assert len(found) > 40
    assert "temporal_novelty@10" not in found


def test_earlier_lists(capsys):
    found = as_json(capsys, "recs.csv", *DATA, "-m", "temporal_novelty", "--earlier", "recs.csv")
    assert [each["value"] for each in found] == [0.0]


def test_csv_and_files_hold_the_same_numbers(here, capsys):
    printed = ok(capsys, "evaluate", "recs.csv", *DATA, "--format", "csv").out
    frame = pd.read_csv(io.StringIO(printed))
    assert list(frame.columns) == COLUMNS
    pd.testing.assert_frame_equal(frame, expected().to_pandas(), check_dtype=False)
    for name in ("x.csv", "x.json", "x.parquet", "x.md", "x.txt"):
        done = ok(capsys, "evaluate", "recs.csv", *DATA, "-o", name)
        assert done.out == ""
        assert done.err.splitlines()[0] == f"wrote {name}"
    assert (here / "x.csv").read_text() == printed
    pd.testing.assert_frame_equal(pd.read_parquet("x.parquet"), expected().to_pandas(), check_dtype=False)
    assert json.loads((here / "x.json").read_text()) == as_json(capsys, "recs.csv", *DATA)
    assert (here / "x.md").read_text().splitlines()[0] == f"| {' | '.join(COLUMNS)} |"
    assert (here / "x.txt").read_text() == ok(capsys, "evaluate", "recs.csv", *DATA).out
    ok(capsys, "evaluate", "recs.csv", *DATA, "-o", "odd.results", "--format", "csv")
    assert (here / "odd.results").read_text() == printed
    assert oct((here / "x.csv").stat().st_mode) == oct((here / "train.csv").stat().st_mode)  # not a private file


def test_an_undefined_value_is_null_in_json_and_empty_in_csv(capsys):
    pd.DataFrame({"user_id": [1], "item_id": [101]}).to_csv("one.csv", index=False)
    args = ("one.csv", "--items", "items.csv", "-m", "personalization", "-m", "ild@5", "--bootstrap", "0")
    assert [each["value"] for each in as_json(capsys, *args)] == [None, None]
    assert "personalization@10,,,,,,,,1,0,higher" in ok(capsys, "evaluate", *args, "--format", "csv").out
    lines = ok(capsys, "evaluate", *args).out.splitlines()
    assert lines[0].split() == ["metric", "value", "users", "undefined", "better"]  # no bootstrap, no intervals
    assert lines[2].split()[:2] == ["personalization@10", "undefined"]


def test_the_cutoff_counts_where_a_metric_has_none(capsys):
    found = as_json(capsys, "recs.csv", *DATA, "-k", "3", "-m", "ndcg,gini@5,ndcg(k=2)")
    assert [each["metric"] for each in found] == ["ndcg@3", "gini@5", "ndcg@2"]
    assert {each["metric"].partition("@")[2] for each in as_json(capsys, "recs.csv", *DATA, "-k", "4")} == {"4"}


def test_a_cutoff_beyond_the_lists_works_and_says_so(capsys):
    done = ok(capsys, "evaluate", "recs.csv", *DATA, "-m", "ndcg@50")
    assert f"note: lists of fewer than 50 items: {N_USERS}\n" in done.err


def test_several_runs(capsys):
    frame = pd.read_csv("recs.csv")
    frame[frame["score"] < 0.9].to_parquet("other.parquet")
    done = ok(capsys, "evaluate", "recs.csv", "other.parquet", *DATA, "-m", "ndcg@10,gini@10", "--bootstrap", "0")
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[0] == ["metric", "recs", "other", "better"]
    data = ba.Dataset("train.csv", "test.csv", "items.csv")
    values = ba.evaluate({"recs": "recs.csv", "other": "other.parquet"}, data, ["ndcg@10", "gini@10"]).to_wide()
    assert lines[2] == ["ndcg@10", *(f"{value:.4f}" for value in values["ndcg@10"]), "higher"]
    assert f"note: other: lists of fewer than 10 items: {N_USERS}\n" in done.err
    found = as_json(capsys, "recs.csv", "other.parquet", *DATA, "-m", "ndcg@10", "--per-user", "users.parquet")
    assert [each["run"] for each in found] == ["recs", "other"]
    users = pd.read_parquet("users.parquet")
    assert list(users.columns) == ["run", "user_id", "ndcg@10"]
    assert users.groupby("run")["ndcg@10"].mean().to_dict() == pytest.approx(values["ndcg@10"].to_dict())


def test_per_user_values(capsys):
    ok(capsys, "evaluate", "recs.csv", *DATA, "-m", "ndcg@10,gini@10,ild@10", "--per-user", "users.csv")
    frame = pd.read_csv("users.csv")
    assert list(frame.columns) == ["user_id", "ndcg@10", "ild@10"]  # gini has no value for a user
    assert frame["user_id"].tolist() == list(range(1, N_USERS + 1))
    np.testing.assert_allclose(frame["ndcg@10"], expected().per_user("ndcg@10"))


def test_existing_files_are_overwritten_with_force_only(here, capsys):
    (here / "x.csv").write_text("old")
    assert run(capsys, "evaluate", "recs.csv", *DATA, "-o", "x.csv").code == 2
    assert (here / "x.csv").read_text() == "old"
    ok(capsys, "evaluate", "recs.csv", *DATA, "-o", "x.csv", "--force")
    assert (here / "x.csv").read_text() != "old"


def test_a_linked_output_keeps_its_link(here, capsys):
    (here / "target.csv").write_text("old")
    (here / "link.csv").symlink_to("target.csv")
    ok(capsys, "evaluate", "recs.csv", *DATA, "-o", "link.csv", "--force")
    assert (here / "link.csv").is_symlink()
    assert (here / "target.csv").read_text().startswith("metric,")


def test_options_reach_the_evaluation(capsys):
    def value(*args, metric="ndcg@10", recs="recs.csv"):
        return as_json(capsys, recs, *DATA, "-m", metric, "--bootstrap", "0", *args)[0]["value"]

    data = ba.Dataset("train.csv", "test.csv", "items.csv")

    def python(metric="ndcg@10", source=data, recs="recs.csv", **options):
        return ba.evaluate(recs, source, metric, n_boot=0, **options).value(metric)

    with_threshold = ba.Dataset("train.csv", "test.csv", "items.csv", threshold=4)
    graded = ba.Dataset("train.csv", "test.csv", "items.csv", threshold=4, graded=True)
    values = [value(), value("--threshold", "4"), value("--threshold", "4", "--graded")]
    assert values == [python(), python(source=with_threshold), python(source=graded)]
    assert len(set(values)) == 3

    frame = pd.read_csv("recs.csv")
    some = frame[frame["user_id"] > 3]
    stranger = pd.DataFrame({"user_id": [99], "item_id": [101], "score": [1.0]})
    pd.concat([some, stranger]).to_csv("some.csv", index=False)
    averaged = [value("--users", users.value, metric="self_information@5", recs="some.csv") for users in options.Users]
    assert averaged == [python("self_information@5", recs="some.csv", users=users.value) for users in options.Users]
    assert len({value("--users", users.value, recs="some.csv") for users in options.Users}) == 2

    top = pd.read_csv("train.csv").drop_duplicates("user_id")[["user_id", "item_id"]].assign(score=2.0)
    pd.concat([frame, top]).to_csv("seen.csv", index=False)
    kept, dropped = (value("--seen", seen, metric="epc@2", recs="seen.csv") for seen in ("keep", "drop"))
    assert (kept, dropped) == tuple(python("epc@2", recs="seen.csv", seen=seen) for seen in ("keep", "drop"))
    assert kept != dropped

    twice = pd.concat([frame, frame.head(1).assign(score=-1.0)])
    twice.to_csv("twice.csv", index=False)
    assert value("--duplicates", "first", recs="twice.csv") == value()
    frame[frame["user_id"] % 2 == 0].to_csv("primitive.csv", index=False)
    unexpected = [value("--primitive", "primitive.csv", metric="unexpectedness@5"), value(metric="unexpectedness@5")]
    assert unexpected == [python("unexpectedness@5", primitive="primitive.csv"), python("unexpectedness@5")]
    assert unexpected[0] != unexpected[1]


def test_bootstrap_and_seed(capsys):
    args = ("recs.csv", *DATA, "-m", "ndcg@10", "--bootstrap", "50")
    intervals = [as_json(capsys, *args, "--seed", seed)[0]["ci_low"] for seed in ("1", "1", "2")]
    assert intervals[0] == intervals[1] != intervals[2]


def test_the_choices_of_options_are_those_of_the_library():
    hints, taken = typing.get_type_hints(Policy), typing.get_type_hints(ba.evaluate)
    for name, choices in (
        ("users", options.Users),
        ("seen", options.Seen),
        ("unknown_items", options.UnknownItems),
        ("duplicates", options.Duplicates),
        ("undefined", options.Undefined),
        ("gains", options.Gains),
        ("ties", options.Ties),
        ("ranks", options.Ranks),
    ):
        assert {each.value for each in choices} == set(typing.get_args(hints[name]))
        assert taken[name] == hints[name] | None  # None where it is not named


def test_every_diagnostic_has_words():
    assert {"users", *evaluate_command.NOTES} == set(expected().diagnostics)


# --------------------------------------------------------------------------------------------------- kinds of files


def _tsv(name, frame):
    frame.to_csv(f"{name}.tsv", sep="\t", index=False)
    return f"{name}.tsv"


def _gzip(name, frame):
    frame.to_csv(f"{name}.csv.gz", index=False)
    return f"{name}.csv.gz"


def _parquet(name, frame):
    frame.to_parquet(f"{name}.parquet", index=False)
    return f"{name}.parquet"


def _recbole(name, frame):
    types = {"user_id": "token", "item_id": "token", "rating": "float", "score": "float", "genres": "token_seq"}
    if "genres" in frame:
        frame = frame.assign(genres=frame["genres"].fillna("").str.replace("|", " "))
    suffix = "item" if "genres" in frame else "inter"
    frame.rename(columns={name: f"{name}:{types[name]}" for name in frame}).to_csv(
        f"{name}.{suffix}", sep="\t", index=False
    )
    return f"{name}.{suffix}"


def _aliases(name, frame):
    frame = frame.rename(columns={"user_id": "userId", "item_id": "movieId", "rating": "value", "score": "prediction"})
    frame.rename(columns={"genres": "Categories"}).to_csv(f"{name}-aliases.csv", index=False)
    return f"{name}-aliases.csv"


@pytest.mark.parametrize("write", [_tsv, _gzip, _parquet, _recbole, _aliases], ids=lambda write: write.__name__[1:])
def test_the_same_data_in_other_files(capsys, write):
    before = as_json(capsys, "recs.csv", *DATA)
    files = {name: write(name, pd.read_csv(f"{name}.csv")) for name in ("recs", "train", "test", "items")}
    args = ("--train", files["train"], "--test", files["test"], "--items", files["items"])
    found = as_json(capsys, files["recs"], *args)
    if write is _recbole:  # tokens are texts, so that users are drawn in another order
        assert [row["metric"] for row in found] == [row["metric"] for row in before]
        assert [row["value"] for row in found] == pytest.approx([row["value"] for row in before], nan_ok=True)
    else:
        assert found == before


def test_trec_runs_and_qrels(here, capsys):
    recs, test = pd.read_csv("recs.csv"), pd.read_csv("test.csv")
    recs["rank"] = recs.groupby("user_id").cumcount() + 1
    lines = [f"{row.user_id} Q0 {row.item_id} {row.rank} {row.score} tag\n" for row in recs.itertuples()]
    (here / "recs.run").write_text("".join(lines))
    judged = [f"{row.user_id} 0 {row.item_id} {row.rating}\n" for row in test.itertuples()]
    (here / "test.qrels").write_text("".join(judged))
    found = as_json(capsys, "recs.run", "--test", "test.qrels")
    assert found == as_json(capsys, "recs.csv", "--test", "test.csv")
    assert found[0]["metric"] == "ndcg@10"
    assert found[0]["value"] > 0


def test_genres_as_flags_lists_and_with_another_separator(capsys):
    items = pd.read_csv("items.csv")
    metrics = ("-m", "ild@5,binomial_diversity@5,surprise_content@5")
    before = as_json(capsys, "recs.csv", *DATA, *metrics)
    texts = items["genres"].fillna("")
    names = ("Action", "Drama", "Comedy")
    flags = pd.DataFrame({name: [int(name in text.split("|")) for text in texts] for name in names})
    pd.concat([items[["item_id"]], flags], axis=1).to_csv("flags.csv", index=False)
    pd.DataFrame({"item_id": items["item_id"], "genres": [t.split("|") if t else [] for t in texts]}).to_parquet(
        "lists.parquet"
    )
    items.assign(genres=texts.str.replace("|", " / ")).to_csv("slashes.csv", index=False)
    for name, more in (("flags.csv", ()), ("lists.parquet", ()), ("slashes.csv", ("--genre-sep", "/"))):
        args = ("--train", "train.csv", "--test", "test.csv", "--items", name, *more)
        found = as_json(capsys, "recs.csv", *args, *metrics)
        assert [each["value"] for each in found] == pytest.approx([each["value"] for each in before], rel=1e-12), name


def test_vectors(capsys):
    vectors = np.random.default_rng(0).normal(size=(N_ITEMS, 4))
    np.save("vectors.npy", vectors)
    args = ("recs.csv", "--items", "items.csv", "-m", "ild(distance=cosine)@10", "--bootstrap", "0")
    found = as_json(capsys, *args, "--vectors", "vectors.npy")[0]["value"]
    data = ba.Dataset(items="items.csv", vectors=vectors)
    assert found == ba.evaluate("recs.csv", data, "ild(distance=cosine)@10").value("ild(distance=cosine)@10")
    assert found != as_json(capsys, *args)[0]["value"]


def test_columns_count_for_the_files_that_have_them(capsys):
    before = as_json(capsys, "recs.csv", *DATA)
    own = {"user_id": "customer", "item_id": "sku", "rating": "stars"}
    pd.read_csv("train.csv").rename(columns=own).to_csv("mine.csv", index=False)
    pd.read_csv("test.csv").rename(columns=own).to_csv("held.csv", index=False)
    args = ("recs.csv", "--train", "mine.csv", "--test", "held.csv", "--items", "items.csv")
    assert as_json(capsys, *args, "--columns", "user=customer, item=sku", "--columns", "rating=stars") == before
    tags = pd.read_csv("items.csv").rename(columns={"item_id": "sku", "genres": "tags"})
    tags.to_csv("tags.csv", index=False)
    args = ("recs.csv", "--train", "train.csv", "--test", "test.csv", "--items", "tags.csv")
    assert as_json(capsys, *args, "--columns", "item=sku,genres=tags") == before


# --------------------------------------------------------------------------------------------------------- rerank


RERANK = ("rerank", "recs.csv", "--items", "items.csv", "--train", "train.csv")


@pytest.mark.parametrize(
    ("args", "made"),
    [
        (("--method", "mmr", "--diversity", "0.3", "--distance", "cosine"), ba.MMR(diversity=0.3, distance="cosine")),
        (
            ("--method", "MMR(distance=cosine)", "--relevance-weight", "0.7"),
            ba.MMR(relevance_weight=0.7, distance="cosine"),
        ),
        (
            ("--method", "greedydiversity", "--normalize", "zscore", "--renormalize"),
            ba.GreedyDiversity(normalize="zscore", renormalize=True),
        ),
        (("--method", "novelty"), ba.Novelty()),
        (("--method", "Random", "--seed", "3", "--diversity", "1"), ba.Random(seed=3, diversity=1)),
    ],
    ids=str,
)
def test_rerank_is_that_of_the_library(capsys, args, made):
    done = ok(capsys, *RERANK, *args, "-k", "4")
    frame = pd.read_csv(io.StringIO(done.out))
    data = ba.Dataset(train="train.csv", items="items.csv")
    pd.testing.assert_frame_equal(frame, made.rerank("recs.csv", data, k=4).to_pandas(), check_dtype=False)
    assert list(frame.columns) == ["user_id", "item_id", "rank", "score", "relevance", "gain", "input_rank"]
    assert frame.groupby("user_id").size().tolist() == [4] * N_USERS
    assert done.err == ""


def test_rerank_writes_by_extension_and_what_it_writes_can_be_evaluated(here, capsys):
    printed = ok(capsys, *RERANK, "--method", "mmr", "-k", "5").out
    for name in ("x.csv", "x.tsv", "x.parquet"):
        done = ok(capsys, *RERANK, "--method", "mmr", "-k", "5", "-o", name)
        assert (done.out, done.err) == ("", f"wrote {name}\n")
    assert (here / "x.csv").read_text() == printed
    assert (here / "x.tsv").read_text() == printed.replace(",", "\t")
    pd.testing.assert_frame_equal(pd.read_parquet("x.parquet"), pd.read_csv("x.csv"), check_dtype=False)
    found = [as_json(capsys, name, *DATA, "-m", "ndcg@5,ild@5") for name in ("x.csv", "x.tsv", "x.parquet")]
    assert found[0] == found[1] == found[2]


def test_rerank_with_columns_and_without_enough_candidates(capsys):
    pd.read_csv("recs.csv").rename(columns={"user_id": "who", "score": "s"}).to_csv("mine.csv", index=False)
    args = ("--items", "items.csv", "--method", "mmr", "-k", str(WIDTH))
    done = ok(capsys, "rerank", "mine.csv", *args, "--columns", "user=who,score=s")
    assert done.out == ok(capsys, "rerank", "recs.csv", *args).out
    only = f"no list has more than {WIDTH} candidates, so all are only reordered; give longer lists or a smaller -k"
    assert done.err == f"note: {only}\n"
    pd.read_csv("recs.csv").iloc[3:].to_csv("short.csv", index=False)
    short = ok(capsys, "rerank", "short.csv", "--items", "items.csv", "--method", "mmr", "-k", "6")
    assert short.err == f"note: lists of fewer than 6 candidates: 1 of {N_USERS}\n"


def test_rerank_has_an_option_for_every_value_of_every_parameter(capsys, monkeypatch):
    """Read from the declarations: the re-ranker is the one that Python makes of the same value."""
    made, seen = [], set()
    create = rerank_command._create

    def caught(*args):
        made.append(create(*args))
        raise SpecError("enough")

    gain = Gain(lambda _distances, _term, _step: None, "summed")
    monkeypatch.setitem(GAINS, "summed", gain)
    monkeypatch.setattr(rerank_command, "_create", caught)
    values = {"gain": [gain], "recent": ["recs.csv"]}
    for info in (*RERANKERS.values(), *RERANKERS.templates.values()):
        needed = {"gain": gain} if "gain" in info.parameters else {}
        for name, param in info.parameters.items():
            for value in values.get(name) or [each for each in values_of(param.annotation) if each is not None]:
                flag = name.replace("_", "-")
                words = {True: [f"--{flag}"], False: [f"--no-{flag}"]}.get(value) if isinstance(value, bool) else None
                seen.add((name, value))
                rest = ["--gain", "summed"] if needed and name != "gain" else []
                for written in (words or [f"--{flag}", str(value)], words or [f"--{flag}={value}"]):
                    args = ("rerank", *written, "recs.csv", "--items", "items.csv", *rest, "--method", info.name)
                    assert run(capsys, *args).err == "error: enough\n", args
                    assert repr(made.pop()) == repr(info.factory(**needed | {name: value}))
    assert {("renormalize", "both"), ("renormalize", False), ("gain", gain)} <= seen
    assert all((name, True) in seen for name in ("unit", "bias", "renormalize", "per_user"))


def test_help_of_rerank_lists_every_option(capsys):
    text = ok(capsys, "rerank", "--help").out
    for info in (*RERANKERS.values(), *RERANKERS.templates.values()):
        for name in info.parameters:
            assert f"--{name.replace('_', '-')} " in text


# -------------------------------------------------------------------------------------------------------- look up


@pytest.mark.parametrize(("command", "registry"), [("metrics", REGISTRY), ("rerankers", RERANKERS), ("models", MODELS)])
def test_lists_come_from_the_registries(capsys, command, registry):
    lines = ok(capsys, command).out.splitlines()
    assert [line.split()[0] for line in lines[2 : lines.index("")]] == list(registry)
    assert max(map(len, lines)) <= 120
    if command == "rerankers":
        assert "All take diversity=none, relevance_weight=none, per_user=false." in lines
    found = json.loads(ok(capsys, command, "--json").out)
    assert [each["name"] for each in found] == list(registry)
    assert all(each["cite"] and "parameters" in each for each in found)


def test_explain_says_what_is_known(capsys):
    text = ok(capsys, "explain", "ild(distance=cosine)@5").out
    facts = dict(
        line.strip().split(None, 1) for line in text.splitlines() if line.startswith("  ") and "  " in line[2:]
    )
    assert text.startswith("ild: Intra-list diversity (metric)\n")
    assert "2 / (N (N - 1)) sum of d(i, j)" in text
    assert facts["written"] == "ild(distance=cosine)@5"
    assert facts["aliases"] == "intra_list_diversity"
    assert facts["range"] == "0 to 2"
    assert facts["better"] == "higher"
    assert facts["needs"] == "item features or vectors, by --items with a genres column, or --vectors"
    assert facts["undefined"] == "for users with fewer than two items that have features"
    assert facts["source"].startswith("Smyth & McClave 2001")
    assert facts["distance=jaccard"].startswith("jaccard, cosine, hamming")
    assert "What a pair counts that has no distance" in text


def test_everything_can_be_explained(capsys):
    names = [*REGISTRY, *(alias for family in REGISTRY.values() for alias in family.aliases), *RERANKERS, *MODELS]
    params = {name: family.params for name, family in REGISTRY.items()}
    params |= {name: info.parameters for name, info in (*RERANKERS.items(), *MODELS.items())}
    for name in names:
        lines = ok(capsys, "explain", name).out.splitlines()
        assert max(map(len, lines)) <= 120
        assert any(line.startswith("  source ") for line in lines)
        for place, line in enumerate(lines):
            # the name and domain of each parameter, then what its docstring says
            if line.startswith("    ") and not line.startswith("     ") and "=" in line:
                assert lines[place + 1].startswith(" " * 30), (name, line)
        shown = {line.split("=")[0].strip() for line in lines if line.startswith("    ") and "=" in line}
        assert set(params.get(name, ())) <= shown


def test_explain_takes_names_of_two_kinds_and_any_case(capsys):
    text = ok(capsys, "explain", "random").out
    assert "Random: Random re-ranking (re-ranker)" in text
    assert "Random: Random (model)" in text
    assert "average_precision: Average precision" in ok(capsys, "explain", "map@5").out


# ---------------------------------------------------------------------------------------------------------- study


STUDY = ("study", "--ratings", "ratings.csv", "--items", "items.csv")
SMALL = ("--models", "Popularity,ItemKNN(k=5, shrink=1.0)", "--rerankers", "MMR,Novelty", "--diversity", "0,0.5")


def test_a_study_from_end_to_end(here, capsys):
    metrics = ("-m", "ndcg,ild,self_information,gini@3", "-k", "5")
    done = ok(capsys, *STUDY, *SMALL, *metrics, "--bootstrap", "30", "--seeds", "0,1", "--candidates", "8", "-o", "out")
    out = here / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        "correlations.csv",
        "per_user.parquet",
        "report.html",
        "results.parquet",
    ]
    table = pd.read_parquet(out / "results.parquet")
    tidy = ["run", "model", "reranker", "diversity", "seed", "metric", "k", "value", "ci_low", "ci_high"]
    assert list(table.columns) == [*tidy, "n_users", "n_undefined"]
    assert len(table) == 2 * 2 * (1 + 2) * 4  # seeds, models, plain and two re-rankers at one weight, metrics
    models = ["Popularity", "ItemKNN(k=5, shrink=1.0)"]
    assert table["model"].unique().tolist() == models
    assert table["reranker"].unique().tolist() == ["none", "MMR", "Novelty"]
    assert table["metric"].unique().tolist() == ["ndcg@5", "ild@5", "self_information@5", "gini@3"]
    assert sorted(table["seed"].unique()) == [0, 1]
    assert (table["ci_low"] <= table["value"]).all()
    assert (table["value"] <= table["ci_high"]).all()
    users = pd.read_parquet(out / "per_user.parquet")
    first = ["run", "model", "reranker", "diversity", "seed", "user_id"]
    assert list(users.columns) == [*first, "ndcg@5", "ild@5", "self_information@5"]
    plain = table[(table["model"] == "Popularity") & (table["reranker"] == "none") & (table["seed"] == 1)]
    mean = users[users["run"] == plain["run"].iloc[0]]["ndcg@5"].mean()
    assert mean == pytest.approx(plain.set_index("metric")["value"]["ndcg@5"])
    correlations = pd.read_csv(out / "correlations.csv")
    assert {"level", "method", "metric_a", "metric_b", "coefficient", "ci_low", "ci_high", "n"} <= set(correlations)

    lines = done.out.splitlines()
    assert lines[0] == "Models, mean of 2 seeds"
    assert lines[1].split() == ["metric", "Popularity", "ItemKNN(k=5,", "shrink=1.0)"]
    means = table[table["reranker"] == "none"].pivot_table(index="metric", columns="model", values="value")
    assert lines[3].split() == ["ndcg@5", *(f"{means.loc['ndcg@5', model]:.4f}" for model in models)]
    place = lines.index("Change by re-ranking at diversity 0.5, mean over 4 models")
    assert lines[place + 2].split() == ["metric", "MMR", "Novelty"]
    plain = table[table["reranker"] == "none"].set_index(["model", "seed", "metric"])["value"]
    again = table[table["reranker"] == "MMR"].set_index(["model", "seed", "metric"])["value"]
    change = (again - plain).groupby("metric").mean()
    assert float(lines[place + 5].split()[1]) == pytest.approx(change["ild@5"], abs=5e-5)
    place = next(number for number, line in enumerate(lines) if line.startswith("Correlation of the metrics"))
    assert lines[place + 3].split()[:3] == ["1", "ndcg@5", "100"]
    values = table.pivot_table(index="run", columns="metric", values="value")
    rho = values["ndcg@5"].corr(values["ild@5"], method="spearman")
    assert int(lines[place + 3].split()[3]) == pytest.approx(100 * rho, abs=0.51)
    assert [line.split()[0] for line in lines[-4:]] == [
        f"out/{name}" for name in ("results.parquet", "per_user.parquet", "correlations.csv", "report.html")
    ]
    assert "model 4 of 4: ItemKNN(k=5, shrink=1.0)" in done.err  # a log shows life
    assert "\x1b" not in done.err + done.out
    assert run(capsys, *STUDY, *SMALL, "-o", "out").code == 2


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_the_report_of_a_study_opens_in_a_browser(here, capsys):
    ok(capsys, *STUDY, *SMALL, "-m", "ndcg,ild,gini", "--bootstrap", "10", "-q")
    page = open_page(here / "beyondacc-study" / "report.html")
    assert "Beyond-accuracy study of ratings" in page.dom
    assert page.dom.count("<svg") >= 3
    assert page.console == page.requests == ()


def test_a_quiet_study_without_rerankers_and_intervals(here, capsys):
    args = ("--models", "EASE", "--rerankers", "none", "--bootstrap", "0", "--split", "leave-one-out", "-q")
    done = ok(capsys, *STUDY, *args, "-m", "ndcg@3")
    assert (done.out, done.err) == ("", "")
    table = pd.read_parquet("beyondacc-study/results.parquet")
    assert table["run"].tolist() == ["EASE"]
    assert table["n_users"].tolist() == [N_USERS]
    before = (here / "beyondacc-study" / "results.parquet").read_bytes()
    assert run(capsys, *STUDY, *args).code == 2
    assert (here / "beyondacc-study" / "results.parquet").read_bytes() == before
    ok(capsys, *STUDY, *args, "-m", "ndcg@2", "--force")
    assert pd.read_parquet("beyondacc-study/results.parquet")["metric"].tolist() == ["ndcg@2"]


def test_the_matrix_fits_in_a_line_for_all_metrics(capsys):
    done = ok(
        capsys, *STUDY, "--models", "Popularity,Random", "--rerankers", "MMR", "--diversity", "0.5,1", "-o", "out"
    )
    lines = done.out.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("Correlation of the metrics"))
    assert lines[place + 1].split() == [str(n) for n in range(1, len(CORE) + 1)]
    assert len(lines[place + 3 : lines.index("Written") - 1]) == len(CORE)
    assert max(map(len, lines)) <= 120


def test_a_study_of_movielens_by_default(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    args = ("--models", "Popularity", "--rerankers", "none", "-m", "ndcg", "--bootstrap", "0", "--method", "kendall")
    done = ok(capsys, "study", *args, "-o", "out")
    assert pd.read_parquet("out/results.parquet")["n_users"].tolist() == [671]
    assert done.out.startswith("Models\n")
    assert "MovieLens latest-small" in (tmp_path / "out" / "report.html").read_text()


# --------------------------------------------------------------------------------------------------------- warmup


MINE = ("--bootstrap", "5", "--force", "-o", "x.csv")
FIRST = [  # what a first user does
    ["evaluate", "recs.csv", *DATA, *MINE],
    [
        *STUDY,
        "--diversity",
        "0.5",
        "--bootstrap",
        "5",
        "-q",
        "-o",
        "first",
        "-m",
        "ndcg,ild,self_information,catalog_coverage",
    ],
]


def further():
    """Commands that need more kernels."""
    np.save("vectors.npy", np.ones((N_ITEMS, 3), np.float32))
    return [
        ["evaluate", "recs.csv", *DATA, *MINE, "-m", "all"],
        ["evaluate", "recs.csv", *DATA, *MINE, "-k", "2", "--seen", "drop", "--primitive", "recs.csv"],
        ["evaluate", "recs.csv", *DATA, *MINE, "-m", "ild(distance=cosine)", "--vectors", "vectors.npy"],
        *(
            ["rerank", "recs.csv", *DATA[:2], *DATA[4:], "--force", "-o", "x.csv", "--method", name]
            for name in RERANKERS
        ),
        [*STUDY, "--models", "EASE,ItemKNN,UserKNN", "--diversity", "0.5", "--bootstrap", "5", "-q", "--force"],
    ]


@pytest.mark.parametrize("every", [False, True])
def test_warmup_compiles_all_that_other_commands_need(every):
    """The kernels called directly by evaluate, rerank and study, with their types, are a part of those of warmup."""
    dump = (
        "import json, sys\n"
        "from beyondacc.cli import main\n"
        "from beyondacc.warmup import kernels, warmup\n"
        "commands = json.loads(sys.argv[1])\n"
        "assert all(main(args) == 0 for args in commands)\n"
        f"commands or warmup(workers=1, every={every})\n"
        "found = {k.py_func.__module__ + k.py_func.__name__: list(map(str, k.signatures)) for k in kernels()}\n"
        "print(json.dumps(found))\n"
    )

    def kernels_of(*commands):
        arguments = [sys.executable, "-c", dump, json.dumps(commands)]
        done = subprocess.run(arguments, capture_output=True, text=True, check=True)  # noqa: S603
        return json.loads(done.stdout.splitlines()[-1])

    warmed, used = kernels_of(), kernels_of(*FIRST, *(further() if every else ()))
    if not used:
        pytest.skip("the JIT is off")
    assert {name for name, signatures in used.items() if set(signatures) - set(warmed.get(name, ()))} == set()
    assert sum(map(len, used.values())) > 20
    # a literal number is a type of its own and compiles a helper again
    assert [name for name, signatures in warmed.items() if "Literal" in " ".join(signatures)] == []


@pytest.mark.parametrize(("program", "counted"), [("raise SystemExit(3)", 4), ("print(5)", 8), ("", 4)])
def test_warmup_does_all_itself_where_the_other_process_fails(monkeypatch, program, counted):
    real, done, told = subprocess.Popen, [], []
    monkeypatch.setattr(subprocess, "Popen", lambda _, **options: real([sys.executable, "-c", program], **options))
    monkeypatch.setattr(warming, "kernels", lambda: [True])
    monkeypatch.setattr(warming, "compilations", lambda: len(done))
    first = [lambda: done.append("metrics")] * 3
    monkeypatch.setattr(warming, "_steps", lambda *, every: (first, [lambda: done.append(f"rest {every}")]))
    assert warming.warmup(workers=2, every=True, told=lambda *at: told.append(at))[1] == counted
    assert done == ["metrics"] * 3 + ["rest True"] * (counted == 4)
    assert told == [(1, 3), (2, 3), (3, 3)] + [(4, 4)] * (counted == 4)


@pytest.mark.parametrize("every", [[], ["--all"]])
def test_warmup_says_how_long_it_took_and_where_the_cache_is(every, capsys):
    ok(capsys, "warmup", *every)
    done = ok(capsys, "warmup", *every)  # again, in one process: nothing is left to compile
    assert done.out.startswith("everything was compiled before; the cache is ")
    assert "beyondacc" in done.out


# ------------------------------------------------------------------------------------------------------ tables


def test_aligned():
    assert aligned(("a", "bb"), [("x", "1"), ("yyy", "22")], right=[1]) == ["a    bb", "---  --", "x     1", "yyy  22"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.12345, "0.1235"), (0.002, "0.002000"), (9.87654, "9.8765"), (12.3456, "12.346"), (123456.7, "123,457")],
)
def test_numbers_show_what_tells_them_apart(value, text):
    assert number(value, decimals([value])) == text
    assert number(-value, decimals([value])) == f"-{text}"


def test_odd_numbers():
    assert number(float("nan"), 4) == "undefined"
    assert number(-0.00001, 2) == "0.00"
    assert decimals([]) == 6
    assert decimals([float("nan"), 200.0, 0.1]) == 2
