"""The option --plugin: files of Python that declare metrics, distances, gains and re-rankers of one's own."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from beyondacc.errors import BeyondAccError, DataError, SpecError

__all__ = ["Plugins", "load_named"]

#: The files of this process's last command by the names of their modules.
_LOADED: Final[dict[str, Path]] = {}
_ADDED: Final[list[str]] = []  # to the path of modules


def _load_all(files: Sequence[Path] | None) -> Sequence[Path] | None:
    """Run the files in order, each as a module of the name of the file, which other processes can import, too."""
    if files:
        _forget()
    for file in files or ():
        _load(file)
    return files


def load_named(args: Sequence[str]) -> list[str]:
    """Run the files that a command line names before it is read, as they may declare options; return what is left."""
    rest, files, places = [], [], iter(range(len(args)))
    for place in places:
        if args[place] == "--plugin" and place + 1 < len(args):
            files.append(Path(args[next(places)]))
        elif args[place].startswith("--plugin="):
            files.append(Path(args[place].partition("=")[2]))
        else:
            rest.append(args[place])
    _load_all(files)
    return rest


Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        metavar="FILE.py",
        help="Python that declares metrics, distances, gains or re-rankers of your own, known by name then; may be "
        "repeated.",
        callback=_load_all,
        is_eager=True,  # before options that name what it declares
        show_default=False,
    ),
]


def _forget() -> None:
    """Let files of the same names be loaded again, from wherever they are."""
    for name in _LOADED:
        sys.modules.pop(name, None)
    for folder in _ADDED:
        if folder in sys.path:
            sys.path.remove(folder)
    _LOADED.clear()
    _ADDED.clear()


def _load(file: Path) -> None:
    if file.suffix != ".py" or "." in file.stem:
        raise SpecError(f"plugin {str(file)!r} is not a file of Python; name one such as mine.py")
    if not file.is_file():
        raise DataError(f"plugin: there is no file {str(file)!r}; check the path")
    path, name = file.resolve(), file.stem
    if name in _LOADED:
        raise SpecError(f"the plugins {str(_LOADED[name])!r} and {str(path)!r} are both called {name}; rename one")
    known = importlib.util.find_spec(name)
    if name in sys.stdlib_module_names or (known is not None and known.origin != str(path)):
        raise SpecError(f"plugin {str(file)!r} is called like the module {name} that is installed; rename the file")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # noqa: S101 - of a file that ends in .py
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    _LOADED[name] = path
    if str(path.parent) not in sys.path:
        _ADDED.append(str(path.parent))
        sys.path.append(str(path.parent))  # for what it imports from beside it, and for processes that are spawned
    from beyondacc.metrics.base.own import line_of  # noqa: PLC0415 - heavy

    try:
        # not by its loader, whose cache of compiled files takes a file of the same second and size for the same
        exec(compile(path.read_bytes(), str(path), "exec", dont_inherit=True), vars(module))  # noqa: S102 - asked for
    except (Exception, SystemExit) as error:
        del sys.modules[name], _LOADED[name]
        line = line_of(error, str(path))
        where = f"plugin {file}" + ("" if line is None else f", line {line}")
        if isinstance(error, BeyondAccError):
            raise SpecError(f"{where}: {error}") from error
        told = error.msg if isinstance(error, SyntaxError) else str(error)
        raise SpecError(f"{where}, raised {type(error).__name__} ({told}); mend the file") from error
