"""What processes take of the machine's memory, as the kernel tells it."""

import pathlib
from dataclasses import dataclass

INTERVAL_SECONDS = 0.003


@dataclass
class Peak:
    """Bytes: what was in memory at most (RSS), and the same with shared pages divided among those that share them (PSS); 0 is unknown."""

    resident: int = 0
    proportional: int = 0

    def raise_to(self, resident: int, proportional: int) -> None:
        self.resident = max(self.resident, resident)
        self.proportional = max(self.proportional, proportional)


def kilobyte_lines(path: pathlib.Path) -> dict[str, int]:
    """The lines `Name: 123 kB` of a file under /proc, in bytes; none once the process is gone."""
    try:
        words = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return {}
    return {line[0].rstrip(":"): int(line[1]) * 1024 for line in words if len(line) == 3 and line[2] == "kB"}


def now(pid: int) -> tuple[int, int]:
    """RSS and PSS in bytes at this moment."""
    lines = kilobyte_lines(pathlib.Path(f"/proc/{pid}/smaps_rollup"))
    return lines.get("Rss", 0), lines.get("Pss", 0)


def most_resident(pid: int) -> int:
    """The peak of the RSS since the process began, which no reading can miss; 0 once it is gone."""
    return kilobyte_lines(pathlib.Path(f"/proc/{pid}/status")).get("VmHWM", 0)


def children(pid: int, program: str) -> list[int]:
    """Those that run `program`: between fork and exec a child is still its parent."""
    found = []
    for listed in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in listed.read_text().split()]
        except OSError:
            # The thread has ended.
            continue
    return [child for child in found if name_of(child) == program]


def name_of(pid: int) -> str:
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


class Watch:
    """The peaks of a process, of its children of one name, and of all of them at one moment."""

    def __init__(self, pid: int, program: str = ""):
        self.pid = pid
        self.program = program
        self.child = Peak()
        self.all = Peak()

    def read(self) -> None:
        """Called over and over while the process works."""
        resident, proportional = now(self.pid)
        for child in children(self.pid, self.program) if self.program else []:
            taken = now(child)
            self.child.raise_to(max(taken[0], most_resident(child)), taken[1])
            resident, proportional = resident + taken[0], proportional + taken[1]
        self.all.raise_to(resident if self.program else max(resident, most_resident(self.pid)), proportional)
