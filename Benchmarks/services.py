"""Programs that run beside a benchmark: started in a session of their own, weighed by their CPU time, and ended with all that they started."""

import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass

from child import Failed

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# What a SIGKILL may take; a process that waits for a disk does not go at once.
END_SECONDS = 10.0


@dataclass(frozen=True)
class Process:
    """What one line of `/proc/PID/stat` tells that matters here; `ticks` are its own and those of its children that it waited for."""

    parent: int
    session: int
    is_zombie: bool
    ticks: int


def processes() -> dict[int, Process]:
    """All that there are, by their ids."""
    found = {}
    for folder in pathlib.Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "stat").read_text(errors="replace")
        except OSError:
            # It has ended.
            continue
        # The name before it, in brackets, may hold anything.
        words = text[text.rindex(")") + 2 :].split()
        ticks = sum(int(word) for word in words[11:15])
        found[int(folder.name)] = Process(int(words[1]), int(words[3]), words[0] == "Z", ticks)
    return found


def families(roots: Iterable[int], known: dict[int, Process]) -> set[int]:
    """The processes and all that descend from them."""
    children: dict[int, list[int]] = {}
    for pid, process in known.items():
        children.setdefault(process.parent, []).append(pid)
    members: set[int] = set()
    waiting = [root for root in roots if root in known]
    while waiting:
        pid = waiting.pop()
        if pid not in members:
            members.add(pid)
            waiting += children.get(pid, [])
    return members


def cpu_seconds(roots: dict[str, list[int]]) -> dict[str, float]:
    """For each name the CPU time of its processes and of all that they started, up to now, all read at one moment."""
    known = processes()
    return {name: sum(known[pid].ticks for pid in families(pids, known)) / TICKS_PER_SECOND for name, pids in roots.items()}


class Service:
    """A program that runs until it is ended; what it says goes to a file."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], log: pathlib.Path):
        self.name = name
        self.log = log
        with log.open("ab") as output:
            # A session of its own: Ctrl-C does not reach it, and whatever it starts is found by the session's number.
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, start_new_session=True
            )

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        return self.process.pid

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def require_alive(self) -> None:
        # Only looked at: until it is waited for, nobody else gets its number, by which `kill` finds the session.
        ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is not None:
            words = "\n  ".join(self.said().strip().splitlines()[-10:]) or "nothing"
            raise Failed(f"{self.name}: ended with status {ended.si_status}; it said:\n  {words}")

    def kill(self) -> None:
        """SIGKILL for it and for all of its session, once or more often: as when a machine or a container goes."""
        deadline = time.monotonic() + END_SECONDS
        while self.process.returncode is None and (members := self._members()):
            if time.monotonic() > deadline:
                raise Failed(f"{self.name}: process {members[0]} does not end")
            for pid in members:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    # It was quicker.
                    continue
            time.sleep(0.005)
        self.process.wait()

    def _members(self) -> list[int]:
        """Those of its session that still run; itself first, which would notice the others' end."""
        found = [pid for pid, process in processes().items() if process.session == self.pid and not process.is_zombie]
        return sorted(found, key=lambda pid: pid != self.pid)
