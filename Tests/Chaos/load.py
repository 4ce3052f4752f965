"""Clients that post clips while something goes wrong."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from client import Answer, NoAnswer

Post = Callable[[random.Random], Answer]


@dataclass
class Tally:
    """What the clients were told; threads add to it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    # Each accepted job with the moment at which its client knew.
    accepted: dict[str, float] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)

    def note(self, answer: Answer) -> str | None:
        """The id of the job, if it was accepted."""
        identity = answer.json()["id"] if answer.status == 202 else None
        with self.lock:
            self.answers[f"{answer.status} {answer.code}".strip()] += 1
            if identity is not None:
                self.accepted.setdefault(identity, time.time())
        return identity

    def note_silence(self) -> None:
        with self.lock:
            self.answers["no answer"] += 1

    def ids(self) -> set[str]:
        with self.lock:
            return set(self.accepted)

    def count(self) -> int:
        with self.lock:
            return len(self.accepted)


class Load:
    """Threads that post at a rate until they are stopped. Each has a generator of its own, derived from the scene's."""

    def __init__(self, post: Post, tally: Tally, generator: random.Random, rate: float, threads: int = 4):
        self.post = post
        self.tally = tally
        self.pause = threads / rate
        self.is_over = threading.Event()
        seeds = [generator.random() for _ in range(threads)]
        self.threads = [threading.Thread(target=self._work, args=(random.Random(seed),), daemon=True) for seed in seeds]
        self.errors: list[BaseException] = []

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _work(self, generator: random.Random) -> None:
        while not self.is_over.is_set():
            try:
                self.tally.note(self.post(generator))
            except NoAnswer:
                self.tally.note_silence()
            except Exception as error:  # noqa: BLE001 - raised again where the load is stopped
                self.errors.append(error)
                return
            self.is_over.wait(self.pause * generator.uniform(0.5, 1.5))

    def stop(self) -> None:
        self.is_over.set()
        for thread in self.threads:
            thread.join(timeout=60)
        if self.errors:
            raise self.errors[0]
