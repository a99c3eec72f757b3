"""Beyond-accuracy evaluation of recommender systems: evaluate, re-rank, study.

The public names stand in the stub beside this file. Each is imported when it is first used, so that importing the
package costs nothing.
"""

from functools import cache
from importlib import import_module
from typing import Any

__version__ = "0.1.0"


@cache
def _stub() -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Return where the stub imports each name from, and the modules it takes all names of."""
    import ast  # noqa: PLC0415 - when the first name is used
    import pkgutil  # noqa: PLC0415 - same; it reads from archives too

    names, whole = {}, []
    for node in ast.parse(pkgutil.get_data(__name__, "__init__.pyi") or b"").body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name == "*":
                    whole.append(str(node.module))
                else:
                    names[alias.asname or alias.name] = (str(node.module), alias.name)
    return names, whole


@cache
def _homes() -> dict[str, tuple[str, str]]:
    """Return the module and the name in it of every public name."""
    names, whole = _stub()
    return {name: (module, name) for module in whole for name in import_module(module).__all__} | names


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return sorted(_homes())
    found = None if name.startswith("_") else _stub()[0].get(name)
    if found is None and not name.startswith("_"):
        found = _homes().get(name)
    if found is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, inner = found
    value = import_module(f"{module}.{inner}") if module == __name__ else getattr(import_module(module), inner)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_homes())
