"""What all queues under measurement have in common: how they are started, given jobs, watched, and weighed."""

import abc
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import services
from bench import Starter
from child import Failed
from queue_plan import Contender
from servers import Servers
from queue_tasks import Runs
from services import Service

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Trip:
    """A job's way to the queue: its name, and when it was sent and was accepted, in seconds of the machine's clock."""

    key: str
    sent: float
    accepted: float


@dataclass(frozen=True)
class Flood:
    """What producers got accepted that go as fast as they can; CPU seconds are theirs."""

    jobs: int
    seconds: float
    p50_milliseconds: float
    p99_milliseconds: float
    cpu_seconds: float = 0.0


class System(abc.ABC):
    """A queue with nothing in it, its processes and its clients; all of it is gone when the `with` ends."""

    def __init__(self, contender: Contender, servers: Servers, starter: Starter):
        self.contender = contender
        self.servers = servers
        self.starter = starter
        self.stack = contextlib.ExitStack()
        self.workers: list[Service] = []

    def __enter__(self) -> Self:
        try:
            self.open()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def serve(self, name: str, command: list[str], settings: dict[str, str]) -> Service:
        """Starts a program that the end of the `with` ends."""
        service = self.starter.serve(f"{name} ({self.contender.label})", command, settings)
        return self.stack.enter_context(service)

    @abc.abstractmethod
    def open(self) -> None:
        """Everything but the workers and the producers."""

    @abc.abstractmethod
    def add_worker(self) -> Service:
        """Starts one more worker, which need not be ready yet."""

    @abc.abstractmethod
    def ready_workers(self) -> int:
        """How many wait for jobs."""

    @property
    @abc.abstractmethod
    def usual_workers(self) -> int:
        """So many have as many jobs at a time as the workers of the others."""

    @abc.abstractmethod
    def send(self, body: str) -> Trip:
        """A job that does nothing."""

    @abc.abstractmethod
    def send_wait(self, body: str, seconds: float) -> Trip:
        """A job that takes a while."""

    @abc.abstractmethod
    def prepare_flood(self) -> None:
        """Has the producers ready, so that their start is not measured."""

    @abc.abstractmethod
    def flood(self, jobs: int) -> Flood:
        """About so many jobs that do nothing, as fast as they are accepted."""

    @abc.abstractmethod
    def is_busy(self) -> bool:
        """Whether there are jobs that did not end; cheap, since it is asked over and over."""

    @abc.abstractmethod
    def ended(self) -> tuple[int, float]:
        """How many jobs ended well since it was opened, and when the last one did, or at the latest did.

        Raises:
            Failed: one ended otherwise.
        """

    @abc.abstractmethod
    def starts(self, trips: list[Trip]) -> list[float]:
        """When each of these was begun."""

    def ends(self, trips: list[Trip]) -> list[float]:
        """When each of these ended; nothing where a queue does not tell."""
        return []

    @abc.abstractmethod
    def waited(self) -> dict[str, Runs]:
        """The runs of the jobs that take a while, by their bodies."""

    def roots(self) -> dict[str, list[int]]:
        """The processes to weigh: those of the queue itself, and the servers; their descendants count with them."""
        servers = {name: [pid] for name, pid in self.servers.pids.items()}
        return {"queue": [worker.pid for worker in self.workers]} | servers

    def cpu_seconds(self) -> dict[str, float]:
        return services.cpu_seconds(self.roots())

    def start_usual_workers(self) -> None:
        for _ in range(self.usual_workers):
            self.add_worker()
        self.wait_for(lambda: self.ready_workers() >= self.usual_workers, 60.0, "its workers are not ready")

    def warm_up(self, jobs: int) -> None:
        """What runs for the first time takes longer."""
        for number in range(jobs):
            self.send(f"warm-up-{number}")
        self.wait_until_idle(60.0)

    def wait_until_idle(self, seconds: float) -> None:
        self.wait_for(lambda: not self.is_busy(), seconds, "jobs are left")

    def wait_for(self, condition: Callable[[], bool], seconds: float, complaint: str) -> None:
        for _ in self.polls(seconds, complaint):
            if condition():
                return

    def polls(self, seconds: float, complaint: str) -> Iterator[None]:
        """Until the caller leaves the loop; at the deadline, or when a worker has ended, it fails."""
        deadline = time.monotonic() + seconds
        while True:
            yield
            for worker in self.workers:
                worker.require_alive()
            if time.monotonic() > deadline:
                raise Failed(f"{self.contender.label}: {complaint} after {seconds:g} s")
            time.sleep(POLL_SECONDS)
