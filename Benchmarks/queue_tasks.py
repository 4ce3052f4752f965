"""What the peers' jobs do: nothing, or a while of waiting of which each start and each end is noted in a file."""

import os
import pathlib
import time
from dataclasses import dataclass, field


def nothing(body: str) -> float:
    """A job that does nothing; its result tells when it ran."""
    return time.time()


def wait(body: str, seconds: float, notes: str) -> None:
    """A job that takes its time."""
    _note(notes, "start", body)
    time.sleep(seconds)
    _note(notes, "end", body)


def _note(path: str, what: str, body: str) -> None:
    """One write of a short line, which no other process's can come between."""
    line = f"{what} {time.time():.6f} {body}\n".encode()
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line)
    finally:
        os.close(file)


@dataclass
class Runs:
    """The moments at which a job was started and ended, each as often as it was."""

    starts: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)


def noted(path: pathlib.Path) -> dict[str, Runs]:
    """What the jobs noted so far, by their bodies."""
    found: dict[str, Runs] = {}
    if not path.exists():
        return found
    for line in path.read_text(encoding="utf-8").splitlines():
        what, moment, body = line.split(" ", 2)
        runs = found.setdefault(body, Runs())
        (runs.starts if what == "start" else runs.ends).append(float(moment))
    return found
