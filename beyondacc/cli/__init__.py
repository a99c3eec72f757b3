"""The command `beyondacc`: evaluate, rerank, study, and what there is to choose from.

Nothing but `main` stands here, so that signals are handled before anything else is imported.
"""

from __future__ import annotations

from collections.abc import Sequence

from beyondacc.cli.stopping import Stops

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Every error that a user can cause is one line on standard error, without a traceback; so is Ctrl-C, SIGTERM or
    SIGHUP, after which nothing half-written is left.

    Parameters
    ----------
    argv
        Arguments without the program's name; those of the process by default.

    Returns
    -------
    int
        Exit code: 0, 2 after an error, 1 where nobody reads the output any more, 130 after Ctrl-C, 143 after SIGTERM,
        129 after SIGHUP.
    """
    line = ""
    with Stops(to_the_end=argv is None) as stops:
        try:
            from beyondacc.cli.running import run  # noqa: PLC0415 - what takes time is imported when stops are heard

            code, line = run(argv)
        except BaseException as error:
            if not (stops.heard or isinstance(error, KeyboardInterrupt)):
                raise
            code = 130
        if code:  # what fails after a signal fails because of it
            code, line = stops.judge(code, line)
        stops.say(line)
    return code
