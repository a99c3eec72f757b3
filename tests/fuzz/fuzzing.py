"""Runs many cases of the fuzzer in processes of their own, and tells what is wrong with which, in few words.

How many is a matter of ``pytest --draws``; ``BEYONDACC_FUZZ=bytes:17`` runs one case.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import defaultdict
from pathlib import Path

from draws import draws

import beyondacc

WORKER = Path(__file__).with_name("fuzz_worker.py")
CHOSEN = os.environ.get("BEYONDACC_FUZZ", "")
_SILENCE = 100.0  # seconds after which a process is stuck: three times the limit of a case
_SHOWN = 12
LEAST = 10  # of each kind: some are done, some are refused


def numbers(kind, full):
    """The numbers of the cases to run: of one kind, of the one that was asked for, or all."""
    if ":" in CHOSEN:
        wanted, _, number = CHOSEN.partition(":")
        return range(int(number), int(number) + 1) if wanted == kind else range(0)
    return range(draws(full, LEAST))


def environment():
    """The environment of a process that imports what this one does."""
    found = os.environ | {"PYTHONPATH": str(Path(beyondacc.__file__).parents[1])}
    return found | {"PYTHONFAULTHANDLER": "1"}


def run_all(kind, cases):
    """Run cases of a kind; return ``{where: [(number, what is wrong)]}``, and how often what came of them."""
    wrong, outcomes = defaultdict(list), defaultdict(int)
    first, last = cases.start, cases.stop
    while first < last:
        at = first
        for line in _lines([sys.executable, str(WORKER), kind, str(first), str(last)]):
            if isinstance(line, str):  # the process is gone, or was stuck
                wrong[line.partition("\n")[0]].append((at, line))
                break
            if "start" in line:
                at = line["start"]
                continue
            first = line["number"] + 1
            if line["wrong"]:
                wrong[line["wrong"][0]].append((line["number"], line["wrong"][1]))
            else:
                outcomes[line["said"].partition(":")[0]] += 1
        else:
            break
        first = at + 1
    return dict(wrong), dict(outcomes)


def _lines(command):
    """Yield what a worker says; a text, the last, where it ends as it should not."""
    process = subprocess.Popen(  # noqa: S603 - our own
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    said, errors = queue.Queue(), []

    def read():
        for line in process.stdout:
            said.put(line)
        said.put(None)

    readers = [threading.Thread(target=read), threading.Thread(target=lambda: errors.extend(process.stderr))]
    for reader in readers:
        reader.start()
    try:
        while (line := said.get(timeout=_SILENCE)) is not None:
            yield json.loads(line)
        readers[1].join()
        if code := process.wait():
            yield f"the process ended with {code}\n{''.join(errors)[-3000:]}"
    except queue.Empty:
        yield f"nothing after {_SILENCE:.0f} s"
    finally:
        process.kill()
        process.wait()
        for reader in readers:
            reader.join()
        process.stdout.close()
        process.stderr.close()


def report(kind, wrong):
    """Say what is wrong: each place once, with its cases, how to run the first again, and what that was given."""
    lines = [f"{sum(map(len, wrong.values()))} inputs of kind {kind!r} end in one of {len(wrong)} wrong ways"]
    for where, found in sorted(wrong.items(), key=lambda each: -len(each[1]))[:_SHOWN]:
        number, text = found[0]
        shown = subprocess.run(  # noqa: S603 - our own
            [sys.executable, str(WORKER), kind, str(number), "show"],
            capture_output=True,
            text=True,
            check=False,
            env=environment(),
        )
        lines += ["", f"--- {where}: {[number for number, _ in found][:20]}", text[-1800:], shown.stdout.rstrip()]
        lines.append(f"again: BEYONDACC_FUZZ={kind}:{number} python -m pytest tests/fuzz")
        lines.append(f"   or: python tests/fuzz/fuzz_worker.py {kind} {number}")
    return "\n".join(lines)
