"""Classes declared once, with parameters that are checked, a name that parses and a place in a catalog.

Models and re-rankers are such classes: dataclasses whose keyword-only fields are annotated with their domains.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from beyondacc.declare.catalogue import Catalogue
from beyondacc.declare.names import parse_call
from beyondacc.declare.params import Param, bind, format_call, inherited, parameters
from beyondacc.errors import SpecError, did_you_mean

__all__ = ["Catalog", "Declared", "Info"]

T = TypeVar("T", bound="Declared")


class Declared:
    """Base of a dataclass (``kw_only=True, repr=False, eq=False``) whose fields are its parameters.

    What a class says of its parameters in its docstring holds for its subclasses too, and is part of theirs.
    """

    def __init_subclass__(cls) -> None:
        """Complete the docstring."""
        super().__init_subclass__()
        if cls.__dict__.get("__doc__"):
            cls.__doc__ = inherited(cls)

    def __post_init__(self) -> None:
        """Check the parameters; raises `SpecError`."""
        known = parameters(type(self))
        given = {name: getattr(self, name) for name in known}
        for name, value in bind(type(self).__name__, known, given).items():
            object.__setattr__(self, name, value)

    @classmethod
    def facts(cls) -> dict[str, Any]:
        """Return what listings tell besides name, title, parameters and source, in values that JSON can hold."""
        return {}

    def __repr__(self) -> str:
        known = parameters(type(self))
        return format_call(type(self).__name__, known, {name: getattr(self, name) for name in known})


@dataclasses.dataclass(frozen=True)
class Info(Generic[T]):
    """What is known about a declared class.

    Attributes
    ----------
    name
        The name to write in a call, such as ``ItemKNN``.
    title
        The name in words.
    cite
        Where it is defined.
    factory
        The class.
    """

    name: str
    title: str
    cite: str
    factory: type[T]

    @property
    def parameters(self) -> dict[str, Param]:
        """The parameters by name."""
        return parameters(self.factory)

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.factory) or "").partition("\n")[0]

    @property
    def description(self) -> str:
        """The whole docstring."""
        return inspect.getdoc(self.factory) or ""

    def as_dict(self) -> dict[str, Any]:
        """Describe the class in values that JSON can hold."""
        return {
            "name": self.name,
            "title": self.title,
            "summary": self.summary,
            "parameters": [param.as_dict() for param in self.parameters.values()],
            **self.factory.facts(),
            "cite": self.cite,
        }


def _nearest(name: str, known: Iterable[str]) -> str:
    """Name the nearest, in the spelling they are declared with."""
    spelled = {each.lower(): each for each in known}
    hint = did_you_mean(name.lower(), spelled)
    return re.sub(r"\w+", lambda word: spelled.get(word[0], word[0]), hint)


class Catalog(Catalogue[Info[T]]):
    """All declared classes of one kind by name.

    Parameters
    ----------
    kind
        What messages call its members: ``"model"``, ``"re-ranker"``.
    group
        The entry points by which packages bring more; none by default.

    Attributes
    ----------
    templates
        Classes with a parameter that must be given, such as a gain: they are found by name, and are among no listing of
        what can be tried as it is.
    """

    def __init__(self, kind: str, group: str | None = None) -> None:
        super().__init__(kind, group)
        self.templates: dict[str, Info[T]] = {}

    def declaring(self, thing: Info[T]) -> type[T]:
        """Return the class."""
        return thing.factory

    def seek(self, name: str) -> Info[T] | None:
        """Return the member of that name, be it a template, among what is declared so far."""
        found = super().seek(name)
        return found or next((info for known, info in self.templates.items() if known.lower() == name.lower()), None)

    def find(self, name: str) -> Info[T]:
        """Return the member of that name.

        Raises
        ------
        SpecError
            If there is none; the message names the nearest.
        """
        found = self.known(name)
        if found is None:
            raise SpecError(f"there is no {self.kind} {name!r}; {_nearest(name, [*self, *self.templates])}")
        return found

    def refusal(self, name: str, other: Info[T]) -> str:
        """Say that a name is that of another."""
        return f"the {self.kind} name {name!r} is taken by {other.name}; choose another class name"

    def declare(self, *, title: str, cite: str) -> Callable[[type[T]], type[T]]:
        """Enter a class.

        Parameters
        ----------
        title
            Its name in words.
        cite
            Author, year, venue and title or section of the work that defines it.

        Raises
        ------
        SpecError
            If the name is taken.
        """

        def register(cls: type[T]) -> type[T]:
            info = Info(cls.__name__, title, cite, cls)
            fields: tuple[Any, ...] = dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ()
            self.enter(cls.__name__, info)
            if any(field.default is dataclasses.MISSING for field in fields):
                self.templates[cls.__name__] = self.pop(cls.__name__)
            return cls

        return register

    def create(self, text: str, **given: Any) -> T:
        """Make an instance from text such as ``ItemKNN(k=40)``, with further parameters given by keyword.

        Raises
        ------
        SpecError
            If the text cannot be read, the name or a parameter is unknown, or a value is not allowed.
        """
        name, written, cutoff = parse_call(text)
        info = self.find(name)
        if cutoff is not None:
            raise SpecError(f"{text!r}: a {self.kind} takes no cutoff; leave out @{cutoff}")
        return info.factory(**bind(info.name, info.parameters, {**written, **given}))
