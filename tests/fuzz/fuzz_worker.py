"""Runs cases of the fuzzer in a process of its own and judges each; one that ends the process is seen by who waits.

``python tests/fuzz/fuzz_worker.py KIND NUMBER`` shows a case and what comes of it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import io
import json
import os
import re
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the helpers of all tests

from fuzz_cases import make

LIMIT = 30.0  # seconds for an input
LONGEST = 2500  # letters of a sentence on the command line
_MEMORY = 6 << 30  # bytes


class _Wrong(Exception):  # noqa: N818 - what the judge says
    """What is wrong with an outcome."""


def _streams():
    return io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace"), io.TextIOWrapper(io.BytesIO(), "utf-8")


def _read(stream):
    stream.flush()
    return stream.buffer.getvalue()


def _contents(folder):
    """The content of each file below a folder; links and folders by what they are."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def run_command(args, folder):
    """Run a command in this process, and raise `_Wrong` where its outcome is not one of those allowed."""
    from beyondacc.cli import main

    before = _contents(folder)
    out, err = _streams()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(args)
    said, printed = _read(err).decode(), _read(out)
    said = re.sub(r"^compiling kernels, .*\n", "", said, flags=re.MULTILINE)  # said once, by whoever needs one first
    lines = said.splitlines()
    if not (said.endswith("\n") or not said):
        raise _Wrong(f"the last line is not ended: {said[-300:]!r}")
    if "Traceback" in said or re.search(r"[\x00-\x09\x0b-\x1f\x7f]", said):
        raise _Wrong(f"not fit for a terminal: {said[:500]!r}")
    after = _contents(folder)
    hidden = {name for name in after if Path(name).name.startswith(".")} - set(before)
    if code == 0:
        _judge_success(args, lines, printed, before, after)
    elif code == 2:
        _judge_error(said, lines, printed, before, after)
        hidden = {name for name in hidden if ".cells" not in name}  # with which a study goes on
    else:
        raise _Wrong(f"exit code {code}: {said[:500]!r}")
    if hidden:
        raise _Wrong(f"left behind: {sorted(hidden)}")
    return f"exit {code}: {lines[-1][:200] if lines else ''}"


def _judge_success(args, lines, printed, before, after):
    odd = [line for line in lines if not re.match(r"(note: |wrote |\[ *\d|\S+: )", line) and args[0] != "rerank"]
    if odd and "--diagnose" not in args:
        raise _Wrong(f"an unknown line: {odd[0][:500]!r}")
    if lost := set(before) - set(after):
        raise _Wrong(f"files are gone: {sorted(lost)}")
    if not {"--format", "-o", "--output"} & set(args) and re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", printed):
        raise _Wrong(f"printed what a terminal obeys: {printed[:500]!r}")


def _judge_error(said, lines, printed, before, after):
    errors = [line for line in lines if line.startswith("error: ")]
    if len(errors) != 1 or lines[-1] != errors[0] or not 8 < len(errors[0]) < LONGEST:
        raise _Wrong(f"not one sentence: {said[:800]!r}")
    if printed:
        raise _Wrong(f"an error after output: {printed[:300]!r}")
    kept = "failed and left out" in said or "run of the study failed" in said  # what did not fail, in its cells
    if not kept and after != before:
        raise _Wrong(f"half-written: {sorted(set(after) ^ set(before))}")


def run_call(call):
    """Call Python, and raise `_Wrong` where an error of ours is not one sentence."""
    from beyondacc.errors import BeyondAccError

    try:
        call()
    except BeyondAccError as error:
        if "\n" in str(error) or not 0 < len(str(error)) < 4 * LONGEST:
            raise _Wrong(f"not one sentence: {str(error)[:800]!r}") from None
        return f"{type(error).__name__}: {str(error)[:200]}"
    return "returned"


def _once(kind, number):
    case = make(kind, number)
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    before = Path.cwd()
    started = time.perf_counter()
    try:
        case.write(folder)
        os.chdir(folder)
        said = run_command(case.args, folder) if case.call is None else run_call(case.call)
        return said, time.perf_counter() - started
    finally:
        os.chdir(before)
        shutil.rmtree(folder, ignore_errors=True)


def judge(kind, number):
    """Run a case; return what came of it, and None or where and how it is wrong."""
    make(kind, number)  # outside of what is judged
    try:
        said, seconds = _once(kind, number)
        if seconds > LIMIT:  # perhaps what was compiled for it
            said, seconds = _once(kind, number)
        if seconds > LIMIT:
            return said, ("slow", f"{seconds:.0f} s")
    except _Wrong as wrong:
        return "", (re.sub(r"['\"\d].*", "", str(wrong)), str(wrong))
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if f"{os.sep}beyondacc{os.sep}" in frame.filename] or frames
        place = f"{Path(own[-1].filename).parent.name}/{Path(own[-1].filename).name}:{own[-1].name}"
        return "", (f"{type(error).__name__} at {place}", traceback.format_exc())
    return said, None


def show(kind, number):
    """Return a case as text: what is given and what is called."""
    case = make(kind, number)
    lines = [f"{kind} {number}: {case.args or case.text}"]
    for name, content in case.files.items():
        used = any(name in arg for arg in case.args)
        if used:
            lines.append(f"  {name}: {str(content)[:1500]}")
    return "\n".join(lines)


def _limit_memory():
    try:
        import resource
    except ImportError:
        return
    # of what is written to: the script engine that draws charts reserves far more
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def main(kind, first, last):
    faulthandler.enable()
    warnings.simplefilter("ignore", ResourceWarning)
    _limit_memory()
    for number in range(first, last):
        print(json.dumps({"start": number}), flush=True)
        said, wrong = judge(kind, number)
        print(json.dumps({"number": number, "said": said, "wrong": wrong}), flush=True)
        gc.collect()


if __name__ == "__main__":
    if sys.argv[3:] == ["show"]:
        print(show(sys.argv[1], int(sys.argv[2])))
    elif len(sys.argv) == 4:
        main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    else:
        print(show(sys.argv[1], int(sys.argv[2])))
        print(*judge(sys.argv[1], int(sys.argv[2])), sep="\n")
