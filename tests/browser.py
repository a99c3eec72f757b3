"""Open a local HTML file in headless Chromium and say what happened: DOM, console, network, a picture."""

import dataclasses
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    # no name resolves, so neither the page nor the browser itself can reach anything; attempts are still logged
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--enable-logging=stderr",
    "--v=0",
    "--virtual-time-budget=10000",
)
_CONSOLE = re.compile(r':CONSOLE[:(]\d+\)?\] "(.*?)", source: ', re.DOTALL)


@dataclasses.dataclass(frozen=True)
class PageResult:
    """What a page did: `console` holds every message, `requests` every address it asked the network for."""

    dom: str
    console: tuple[str, ...]
    requests: tuple[str, ...]
    screenshot: Path | None


def open_page(path, *, screenshot=None, width=1200, height=1600):
    """Load the file, wait for its scripts and return a `PageResult`; the picture goes to `screenshot` if given."""
    assert CHROMIUM is not None, "no chromium on PATH; skip the test with pytest.mark.skipif(CHROMIUM is None, ...)"
    with tempfile.TemporaryDirectory(prefix="beyondacc-chromium-") as folder:
        log = Path(folder, "net.json")
        picture = [] if screenshot is None else [f"--screenshot={Path(screenshot).resolve()}"]
        command = [
            *(CHROMIUM, *_FLAGS, *picture, "--dump-dom"),
            f"--user-data-dir={folder}/profile",
            f"--log-net-log={log}",
            f"--window-size={width},{height}",
            Path(path).resolve().as_uri(),
        ]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=True)  # noqa: S603
        return PageResult(
            dom=done.stdout,
            console=tuple(_CONSOLE.findall(done.stderr)),
            requests=_requests(json.loads(log.read_text(encoding="utf-8"))),
            screenshot=None if screenshot is None else Path(screenshot),
        )


def _requests(log):
    start = log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    jobs = (event["params"] for event in log["events"] if event["type"] == start and "url" in event.get("params", {}))
    # Chromium asks for its own updates too; only what a local page asks for is isolated under file://
    return tuple(job["url"] for job in jobs if "file://" in job["network_isolation_key"])
