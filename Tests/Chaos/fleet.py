"""Gateways and workers on a database, a queue and an upload folder of their own."""

import os
import pathlib
import random
import threading
import time
from typing import Any

import psycopg
from psycopg.rows import dict_row

import audit
from client import Answer, Client, NoAnswer
from clips import Clips
from decoders import Decoders
from load import Load, Tally
from program import Program
from servers import Servers
from waiting import Breach, Broken, wait_for
from wire import Proxy

LEASE_SECONDS = 3.0
# What may pass on top of a lease before another worker has the job: sweep, relay, poll, and a busy machine.
SLACK_SECONDS = 15.0
# How long the harness's own statements wait for a PostgreSQL that is being restarted.
RETURN_SECONDS = 20.0

GATEWAY = {
    "HTTP_PORT": "0",
    "OPERATORS_PORT": "0",
    "SHUTDOWN_DRAIN_SECONDS": "0",
    "SWEEP_SECONDS": "0.3",
    "TIDY_SECONDS": "0.2",
    "RELAY_SECONDS": "0.3",
    "RELAY_STALE_SECONDS": "2",
    "WAITERS_POLL_SECONDS": "0.3",
    "IDEMPOTENCY_LEASE_SECONDS": "2",
    "WORKERS_ALIVE_SECONDS": "3",
}
WORKER = {
    "SLOTS": "6",
    "LEASE_SECONDS": str(LEASE_SECONDS),
    "LEASE_HEARTBEAT_SECONDS": "0.4",
    "POLL_SECONDS": "0.3",
    "RETRY_BASE_SECONDS": "0.2",
    "RETRY_CAP_SECONDS": "2",
    "DRAIN_SECONDS": "5",
    # Scripts need none.
    "MEMORY_JOB_MEGABYTES": "1",
}
# Several of them share the machine's processors.
REAL_WORKER = {"SLOTS": "2", "MODEL_THREADS": "1", "DECODER_THREADS": "1"}


