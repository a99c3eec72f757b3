"""The README keeps its word: its tables come from the registries, and its Python code runs."""

import re

import readme


def test_tables_are_generated():
    text = readme.README.read_text(encoding="utf-8")
    assert readme.generated(text) == text, "run: python tests/readme.py"


def test_generated_tables_name_everything():
    text = readme.generated(readme.README.read_text(encoding="utf-8"))
    for name in (*readme.REGISTRY, *readme.MODELS, *readme.RERANKERS):
        assert re.search(rf"`(ba\.)?(models\.)?{name}`", text), name


def test_python_code_runs(capsys):
    text = readme.README.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    names = {}
    exec(code, names)  # noqa: S102 - it is ours
    assert names["diverse"].lists.shape[1] == 10
    assert len(names["lists"]) == len(names["diverse"])
    assert len(names["result"].reports) == 2 * (1 + 2 * 2)
    printed = capsys.readouterr().out
    assert "catalog_coverage@10" in printed
    assert "EASE + MMR" in printed
