"""Things declared by name: those of the library, of its user, and of packages that bring more by entry points."""

from __future__ import annotations

import hashlib
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeVar

from beyondacc.errors import SpecError
from beyondacc.run.forks import Lock

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["Catalogue", "Origin", "Packages", "absent", "fingerprint", "origin_of", "plain", "referred_by"]

T = TypeVar("T")
_OURS: Final = "beyondacc."


class Origin(NamedTuple):
    """Where something is declared: importing the module declares it, in any process.

    Attributes
    ----------
    module
        Of what the library has itself, the package that declares all of its kind.
    qualname
        Of the function or class.
    """

    module: str
    qualname: str

    @property
    def ours(self) -> bool:
        """Whether the library has it itself."""
        return self.module.startswith(_OURS)


def origin_of(declaring: Callable[..., Any]) -> Origin:
    """Return where a function or class is declared."""
    module = str(getattr(declaring, "__module__", None) or "__main__")
    if module == "__mp_main__":  # what a spawned process calls the script of its parent
        module = "__main__"
    if module.startswith(_OURS):
        module = ".".join(module.split(".")[:2])  # modules may move inside of their package
    return Origin(module, str(getattr(declaring, "__qualname__", declaring)))


def fingerprint(declaring: Callable[..., Any]) -> str:
    """Return what changes with the lines that declare something of one's own.

    It is of the whole file, for what they call may stand there too, and of the compiled lines where there is no file,
    as in a notebook.
    """
    file = Path(getattr(sys.modules.get(declaring.__module__), "__file__", None) or "")
    text = file.read_bytes() if file.is_file() else repr(_lines_of(declaring)).encode()
    return hashlib.sha256(text).hexdigest()[:16]


def _lines_of(declaring: Any) -> Any:
    """Return the compiled lines of a function, or those of a class, as values that are written alike in any process."""
    if isinstance(declaring, type):
        return [(name, _lines_of(each)) for name, each in vars(declaring).items() if callable(each)]
    code = declaring if isinstance(declaring, CodeType) else getattr(declaring, "__code__", None)
    if code is None:
        return str(getattr(declaring, "__name__", ""))
    constants = [_lines_of(each) if isinstance(each, CodeType) else each for each in code.co_consts]
    return code.co_code, code.co_names, code.co_varnames, constants, getattr(declaring, "__kwdefaults__", None)


def referred_by(origin: Origin, what: str) -> Any:
    """Return what an origin refers to, importing its module.

    Raises
    ------
    SpecError
        If there is no such module, or it has nothing of that name.
    """
    try:
        found: Any = import_module(origin.module)
        for part in origin.qualname.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise SpecError(absent(what, origin, f"that is not to be had here ({error})")) from error
    return found


def absent(what: str, origin: Origin, why: str) -> str:
    """Say that what a pickle names is not declared here."""
    return (
        f"{what} was declared by {origin.qualname} in the module {origin.module}, but {why}; "
        "declare it first, at the top of a module that can be imported"
    )


class Packages:
    """What installed packages declare, by their entry points of one group.

    Their modules are imported when a name is not known, or all names are asked for, and not before.

    Parameters
    ----------
    kind
        What messages call one: ``"metric"``.
    group
        Of the entry points: ``"beyondacc.metrics"``.
    """

    def __init__(self, kind: str, group: str) -> None:
        self.kind, self.group = kind, group
        self._lock, self._loaded = Lock(), False

    def load(self) -> None:
        """Import them, once.

        Warns
        -----
        UserWarning
            For each that cannot be imported; the others are.
        """
        from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and seldom needed

        with self._lock.held:
            if self._loaded:
                return
            self._loaded = True  # what is imported may look up names in its turn
            for point in entry_points(group=self.group):
                try:
                    point.load()
                except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever somebody else's module does
                    self._warn(point, error)

    def _warn(self, point: EntryPoint, error: BaseException) -> None:
        package = f"of the package {point.dist.name} " if point.dist is not None else ""
        warnings.warn(
            f"the entry point {point.name} = {point.value} {package}in {self.group} cannot be loaded "
            f"({type(error).__name__}: {error}), so its {self.kind}s are not known; update or uninstall the package",
            UserWarning,
            stacklevel=2,
        )


class Catalogue(dict[str, T]):
    """Declared things of one kind by name, in order of declaration.

    Names are told apart without regard to case, nor to whether - or _ joins their words.

    Parameters
    ----------
    kind
        What messages call one: ``"metric"``.
    group
        The entry points by which packages bring more; none by default.
    """

    def __init__(self, kind: str, group: str | None = None) -> None:
        super().__init__()
        self.kind = kind
        self._packages = None if group is None else Packages(kind, group)

    def declaring(self, thing: T) -> Callable[..., Any]:
        """Return the function or class that declares it."""
        raise NotImplementedError

    def names_of(self, name: str, _thing: T) -> tuple[str, ...]:
        """Return all names of a thing, the one it is entered by first."""
        return (name,)

    def seek(self, name: str) -> T | None:
        """Return what has that name among what is declared so far."""
        if (found := self.get(name)) is not None:
            return found
        wanted = plain(name)
        return next((it for key, it in self.items() if wanted in map(plain, self.names_of(key, it))), None)

    def known(self, name: str) -> T | None:
        """Return what has that name, in an installed package too."""
        if (found := self.seek(name)) is None and self._packages is not None:
            self._packages.load()
            found = self.seek(name)
        return found

    def listed(self) -> Self:
        """Return the catalogue with what installed packages bring."""
        if self._packages is not None:
            self._packages.load()
        return self

    def taken(self, name: str, thing: T) -> T | None:
        """Return what has that name and is not the same, declared before: a notebook's cell or a file run again."""
        found = self.seek(name)
        if found is None:
            return None
        before, now = (origin_of(self.declaring(each)) for each in (found, thing))
        return None if before == now and not now.ours else found

    def enter(self, name: str, thing: T) -> None:
        """Take it in, or let it take the place of what the same lines declared before.

        Raises
        ------
        SpecError
            If one of its names is that of another.
        """
        for each in self.names_of(name, thing):
            if (other := self.taken(each, thing)) is not None:
                raise SpecError(self.refusal(each, other))
        self[name] = thing

    def refusal(self, name: str, _other: T) -> str:
        """Say that a name is that of another."""
        return f"a {self.kind} named {name!r} is declared already; choose another name"

    def restore(self, name: str, origin: Origin) -> T:
        """Return what a pickle names; its module is imported where it is not declared yet.

        Raises
        ------
        SpecError
            If it is not declared by that module any more, or another has its name.
        """
        found = self._from(name, origin)
        if found is None:
            try:
                import_module(origin.module)
            except ImportError as error:
                raise SpecError(
                    absent(f"the {self.kind} {name!r}", origin, f"it cannot be imported here ({error})")
                ) from error
            found = self._from(name, origin)
        if found is None:
            raise SpecError(absent(f"the {self.kind} {name!r}", origin, "importing it does not declare it"))
        return found

    def _from(self, name: str, origin: Origin) -> T | None:
        found = self.get(name)
        return found if found is not None and origin_of(self.declaring(found)) == origin else None


def plain(name: str) -> str:
    """Return a name as it is compared."""
    return name.lower().replace("-", "_")