class Fleet:
    """What one scene runs. Everything that it starts it also ends."""

    def __init__(
        self,
        servers: Servers,
        programs: pathlib.Path,
        model: pathlib.Path,
        folder: pathlib.Path,
        database: str,
        generator: random.Random,
    ):
        self.servers = servers
        self.programs = programs
        self.model = model
        self.folder = folder
        self.database_name = database
        self.random = generator
        self.queue_name = "{" + database + "}"
        self.uploads = folder / "uploads"
        self.settings: dict[str, str] = {}
        self.clips = Clips(database)
        self.decoders = Decoders(folder, programs)
        self.tally = Tally()
        self.erased: set[str] = set()
        self.waiting: set[str] = set()
        self.gateways: list[Program] = []
        # A gateway that the load leaves alone, since a play waits for a single request to it.
        self.reserved: Program | None = None
        self.workers: list[Program] = []
        self.proxies: list[Proxy] = []
        self.ports: dict[int, int] = {}
        self.started = 0
        self.fault_at: float | None = None
        self.connection: psycopg.Connection | None = None
        # psycopg's connection is one, and a proxy's thread may ask as well.
        self.connection_lock = threading.RLock()

    # Programs

    def _environment(self, database_port: int | None, redis_port: int | None, name: str) -> dict[str, str]:
        return {
            "PATH": "/usr/bin:/bin",
            "WHORL_DATABASE_URL": self.servers.url_of(self.database_name, database_port, name),
            "WHORL_REDIS_URL": self.servers.redis_url_at(redis_port),
            "WHORL_QUEUE_NAME": self.queue_name,
            "WHORL_UPLOADS_DIRECTORY": str(self.uploads),
            "WHORL_LOG_LEVEL": "info",
        }

    def _start(
        self,
        kind: str,
        executable: str,
        settings: dict[str, str],
        database: Proxy | None,
        queue: Proxy | None,
        extra: dict[str, str],
        prepare: Any = None,
    ) -> Program:
        self.started += 1
        name = f"{kind}-{self.started}"
        environment = self._environment(database.port if database else None, queue.port if queue else None, name)
        environment |= {f"WHORL_{key}": value for key, value in settings.items()} | extra
        return Program(name, [str(self.programs / executable)], environment, self.folder / f"{name}.log", prepare)

    def launch_gateway(
        self,
        database: Proxy | None = None,
        queue: Proxy | None = None,
        prepare: Any = None,
        extra: dict[str, str] | None = None,
        is_reserved: bool = False,
        **settings: str,
    ) -> Program:
        """Starts a gateway and does not wait for it."""
        program = self._start(
            "gateway", "whorl-gateway", GATEWAY | self.settings | settings, database, queue, extra or {}, prepare
        )
        if is_reserved:
            self.reserved = program
        self.gateways.append(program)
        return program

    def start_gateway(self, *arguments: Any, **options: Any) -> Program:
        """Starts a gateway and waits until it listens."""
        program = self.launch_gateway(*arguments, **options)
        self.port_of(program)
        return program

    def port_of(self, gateway: Program) -> int:
        if gateway.pid not in self.ports:
            self.ports[gateway.pid] = gateway.listening_port()
        return self.ports[gateway.pid]

    def launch_worker(
        self,
        database: Proxy | None = None,
        queue: Proxy | None = None,
        real: bool = False,
        extra: dict[str, str] | None = None,
        **settings: str,
    ) -> Program:
        """Starts a worker and does not wait for it: the scripted one, or the real one with the real decoder or another."""
        executable = "whorl-worker" if real else "whorl-scripted-worker"
        wanted = WORKER | (REAL_WORKER | {"MODEL_PATH": str(self.model)} if real else {}) | self.settings | settings
        program = self._start("worker", executable, wanted, database, queue, extra or {})
        self.workers.append(program)
        return program

    def start_worker(self, *arguments: Any, **options: Any) -> Program:
        """Starts a worker and waits until it takes jobs."""
        program = self.launch_worker(*arguments, **options)
        self.wait_until_ready(program)
        return program

    def wait_until_ready(self, worker: Program, seconds: float = 60) -> None:
        def is_ready() -> bool:
            if not worker.is_running:
                raise Breach(f"{worker.name} ended with code {worker.process.returncode}:\n{worker.text()[-2000:]}")
            return any(record.get("message") == "ready" for record in worker.records())

        wait_for(f"{worker.name} is ready", is_ready, seconds)

    def through(self, proxy: Proxy) -> Proxy:
        """Keeps a proxy until the scene's end."""
        self.proxies.append(proxy)
        return proxy

    @property
    def living_gateways(self) -> list[Program]:
        return [gateway for gateway in self.gateways if gateway.is_running]

    @property
    def living_workers(self) -> list[Program]:
        return [worker for worker in self.workers if worker.is_running]

    # Clients

    def client(self, gateway: Program | None = None) -> Client:
        chosen = gateway or self.living_gateways[0]
        return Client(self.port_of(chosen))

    def operators(self, gateway: Program) -> Client:
        """Talks to a gateway's listener for operators."""
        return Client(gateway.listening_port("listening for operators"))

    def any_client(self, generator: random.Random) -> Client:
        gateways = [gateway for gateway in self.living_gateways if gateway is not self.reserved]
        if not gateways:
            raise NoAnswer("no gateway lives")
        return self.client(generator.choice(gateways))

    def submit(self, body: bytes, gateway: Program | None = None, key: str | None = None, query: str = "") -> str:
        """Posts a clip that must be accepted; its job's id."""
        return self.accept(self.client(gateway).post(body, key, query))

    def accept(self, answer: Answer) -> str:
        identity = self.tally.note(answer)
        if identity is None:
            raise Breach(f"a clip was not accepted: {answer.status} {answer.body[:300]!r}")
        return identity

    def load(self, rate: float, *commands: str, longest: float = 0.0, threads: int = 4) -> Load:
        """Clips of which each does `commands` and then sleeps up to `longest` seconds."""

        def post(generator: random.Random) -> Answer:
            pause = [f"sleep {generator.uniform(0, longest):.3f}"] if longest else []
            return self.any_client(generator).post(self.clips.script(*commands, *pause))

        return Load(post, self.tally, self.random, rate, threads)

    # What is stored

    def database(self) -> psycopg.Connection:
        """A connection that is made anew after PostgreSQL broke it."""
        with self.connection_lock:
            if self.connection is not None and not self.connection.closed and not self.connection.broken:
                return self.connection
            self.connection = psycopg.connect(
                self.servers.url_of(self.database_name, program="chaos"), autocommit=True, connect_timeout=10
            )
            return self.connection

    def _run(self, statement: str, parameters: tuple[Any, ...]) -> psycopg.Cursor[dict[str, Any]]:
        """Runs a statement, again on a new connection if a fault broke the old one; all of the harness's bear repetition."""
        deadline = time.monotonic() + RETURN_SECONDS
        while True:
            try:
                cursor = self.database().cursor(row_factory=dict_row)
                return cursor.execute(statement, parameters)  # type: ignore[arg-type]
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def rows(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        with self.connection_lock:
            return self._run(statement, parameters).fetchall()

    def execute(self, statement: str, *parameters: Any) -> int:
        """A statement of the harness's own; how many rows it changed."""
        with self.connection_lock:
            return self._run(statement, parameters).rowcount

    def value(self, statement: str, *parameters: Any) -> Any:
        return next(iter(self.rows(statement, *parameters)[0].values()))

    def redis(self) -> Any:
        return self.servers.redis()

    @property
    def stream(self) -> str:
        return f"{self.queue_name}:jobs:analyze"

    def job(self, identity: str) -> dict[str, Any]:
        found = self.rows("SELECT *, error->>'code' AS code FROM jobs WHERE id = %s", identity)
        if not found:
            raise Breach(f"there is no job {identity}")
        return found[0]

    def attempts(self, identity: str) -> list[str]:
        """The outcomes in order; None for one that runs."""
        return [row["outcome"] for row in self.rows("SELECT outcome FROM attempts WHERE job_id = %s ORDER BY epoch", identity)]

    def wait_for_state(self, identity: str, *states: str, seconds: float = 60) -> dict[str, Any]:
        def reached() -> dict[str, Any] | None:
            job = self.job(identity)
            return job if job["state"] in states else None

        return wait_for(f"job {identity} is {' or '.join(states)}", reached, seconds)

    def wait_for_stage(self, identity: str, stage: str = "decoding", seconds: float = 60) -> dict[str, Any]:
        """Until a worker is in the midst of it."""

        def reached() -> dict[str, Any] | None:
            job = self.job(identity)
            return job if job["state"] == "running" and job["stage"] == stage else None

        return wait_for(f"job {identity} is in the stage {stage}", reached, seconds)

    def holder(self, identity: str) -> Program:
        """The worker that runs a job, by the name under which it claimed."""
        names = self.rows(
            "SELECT program FROM chaos_audit WHERE job_id = %s AND new_state = 'running' AND new_epoch > old_epoch"
            " ORDER BY number DESC LIMIT 1",
            identity,
        )
        for worker in self.workers:
            if names and worker.name == names[0]["program"]:
                return worker
        raise Broken(f"no worker of this scene holds {identity}")

    def wait_for_load(self, count: int, seconds: float = 60) -> None:
        """Until so many jobs were accepted."""
        wait_for(f"{count} jobs are accepted", lambda: self.tally.count() >= count, seconds)

    def wait_for_running(self, count: int = 1, seconds: float = 60) -> list[str]:
        """Until so many jobs run; their ids."""

        def running() -> list[str] | None:
            rows = self.rows("SELECT id::text AS id FROM jobs WHERE state = 'running' AND stage IS NOT NULL")
            return [row["id"] for row in rows] if len(rows) >= count else None

        return wait_for(f"{count} jobs run", running, seconds)

    # The end

    def mark_fault(self) -> None:
        """From here on the time of recovery counts."""
        self.fault_at = time.time()

    def pause_between(self, shortest: float, longest: float) -> None:
        """A moment that the seed chooses: for faults that shall strike anywhere, not at a certain point."""
        time.sleep(self.random.uniform(shortest, longest))

    def end(self) -> None:
        for program in self.workers + self.gateways:
            program.end()
        for proxy in self.proxies:
            proxy.close()
        if self.connection is not None:
            self.connection.close()


def prepare_template(servers: Servers, programs: pathlib.Path, folder: pathlib.Path, name: str) -> None:
    """A migrated and audited database that each scene gets a copy of."""
    servers.administer(f"CREATE DATABASE {name}")
    migrate(servers, programs, folder, name)
    audit.install(servers.url_of(name))


def migrate(servers: Servers, programs: pathlib.Path, folder: pathlib.Path, name: str) -> None:
    environment = {"PATH": "/usr/bin:/bin", "WHORL_DATABASE_URL": servers.url_of(name)}
    if "WHORL_MIGRATIONS" in os.environ:
        environment["WHORL_MIGRATIONS"] = os.environ["WHORL_MIGRATIONS"]
    run(programs / "whorl", ["migrate"], environment, folder)


def run(executable: pathlib.Path, arguments: list[str], environment: dict[str, str], folder: pathlib.Path) -> None:
    """A command that must end well."""
    program = Program(executable.name, [str(executable), *arguments], environment, folder / f"{executable.name}.log")
    code = program.exit_code(120)
    if code != 0:
        raise Broken(f"{executable.name} {' '.join(arguments)} ended with code {code}:\n{program.text()[-2000:]}")
