"""One of the product's programs as a child process, with what it wrote."""

import json
import os
import pathlib
import signal
import subprocess
from collections.abc import Callable, Iterator

from waiting import Breach, wait_for


class Program:
    """A gateway, a worker or a command, in a session of its own so that a signal to the harness does not reach it."""

    def __init__(
        self,
        name: str,
        command: list[str],
        environment: dict[str, str],
        log: pathlib.Path,
        prepare: Callable[[], None] | None = None,
    ):
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
                preexec_fn=prepare,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def signal(self, number: int) -> None:
        """To the program alone, as a kernel or an operator would."""
        if self.is_running:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, and the wait until it is gone."""
        self.signal(signal.SIGKILL)
        self.process.wait(timeout=30)

    def stop(self) -> None:
        self.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.signal(signal.SIGCONT)

    def terminate(self) -> None:
        self.signal(signal.SIGTERM)

    def exit_code(self, seconds: float) -> int:
        """The code with which it ends by itself; negative for a signal."""
        wait_for(f"{self.name} (process {self.pid}) ends", lambda: not self.is_running, seconds)
        return self.process.returncode

    def end(self) -> None:
        """Ends it and whatever it started: a killed worker cannot end its decoder."""
        if self.is_running:
            self.go_on()
            self.kill()
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def records(self) -> Iterator[dict[str, str]]:
        """The lines of its log that are JSON."""
        for line in self.text().splitlines():
            if not line.startswith("{"):
                continue
            try:
                yield json.loads(line)
            except ValueError:
                # A line that is being written.
                continue

    def listening_port(self, message: str = "listening", seconds: float = 60) -> int:
        """The port that a gateway says it listens on: for clients, or for operators."""

        def port() -> int | None:
            if not self.is_running:
                raise Breach(f"{self.name} ended with code {self.process.returncode}:\n{self.text()[-2000:]}")
            for record in self.records():
                if record.get("message") == message:
                    return int(record["port"])
            return None

        return wait_for(f"{self.name} listens", port, seconds)
