"""Whorl as a queue under measurement: a gateway, workers that run scripts in the place of clips, and a database of its own."""

import http.client
import json
import re
import resource
import time
import uuid

import psycopg

import bench
from child import Failed
from queue_plan import CLIENT_THREADS, CONNECTIONS, WORKERS
from queue_system import Flood, System, Trip
from queue_tasks import Runs
from services import Service

MOST_FLOOD_SECONDS = 60
DATABASE = 0
READY_SECONDS = 30.0


class Whorl(System):
    """Jobs go in over HTTP and run in the scripted worker; what became of them is read from PostgreSQL."""

    def open(self) -> None:
        self.open_stores()
        self.gateway = self.serve("whorl-gateway", [str(self.starter.whorl.with_name("whorl-gateway"))], self.settings)
        self.port = self._port()
        self.client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=READY_SECONDS)
        self.stack.callback(self.client.close)

    def open_stores(self) -> None:
        self.word = uuid.uuid4().hex
        # The bodies of jobs that take a while, by the jobs' ids.
        self.names: dict[str, str] = {}
        self.url = self.servers.create_database()
        self.stack.callback(self.servers.drop_database, self.url)
        redis = self.stack.enter_context(self.servers.redis(DATABASE))
        redis.flushdb()
        self.stack.callback(redis.flushdb)
        self.uploads = self.starter.next_log().with_suffix(".uploads")
        self.uploads.mkdir()
        # A folder above the programs holds the migrations that they were built with.
        self.starter.run("whorl migrate", [str(self.starter.whorl), "migrate"], self.settings, self.starter.whorl.parent)
        self.sql = self.stack.enter_context(psycopg.connect(self.url, autocommit=True))

    @property
    def settings(self) -> dict[str, str]:
        """One dictionary for all of Whorl's programs; each takes what it knows."""
        return {
            "WHORL_DATABASE_URL": self.url,
            "WHORL_REDIS_URL": self.servers.redis_database(DATABASE),
            "WHORL_QUEUE_NAME": f"{{bench-{self.word}}}",
            "WHORL_UPLOADS_DIRECTORY": str(self.uploads),
            "WHORL_HTTP_HOST": "127.0.0.1",
            "WHORL_HTTP_PORT": "0",
            "WHORL_OPERATORS_PORT": "0",
            "WHORL_SLOTS": str(self.contender.slots),
            # Jobs that do nothing need none.
            "WHORL_MEMORY_JOB_MEGABYTES": "16",
        }

    def _port(self) -> int:
        """The one that the gateway took, as it says in its log when it listens."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            self.gateway.require_alive()
            found = re.search(r'"message":"listening","port":"(\d+)"', self.gateway.said())
            if found is not None:
                return int(found.group(1))
            time.sleep(0.05)
        raise Failed(f"whorl-gateway: does not listen after {READY_SECONDS:g} s")

    def add_worker(self) -> Service:
        # One line for every job, as its own default has it, would be more than the peers say by theirs.
        settings = self.settings | {"WHORL_LOG_LEVEL": "notice"}
        program = [str(self.starter.whorl.with_name("whorl-scripted-worker"))]
        self.workers.append(self.serve(f"worker {len(self.workers) + 1}", program, settings))
        return self.workers[-1]

    def bench_queue(self, *words: str) -> dict:
        """What `whorl bench queue` prints, which works at the store without a gateway."""
        command = [str(self.starter.whorl), "bench", "queue", *words]
        said = self.starter.run("whorl bench queue", command, self.settings, self.starter.whorl.parent)
        try:
            return json.loads(said)
        except ValueError:
            raise Failed(f"whorl bench queue: printed {said[:200]!r}, which is no JSON") from None

    @property
    def usual_workers(self) -> int:
        return WORKERS

    def start_usual_workers(self) -> None:
        super().start_usual_workers()
        slots = self._number("SELECT sum(slots) FROM workers")
        if slots != WORKERS * self.contender.slots:
            raise Failed(f"whorl-scripted-worker: {slots} slots are registered, {WORKERS * self.contender.slots} are wanted")

    def ready_workers(self) -> int:
        return self._number("SELECT count(*) FROM workers")

    def _number(self, query: str) -> int:
        return self.sql.execute(query).fetchone()[0]

    def send(self, body: str) -> Trip:
        return self._post(f"nothing\n# {self.word} {body}\n")

    def send_wait(self, body: str, seconds: float) -> Trip:
        trip = self._post(f"sleep {seconds:g}\n# {self.word} {body}\n")
        self.names[trip.key] = body
        return trip

    def _post(self, script: str) -> Trip:
        sent = time.time()
        self.client.request("POST", "/api/jobs", script.encode(), {"Content-Type": "application/octet-stream"})
        answer = self.client.getresponse()
        text = answer.read()
        accepted = time.time()
        if answer.status != http.client.ACCEPTED:
            raise Failed(f"whorl-gateway: answered a job with {answer.status}: {text[:200]!r}")
        return Trip(json.loads(text)["id"], sent, accepted)

    def prepare_flood(self) -> None:
        """wrk goes on for a time and not for a number of jobs, so it has to be known how many fit into one."""
        self.per_second = 0.0
        flood = self.flood(0)
        self.per_second = flood.jobs / flood.seconds

    def flood(self, jobs: int) -> Flood:
        duration = min(MOST_FLOOD_SECONDS, max(1, round(jobs / self.per_second))) if self.per_second else 1
        words = ["wrk", "--threads", str(CLIENT_THREADS), "--connections", str(CONNECTIONS), "--duration", f"{duration}s"]
        words += ["--timeout", "10s", "--script", str(bench.HERE / "unique_bodies.lua"), f"http://127.0.0.1:{self.port}"]
        words += ["--", f"{self.word}-{uuid.uuid4().hex[:8]}"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        said = self.starter.run("wrk", words)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        figures = json.loads(said.strip().splitlines()[-1])
        if figures["refused"] or figures["broken"]:
            raise Failed(f"whorl-gateway: refused {figures['refused']} jobs, and {figures['broken']} requests broke: {figures['refusal']}")
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Flood(figures["accepted"], figures["seconds"], figures["p50Milliseconds"], figures["p99Milliseconds"], cpu)

    def is_busy(self) -> bool:
        return self.sql.execute("SELECT 1 FROM jobs WHERE state IN ('queued', 'running') LIMIT 1").fetchone() is not None

    def ended(self) -> tuple[int, float]:
        ended = self.sql.execute("SELECT state, count(*), extract(epoch FROM max(finished_at)) FROM jobs GROUP BY state").fetchall()
        others = [f"{number} {state}" for state, number, _ in ended if state != "succeeded"]
        if others:
            raise Failed(f"{self.contender.label}: not all jobs succeeded: {', '.join(others)}")
        return (ended[0][1], float(ended[0][2])) if ended else (0, time.time())

    def starts(self, trips: list[Trip]) -> list[float]:
        return self._moments("started_at", trips)

    def ends(self, trips: list[Trip]) -> list[float]:
        return self._moments("finished_at", trips)

    def _moments(self, column: str, trips: list[Trip]) -> list[float]:
        query = f"SELECT id::text, extract(epoch FROM {column}) FROM jobs WHERE id = ANY(%s::uuid[])"
        moments = {key: float(moment) for key, moment in self.sql.execute(query, [[trip.key for trip in trips]])}
        return [moments[trip.key] for trip in trips]

    def waited(self) -> dict[str, Runs]:
        rows = self.sql.execute(
            "SELECT job_id::text, extract(epoch FROM started_at), extract(epoch FROM finished_at), outcome FROM attempts"
            " WHERE job_id = ANY(%s::uuid[]) ORDER BY started_at",
            [list(self.names)],
        )
        found: dict[str, Runs] = {}
        for key, start, end, outcome in rows:
            runs = found.setdefault(self.names[key], Runs())
            runs.starts.append(float(start))
            if outcome == "succeeded":
                runs.ends.append(float(end))
        return found

    def roots(self) -> dict[str, list[int]]:
        found = super().roots()
        return found | {"queue": found["queue"] + [self.gateway.pid]}


class Store(Whorl):
    """The store alone, as `whorl bench queue` measures it from within: no HTTP, no bytes, no workers."""

    def open(self) -> None:
        self.open_stores()

    def prepare_flood(self) -> None:
        """It counts jobs."""

    def flood(self, jobs: int) -> Flood:
        figures = self.bench_queue("--enqueue", str(jobs), "--concurrency", str(CONNECTIONS))
        return Flood(figures["jobs"], figures["seconds"], figures["p50Milliseconds"], figures["p99Milliseconds"])
