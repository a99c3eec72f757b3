"""One command from its arguments to its exit code."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, Final

import typer

from beyondacc.cli.compiling import end
from beyondacc.cli.messages import in_options, one_line, say
from beyondacc.cli.options import app
from beyondacc.errors import BeyondAccError, NoEffectWarning
from beyondacc.texts import cut

from beyondacc.cli import catalog, evaluate, compare, rerank, study  # isort: skip - in the order in which --help lists them

__all__ = ["catalog", "compare", "evaluate", "rerank", "run", "study"]

_LONGEST: Final = 2400  # letters of an error, which may name a column of thousands
# Older releases of typer use the package click, later ones a copy of their own; the classes have the same names.
_ClickError: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


def run(argv: Sequence[str] | None) -> tuple[int, str]:
    """Run a command; return its exit code and, after an error, the line that says what is wrong."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(
                    errors="backslashreplace"
                )  # a title that the terminal cannot show is no reason to die
        command = typer.main.get_command(app)
        with warnings.catch_warnings():
            warnings.simplefilter("always", NoEffectWarning)
            warnings.showwarning = lambda message, *_where, **_more: say(f"note: {one_line(str(message))}", err=True)
            code = command.main(None if argv is None else list(argv), prog_name="beyondacc", standalone_mode=False)
        sys.stdout.flush()
    except _ClickError as error:
        ctx = getattr(error, "ctx", None)
        where = ctx.command_path if ctx is not None else "beyondacc"
        message = error.format_message().replace("Value error, ", "").rstrip(".")  # pydantic adds that
        return _fail(f"{message} (see {where} --help)")
    except BeyondAccError as error:
        return _fail(in_options(str(error)))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it flushes at exit
        return 1, ""
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _fail(f"{place}{error.strerror or error}")
    except (KeyboardInterrupt, typer.Abort):
        return 130, ""
    finally:
        end()
    return (code if isinstance(code, int) else 0), ""


def _fail(message: str) -> tuple[int, str]:
    return 2, f"error: {cut(one_line(message), _LONGEST)}"
