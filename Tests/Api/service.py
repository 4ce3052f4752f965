"""A gateway and its workers on a database, a queue and an upload folder of their own, and keys of two tenants."""

import os
import pathlib
import secrets
import urllib.parse
from typing import Any

import paths
import psycopg
from client import Answer, Client
from program import Program
from waiting import Breach, Broken, wait_for

GATEWAY = {
    "HTTP_PORT": "0",
    "OPERATORS_PORT": "0",
    "AUTH_REQUIRED": "true",
    "RATE_KEY_REQUESTS_PER_SECOND": "0",
    "SHUTDOWN_DRAIN_SECONDS": "0",
    # Every request with its status, for whoever looks into a failure.
    "LOG_LEVEL": "debug",
    "RELAY_SECONDS": "0.3",
    "SWEEP_SECONDS": "0.5",
    # Requests that wait must not outlast the run.
    "PREDICT_WAIT_SECONDS": "3",
    # Thousands of generated uploads and webhooks must not end in "too many".
    "UPLOADS_MAX_OPEN_PER_TENANT": "100000",
    "WEBHOOKS_MAX_PER_TENANT": "1000",
    # The deliveries go nowhere: the second try is far away.
    "WEBHOOKS_BACKOFF_SECONDS": "86400",
    "OUTBOUND_TIMEOUT_SECONDS": "1",
}
# A job whose end cannot be written holds up who watches it for one lease.
WORKER = {
    "SLOTS": "4",
    "POLL_SECONDS": "0.3",
    "LEASE_SECONDS": "3",
    "LEASE_HEARTBEAT_SECONDS": "0.5",
    "RETRY_BASE_SECONDS": "0.1",
    "RETRY_CAP_SECONDS": "0.2",
}
SCRIPTED = {"MEMORY_JOB_MEGABYTES": "1"}
REAL = {"SLOTS": "1", "MODEL_THREADS": "2", "DECODER_THREADS": "1"}
SCOPES = "submit,read,admin"


class Tenant:
    """A caller with a key."""

    def __init__(self, name: str, key: str, client: Client):
        self.name = name
        self.key = key
        self.client = client

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """A request with the tenant's key; `_` in a header's name stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.send(method, path, body, {"Authorization": f"Bearer {self.key}"} | named)


class Service:
    """Everything that it starts it also ends."""

    def __init__(self, programs: pathlib.Path, database_url: str, redis_url: str, folder: pathlib.Path):
        self.programs = programs
        self.server_url = database_url
        self.redis_url = redis_url
        self.folder = folder
        self.database = f"whorl_api_{secrets.token_hex(6)}"
        self.running: list[Program] = []
        self.gateway: Program | None = None

    # Servers

    @property
    def database_url(self) -> str:
        return urllib.parse.urlsplit(self.server_url)._replace(path=f"/{self.database}").geturl()

    def _administer(self, statement: str) -> None:
        with psycopg.connect(self.server_url, autocommit=True, connect_timeout=10) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url, autocommit=True, connect_timeout=10) as connection:
            return connection.execute(statement, parameters).fetchall()  # type: ignore[arg-type]

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        own = {
            "PATH": "/usr/bin:/bin",
            "WHORL_DATABASE_URL": self.database_url,
            "WHORL_REDIS_URL": self.redis_url,
            "WHORL_QUEUE_NAME": "{" + self.database + "}",
            "WHORL_UPLOADS_DIRECTORY": str(self.folder / "uploads"),
        }
        if "WHORL_MIGRATIONS" in os.environ:
            own["WHORL_MIGRATIONS"] = os.environ["WHORL_MIGRATIONS"]
        return own | {f"WHORL_{name}": value for name, value in settings.items()}

    def _command(self, *arguments: str) -> str:
        """A command of `whorl` that must end well; what it printed."""
        log = self.folder / f"whorl-{secrets.token_hex(4)}.log"
        program = Program("whorl", [str(self.programs / "whorl"), *arguments], self._environment({}), log)
        code = program.exit_code(120)
        if code != 0:
            raise Broken(f"whorl {' '.join(arguments)} ended with code {code}:\n{program.text()[-2000:]}")
        return program.text()

    # Programs

    def start(self) -> None:
        """A migrated database and a gateway on it."""
        self._administer(f"CREATE DATABASE {self.database}")
        self._command("migrate", "--migrations", str(paths.ROOT / "migrations"))
        self.gateway = self._launch("gateway", "whorl-gateway", GATEWAY)
        self.gateway.listening_port("listening for operators")
        self.gateway.listening_port()

    def _launch(self, name: str, executable: str, settings: dict[str, str]) -> Program:
        program = Program(
            name, [str(self.programs / executable)], self._environment(settings), self.folder / f"{name}.log"
        )
        self.running.append(program)
        return program

    def start_worker(self, is_real: bool = False) -> Program:
        """A worker that takes jobs: the one whose clips are scripts, or one that judges faces with random weights."""
        if is_real:
            model = self.folder / "model.safetensors"
            self._command("model", "init", "--seed", "1", "--region", "face", "--output", str(model))
            worker = self._launch("worker", "whorl-worker", WORKER | REAL | {"MODEL_PATH": str(model)})
        else:
            worker = self._launch("scripted-worker", "whorl-scripted-worker", WORKER | SCRIPTED)

        def is_ready() -> bool:
            if not worker.is_running:
                raise Breach(f"{worker.name} ended with code {worker.process.returncode}:\n{worker.text()[-2000:]}")
            return any(record.get("message") == "ready" for record in worker.records())

        wait_for(f"{worker.name} is ready", is_ready, 60)
        return worker

    def make_tenant(self, name: str) -> Tenant:
        text = self._command("keys", "create", "--tenant", name, "--scopes", SCOPES, "--name", "conformance")
        key = next(line for line in text.splitlines() if line.startswith("whorl_"))
        return Tenant(name, key, self.client())

    def client(self) -> Client:
        if self.gateway is None:
            raise Broken("no gateway was started")
        return Client(self.gateway.listening_port())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.client().port}"

    def errors(self) -> list[str]:
        """What the programs logged as their own mistakes, once each."""
        found: dict[str, None] = {}
        for program in self.running:
            for record in program.records():
                if record.get("level") in ("error", "critical"):
                    found[f"{program.name}: {record.get('message')}: {record.get('error', '')[:300]}"] = None
        return list(found)

    def end(self) -> None:
        for program in self.running:
            program.end()
        self._administer(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")
