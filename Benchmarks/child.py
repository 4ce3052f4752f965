"""A contender as a child process: every answer has a deadline, and nothing of it is left behind."""

import json
import os
import pathlib
import select
import signal
import subprocess
import time
from collections.abc import Callable

from memory import INTERVAL_SECONDS


class Failed(Exception):
    """A contender did not do what it was asked for; the message says which and what."""


class Unavailable(Exception):
    """A contender says that this CPU lacks what it needs; the message is its own."""


class Child:
    """`python forward_peer.py …` or `whorl bench forward … --serve`: lines of JSON for lines of numbers."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], cpus: set[int], log: pathlib.Path):
        self.name = name
        self.log = log
        self.buffer = b""
        with log.open("wb") as errors:
            # A session of its own: Ctrl-C reaches this process only, which then ends the children in order.
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, cpus),
            )

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Once or more often."""
        # It has nothing to save. The group holds the compiler that torch.compile may be running.
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process.stdout.close()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            # A number that it never read.
            return

    def first(self, wanted: int, may_be_unavailable: bool, seconds: float) -> list[float]:
        """The first line. A single line on standard error and a code mean that the CPU lacks something."""
        try:
            return self.answers(wanted, seconds)
        except Failed:
            words = self._last_words()
            if may_be_unavailable and (self.process.poll() or 0) > 0 and len(words) == 1:
                raise Unavailable(words[0]) from None
            raise

    def measure(self, runs: int, seconds: float, watch: Callable[[], None] | None = None) -> list[float]:
        """The seconds of each of that many runs; `watch` is called every few milliseconds in the meantime."""
        self.ask(runs)
        return self.answers(runs, seconds, watch)

    def ask(self, runs: int) -> None:
        """The first half of `measure`, for several that shall work at once."""
        try:
            self.process.stdin.write(f"{runs}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def answers(self, wanted: int, seconds: float, watch: Callable[[], None] | None = None) -> list[float]:
        """A line with that many numbers."""
        line = self._line(seconds, watch)
        try:
            values = json.loads(line)
        except ValueError:
            values = None
        if not isinstance(values, list) or not all(isinstance(value, (int, float)) for value in values):
            raise Failed(f"{self.name}: answered {line[:200]!r}, which is no JSON list of numbers")
        if len(values) != wanted:
            raise Failed(f"{self.name}: answered with {len(values)} numbers, {wanted} expected")
        return values

    def _line(self, seconds: float, watch: Callable[[], None] | None) -> str:
        deadline = time.monotonic() + seconds
        output = self.process.stdout.fileno()
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Failed(f"{self.name}: gave no answer within {seconds:g} s")
            if watch is not None:
                watch()
            if not select.select([output], [], [], min(left, INTERVAL_SECONDS) if watch else left)[0]:
                continue
            read = os.read(output, 65536)
            if not read:
                raise self._ended()
            self.buffer += read
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode(errors="replace")

    def _ended(self) -> Failed:
        try:
            code = self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            return Failed(f"{self.name}: closed its output and goes on")
        how = f"with code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
        words = "\n  ".join(self._last_words()[-10:]) or "nothing"
        return Failed(f"{self.name}: ended {how}; on standard error it said:\n  {words}")

    def _last_words(self) -> list[str]:
        return self.log.read_text(errors="replace").strip().splitlines()
