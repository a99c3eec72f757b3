"""Parameters with domains, read from annotated signatures; one shape of message for the whole library."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import inspect
import math
import re
import types
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from beyondacc.errors import SpecError, choices, did_you_mean

__all__ = [
    "Confidence",
    "Cutoff",
    "Day",
    "Fraction",
    "Group",
    "Param",
    "Range",
    "Seed",
    "arguments",
    "bind",
    "descriptions",
    "format_call",
    "inherited",
    "parameters",
]


_SECTION = "\nParameters\n----------\n"


@dataclasses.dataclass(frozen=True)
class Range:
    """An interval of numbers; the bounds belong to it unless `open_low`, `open_high`."""

    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: float) -> bool:
        """Whether the number lies inside."""
        if not math.isfinite(value):
            return False
        above = self.low is None or value > self.low or (value == self.low and not self.open_low)
        below = self.high is None or value < self.high or (value == self.high and not self.open_high)
        return above and below

    def __str__(self) -> str:
        if self.high is None:
            return "any number" if self.low is None else f"{'>' if self.open_low else '>='} {self.low:g}"
        if self.low is None:
            return f"{'<' if self.open_high else '<='} {self.high:g}"
        return f"in {'(' if self.open_low else '['}{self.low:g}, {self.high:g}{')' if self.open_high else ']'}"


class _Counts(Range):
    """Numbers of items or of rounds, of which more than a machine holds are refused before they are tried."""

    def __str__(self) -> str:
        return f">= {self.low:g} and at most {self.high:,.0f}"


Cutoff = Annotated[int, _Counts(1, 1_000_000)]
"""How many items of a list count."""
Fraction = Annotated[float, Range(0, 1)]
"""A number between 0 and 1."""
Confidence = Annotated[float, Range(0, 0.999999, open_low=True)]
"""How sure an interval is; nearer to 1, replicates and normal quantiles no longer tell numbers apart."""
Seed = Annotated[int, Range(low=0)]
"""Starts a generator of random numbers."""


class Day(dt.date):
    """A date as a parameter: given as a date or as text, written as text such as 2020-12-31."""

    @classmethod
    def describe(cls) -> str:
        """Say what is allowed, for messages."""
        return "a date such as 2020-12-31"

    @classmethod
    def parse(cls, value: Any) -> Day | None:
        """Return the day of a date, a time or an ISO text, None where it is none of these."""
        try:
            if isinstance(value, dt.date):
                return cls(value.year, value.month, value.day)
            return cls.fromisoformat(value)
        except (TypeError, ValueError):  # pandas.NaT is a date without a year
            return None


class Group:
    """Parameters that several declarations share: base of frozen dataclasses whose fields are the parameters.

    A function takes such a group as one keyword-only argument; its caller gives the fields one by one. The default of
    the argument is an instance, and its values are the defaults.
    """


@dataclasses.dataclass(frozen=True)
class Param:
    """One parameter: its name, its default and what it may be.

    Parameters
    ----------
    name
        As in the signature.
    default
        The default; `inspect.Parameter.empty` where the parameter must be given.
    annotation
        ``bool``, ``int``, ``float``, ``str``, a ``Literal``, an ``Annotated`` number with a `Range`, a union of these
        with ``None``, or a class with a ``parse`` class method (such as `Distance`).
    """

    name: str
    default: Any
    annotation: Any

    @property
    def domain(self) -> str:
        """What is allowed, in words."""
        return _describe(self.annotation)

    def as_dict(self) -> dict[str, Any]:
        """Return name, default and domain in values that JSON can hold."""
        plain = self.default if isinstance(self.default, bool | int | float | str | None) else str(self.default)
        return {"name": self.name, "default": plain, "domain": self.domain}

    def check(self, value: Any, owner: str) -> Any:
        """Return the value in its type, or raise a `SpecError` that names the owner."""
        accepted, result = _accept(self.annotation, value)
        if not accepted:
            raise SpecError(f"{owner}: {self.name}={value!r} is not allowed; {self.name} must be {self.domain}")
        return result


def _describe(annotation: Any) -> str:
    if annotation is None or annotation is type(None):
        return "none"
    origin = get_origin(annotation)
    if origin is Literal:
        return choices(repr(choice) if isinstance(choice, str) else choice for choice in get_args(annotation))
    if origin is Annotated:
        base, span = get_args(annotation)
        return f"{_describe(base)} {span}"
    if origin in {Union, types.UnionType}:
        parts = get_args(annotation)
        named = any(get_origin(part) is Literal and "none" in get_args(part) for part in parts)
        return choices(_describe(part) for part in parts if not (named and part is type(None)))
    if annotation is bool:
        return "true or false"
    if annotation is int:
        return "a whole number"
    if annotation is float:
        return "a number"
    if annotation is str:
        return "a text"
    return str(annotation.describe())


def _accept(annotation: Any, value: Any) -> tuple[bool, Any]:
    if annotation is None or annotation is type(None):
        return value is None or value == "none", None
    origin = get_origin(annotation)
    if origin is Literal:
        return any(value == choice and isinstance(value, type(choice)) for choice in get_args(annotation)), value
    if origin is Annotated:
        base, span = get_args(annotation)
        accepted, number = _accept(base, value)
        return accepted and number in span, number
    if origin in {Union, types.UnionType}:
        return next((found for part in get_args(annotation) if (found := _accept(part, value))[0]), (False, value))
    if annotation is bool:
        return _boolean(value)
    if annotation in {int, float}:
        return _number(annotation, value)
    if annotation is str:
        return isinstance(value, str), value
    found = annotation.parse(value)
    return found is not None, found


def _boolean(value: Any) -> tuple[bool, Any]:
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return True, value.lower() == "true"
    return type(value).__name__ in {"bool", "bool_"}, bool(value)


def _number(kind: type[int | float], value: Any) -> tuple[bool, Any]:
    if type(value).__name__ in {"bool", "bool_"}:
        return False, value
    if kind is int and isinstance(value, int):
        return True, value  # through float a large seed would lose digits
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return False, value
    if kind is float:
        return math.isfinite(number), number
    return number.is_integer(), int(number) if number.is_integer() else value


def parameters(function: Callable[..., Any]) -> dict[str, Param]:
    """Read the keyword-only parameters of a function or a class, or the fields of a dataclass; groups are opened."""
    if isinstance(function, type) and dataclasses.is_dataclass(function):
        hints = get_type_hints(function, include_extras=True)  # each in the module of the class that declares it
        return {
            field.name: Param(
                field.name,
                inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default,
                hints[field.name],
            )
            for field in dataclasses.fields(function)
        }
    found: dict[str, Param] = {}
    for name, parameter in _keyword_only(function).items():
        if _is_group(parameter.annotation):
            opened = parameters(parameter.annotation)
            found |= {
                each: dataclasses.replace(param, default=getattr(parameter.default, each))
                for each, param in opened.items()
            }
        else:
            found[name] = Param(name, parameter.default, parameter.annotation)
    return found


@functools.cache
def _keyword_only(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    signature = inspect.signature(function, eval_str=True)
    return {
        name: parameter
        for name, parameter in signature.parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }


def _is_group(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Group)


def arguments(function: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments of a function from the flat values of its parameters: groups are closed again."""
    given = dict(values)
    for name, parameter in _keyword_only(function).items():
        if _is_group(parameter.annotation):
            fields = dataclasses.fields(parameter.annotation)
            given[name] = parameter.annotation(**{field.name: given.pop(field.name) for field in fields})
    return given


