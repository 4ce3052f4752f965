"""The peers as queues under measurement: Celery and RQ, each with a database of its own on the benchmark's Redis."""

import abc
import json
import statistics
import sys
import time
from collections.abc import Callable

from rq.job import Job

import queue_celery
import queue_rq
import queue_tasks
import services
from bench import HERE
from child import Child, Failed
from queue_plan import PRODUCERS, SLOTS, WORKERS
from queue_system import Flood, System, Trip
from queue_tasks import Runs
from services import Service

# Redis' databases by number; Whorl has the first.
DATABASES = {("celery", False): 1, ("rq", False): 2, ("celery", True): 3, ("rq", True): 4}
FLOOD_SECONDS = 300.0


class Peer(System):
    """What both have in common: Redis, producers as processes, and jobs that note when they ran."""

    def open(self) -> None:
        number = DATABASES[self.contender.system, self.has_defaults]
        self.url = self.servers.redis_database(number)
        self.redis = self.stack.enter_context(self.servers.redis(number))
        self.redis.flushdb()
        self.stack.callback(self.redis.flushdb)
        if self.contender.way == "flushed":
            self.stack.callback(self.servers.flush_every_write, number, False)
            self.servers.flush_every_write(number, True)
        self.notes = self.starter.next_log().with_suffix(".notes")
        self.producers: list[Child] = []
        self.sent = 0
        self.open_client()

    @property
    def has_defaults(self) -> bool:
        return self.contender.way == "defaults"

    @property
    def settings(self) -> dict[str, str]:
        return {"PEER_REDIS_URL": self.url}

    @abc.abstractmethod
    def open_client(self) -> None:
        """What this process sends jobs with."""

    @abc.abstractmethod
    def worker_options(self) -> list[str]:
        """How its workers are started, but for their name."""

    @abc.abstractmethod
    def submit(self, task: Callable, *words: object) -> str:
        """Sends a job and returns its name."""

    def add_worker(self) -> Service:
        name = f"worker-{len(self.workers) + 1}"
        command = [sys.executable, str(HERE / f"queue_{self.contender.system}.py"), "--name", name] + self.worker_options()
        self.workers.append(self.serve(name, command, self.settings))
        return self.workers[-1]

    def send(self, body: str) -> Trip:
        return self._trip(queue_tasks.nothing, body)

    def send_wait(self, body: str, seconds: float) -> Trip:
        return self._trip(queue_tasks.wait, body, seconds, str(self.notes))

    def _trip(self, task: Callable, *words: object) -> Trip:
        sent = time.time()
        key = self.submit(task, *words)
        self.sent += 1
        return Trip(key, sent, time.time())

    def _moment(self, result: object) -> float:
        if not isinstance(result, float):
            raise Failed(f"{self.contender.label}: a job's result is {result!r}, and no moment")
        return result

    def waited(self) -> dict[str, Runs]:
        return queue_tasks.noted(self.notes)

    def prepare_flood(self) -> None:
        command = [sys.executable, str(HERE / "queue_producer.py"), self.contender.system]
        for number in range(PRODUCERS):
            name = f"producer {number + 1} ({self.contender.label})"
            child = self.starter.start(name, command, len(self.starter.available), self.settings)
            self.producers.append(self.stack.enter_context(child))
        for child in self.producers:
            child.first(0, False, self.starter.deadline)

    def flood(self, jobs: int) -> Flood:
        share = jobs // len(self.producers)
        roots = {"producers": [child.process.pid for child in self.producers]}
        cpu = services.cpu_seconds(roots)["producers"]
        start = time.perf_counter()
        for child in self.producers:
            child.ask(share)
        seconds = [second for child in self.producers for second in child.answers(share, FLOOD_SECONDS)]
        duration = time.perf_counter() - start
        cuts = statistics.quantiles(seconds, n=100)
        cpu = services.cpu_seconds(roots)["producers"] - cpu
        self.sent += len(seconds)
        return Flood(len(seconds), duration, 1000 * cuts[49], 1000 * cuts[98], cpu)


class CeleryPeer(Peer):
    """Celery; `way` is the pool, or what is other than usual about it."""

    def open_client(self) -> None:
        self.app = queue_celery.application(self.url, has_defaults=self.has_defaults)
        self.stack.callback(self.app.close)

    def worker_options(self) -> list[str]:
        pool = "solo" if self.contender.way == "solo" else "prefork"
        concurrency = 1 if pool == "solo" else SLOTS
        return ["--concurrency", str(concurrency), "--pool", pool] + (["--defaults"] if self.has_defaults else [])

    @property
    def usual_workers(self) -> int:
        # One that runs its jobs itself has one at a time.
        return WORKERS * SLOTS if self.contender.way == "solo" else WORKERS

    def submit(self, task: Callable, *words: object) -> str:
        return self.app.tasks[task.__name__].delay(*words).id

    def ready_workers(self) -> int:
        return len(self.app.control.ping(timeout=0.5))

    def is_busy(self) -> bool:
        pipe = self.redis.pipeline(transaction=True)
        pipe.llen(queue_celery.QUEUE)
        pipe.hlen(queue_celery.UNACKED)
        # For a moment a job is in neither: taken off the queue and not noted yet.
        return any(pipe.execute()) or self.ended()[0] < self.sent

    def ended(self) -> tuple[int, float]:
        now = time.time()
        succeeded = 0
        keys = list(self.redis.scan_iter(match=f"{queue_celery.RESULT_PREFIX}*", count=1000))
        for start in range(0, len(keys), 1000):
            for result in self.redis.mget(keys[start : start + 1000]):
                status = json.loads(result)["status"]
                if status not in ("SUCCESS", "STARTED"):
                    raise Failed(f"{self.contender.label}: a job ended with {result[:200]!r}")
                succeeded += status == "SUCCESS"
        return succeeded, now

    def starts(self, trips: list[Trip]) -> list[float]:
        results = self.redis.mget([queue_celery.RESULT_PREFIX + trip.key for trip in trips])
        return [self._moment(json.loads(result)["result"] if result else None) for result in results]


class RQPeer(Peer):
    """RQ, whose usual worker forks for each job; `simple` ones run them in their own process."""

    def open_client(self) -> None:
        self.queue = queue_rq.queue_on(self.redis)

    def worker_options(self) -> list[str]:
        return (["--simple"] if self.contender.way == "simple" else []) + (["--defaults"] if self.has_defaults else [])

    @property
    def usual_workers(self) -> int:
        return WORKERS * SLOTS

    def submit(self, task: Callable, *words: object) -> str:
        return queue_rq.send(self.queue, task, *words).id

    def ready_workers(self) -> int:
        return queue_rq.rq.Worker.count(queue=self.queue)

    def is_busy(self) -> bool:
        pipe = self.redis.pipeline(transaction=True)
        pipe.llen(self.queue.key)
        pipe.llen(self.queue.intermediate_queue_key)
        pipe.zcard(self.queue.started_job_registry.key)
        return any(pipe.execute()) or self.ended()[0] < self.sent

    def ended(self) -> tuple[int, float]:
        now = time.time()
        failed = self.redis.zcard(self.queue.failed_job_registry.key)
        if failed:
            raise Failed(f"{self.contender.label}: {failed} jobs failed")
        return self.redis.zcard(self.queue.finished_job_registry.key), now

    def starts(self, trips: list[Trip]) -> list[float]:
        jobs = Job.fetch_many([trip.key for trip in trips], connection=self.redis)
        return [self._moment(job.return_value() if job else None) for job in jobs]
