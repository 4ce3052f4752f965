"""The bodies that are posted: scripts for the scripted worker, and real clips made unlike each other."""

import itertools
import pathlib

SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "samples"


class Clips:
    """Makes bodies of which no two are equal, unless that is the point."""

    def __init__(self, label: str):
        self.label = label
        self.numbers = itertools.count(1)

    def script(self, *commands: str) -> bytes:
        """A clip that tells its worker what to do; without commands it gets its verdict at once."""
        # `next` of a count is atomic, and threads share it.
        return "\n".join([f"# chaos {self.label} {next(self.numbers)}", *commands, ""]).encode()

    def real(self, name: str = "astronaut-real") -> bytes:
        """A sample with a box at its end that every reader of MP4 skips."""
        mark = f"chaos {self.label} {next(self.numbers)}".encode()
        return (SAMPLES / f"{name}.mp4").read_bytes() + (8 + len(mark)).to_bytes(4, "big") + b"free" + mark