def descriptions(function: Callable[..., Any]) -> dict[str, str]:
    """Read what the docstring of a function, and those of its groups, say about each parameter."""
    found = _described(inspect.getdoc(function) or "")
    if not isinstance(function, type):
        for parameter in _keyword_only(function).values():
            if _is_group(parameter.annotation):
                for base in reversed(parameter.annotation.__mro__):
                    found |= _described(inspect.cleandoc(base.__dict__.get("__doc__") or ""))
    return found


def _described(doc: str) -> dict[str, str]:
    return {name: " ".join(text.split()).replace("``", "") for name, text in _entries(doc).items()}


def _entries(doc: str) -> dict[str, str]:
    """Return what a section of parameters says of each, as it is written."""
    section = doc.partition(_SECTION)[2]
    found: dict[str, str] = {}
    for match in re.finditer(r"^(?P<names>\w[\w, ]*)\n(?P<text>(?:    .*\n?|\n)+)", section, re.MULTILINE):
        found.update(dict.fromkeys((name.strip() for name in match["names"].split(",")), match["text"].rstrip()))
    return found


def inherited(cls: type) -> str:
    """Return the docstring of a class with what its bases say of parameters that it does not describe itself."""
    own = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
    known: dict[str, str] = {}
    for base in reversed(cls.__mro__[1:]):
        known |= _entries(inspect.cleandoc(base.__dict__.get("__doc__") or ""))
    further = "\n".join(f"{name}\n{text}" for name, text in known.items() if name not in _entries(own))
    if not further:
        return own
    head, section, rest = own.partition(_SECTION)
    return f"{head}{section}{further}\n{rest}" if section else f"{own}\n{_SECTION}{further}"


def bind(owner: str, known: Mapping[str, Param], given: Mapping[str, Any]) -> dict[str, Any]:
    """Check the given values against the declared parameters and fill in the defaults."""
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) if known else "it takes none"
            raise SpecError(f"{owner} has no parameter {name!r}; {hint}")
    values = {}
    for name, param in known.items():
        if name in given:
            values[name] = param.check(given[name], owner)
        elif param.default is inspect.Parameter.empty:
            raise SpecError(f"{owner} needs {name}=, {param.domain}")
        else:
            values[name] = param.check(param.default, owner)
    return values


def format_call(name: str, known: Mapping[str, Param], values: Mapping[str, Any], always: Collection[str] = ()) -> str:
    """Write ``name(parameter=value)``, which `names.parse_call` reads back.

    Parameters
    ----------
    always
        Parameters that are written at their default too; all others only where they differ from it.
    """
    shown = []
    for key, value in values.items():
        param = known[key]
        has_default = param.default is not inspect.Parameter.empty
        if has_default and key not in always and value == param.check(param.default, name):
            continue
        shown.append(f"{key}={str(value).lower() if isinstance(value, bool) or value is None else value}")
    return f"{name}({', '.join(shown)})" if shown else name
