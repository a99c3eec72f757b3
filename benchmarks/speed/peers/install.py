"""Make a virtual environment for each peer, because their pins clash.

Run ``python benchmarks/speed/peers/install.py --folder ENVS`` for all, or name some. Versions are those of
``pins.json``. A peer that cannot be installed is named with the reason, and the others go on.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["DEFAULT_FOLDER", "PINS", "Outcome", "install", "python_of", "versions_of"]

PINS: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("pins.json").read_text(encoding="utf-8"))
DEFAULT_FOLDER = Path(tempfile.gettempdir()) / "beyondacc-peers"
_RECORD = "requirements.json"  # in an environment that is complete
_LONGEST = 200


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one environment.

    Attributes
    ----------
    reason
        Why it failed, in a line; empty where it did not.
    versions
        Of everything in it.
    """

    name: str
    reason: str = ""
    versions: dict[str, str] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        if self.reason:
            return f"{self.name}: failed: {self.reason}"
        return f"{self.name}: {self.versions.get(self.name, 'installed')}, {len(self.versions)} packages"


def python_of(folder: Path, name: str) -> Path:
    """Return the interpreter of a peer's environment."""
    return folder / name / "bin" / "python"


def versions_of(python: Path) -> dict[str, str]:
    """Return the version of each package of an environment."""
    listed = _run([str(python), "-m", "pip", "list", "--format", "json"])
    return {each["name"].lower().replace("_", "-"): each["version"] for each in json.loads(listed)}


def install(name: str, folder: Path, pins: dict[str, dict[str, Any]] | None = None) -> Outcome:
    """Make the environment of one peer; one that is there with the same requirements is kept."""
    python, wanted = python_of(folder, name), (pins or PINS)[name]
    record = folder / name / _RECORD
    try:
        if not record.exists() or json.loads(record.read_text(encoding="utf-8")) != wanted["requirements"]:
            _run([sys.executable, "-m", "venv", "--clear", str(folder / name)])
            _run([str(python), "-m", "pip", "install", "--quiet", *wanted["requirements"]])
            # what installs may still not import, such as an old release beside a new numpy
            _run([str(python), "-c", f"import {wanted['imports']}"])
            record.write_text(json.dumps(wanted["requirements"]), encoding="utf-8")
        return Outcome(name, versions=versions_of(python))
    except subprocess.CalledProcessError as error:
        return Outcome(name, reason=_last_error(error.stderr or error.stdout or str(error)))


def _run(command: list[str]) -> str:
    # the words are ours and those of pins.json
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603


def _last_error(text: str) -> str:
    """Pick the line that says most: the last one that speaks of an error."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower()] or lines or ["no message"]
    return telling[-1][:_LONGEST]


def main() -> None:
    """Install what is named, and say what failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"all by default: {', '.join(PINS)}")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="where the environments go")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(PINS):
        parser.error(f"no peer is called {', '.join(sorted(unknown))}; there are {', '.join(PINS)}")
    outcomes = []
    for name in chosen.names or PINS:
        outcomes.append(install(name, chosen.folder))
        print(outcomes[-1], flush=True)
    if failed := [each.name for each in outcomes if each.reason]:
        sys.exit(f"{len(failed)} of {len(outcomes)} failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
