"""The commands that docs/api.md shows, run as they stand there."""

import os
import pathlib
import re
import shutil
import subprocess
from collections.abc import Iterator

from paths import ROOT

PAGE = ROOT / "docs" / "api.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECONDS = 60
CURL = """\
#!/bin/sh
# The page's curl, but such that an answer of 4xx or 5xx ends it.
exec "$REAL_CURL" --fail-with-body "$@"
"""


def blocks() -> list[str]:
    return BLOCK.findall(PAGE.read_text(encoding="utf-8"))


def checks(url: str, key: str, folder: pathlib.Path) -> Iterator[tuple[str, str]]:
    """Runs every block in one folder, one after another, so that a later one finds what an earlier one wrote."""
    found = blocks()
    place = folder / "commands"
    tools = folder / "tools"
    place.mkdir()
    tools.mkdir()
    (tools / "curl").write_text(CURL, encoding="utf-8")
    (tools / "curl").chmod(0o755)
    shutil.copy(ROOT / "samples" / "astronaut-real.mp4", place / "clip.mp4")
    environment = {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "HOME": str(place),
        "REAL_CURL": shutil.which("curl") or "curl",
        "WHORL_URL": url,
        "WHORL_API_KEY": key,
    }
    for number, block in enumerate(found, 1):
        name = f"docs/api.md, command {number}: {block.strip().splitlines()[0][:60]}"
        yield name, _run(block, environment, place)


def _run(block: str, environment: dict[str, str], place: pathlib.Path) -> str:
    """What went wrong; empty if nothing did."""
    try:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block], cwd=place, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"it did not end within {SECONDS} s"
    return "" if done.returncode == 0 else f"code {done.returncode}: {done.stdout[-500:]} {done.stderr[-500:]}"
