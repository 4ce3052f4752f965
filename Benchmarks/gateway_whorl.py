"""A gateway under measurement: what it works on, its process, and a client of it."""

import contextlib
import http.client
import json
import pathlib
import re
import shutil
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import psycopg

from bench import ROOT, Starter
from child import Failed
from servers import FOLDER, Servers
from services import Service

READY_SECONDS = 30.0
REQUEST_SECONDS = 60.0
POLL_SECONDS = 0.05
DATABASE = 0
CLIP_TYPE = {"Content-Type": "application/octet-stream"}
# On the disk that PostgreSQL's data is on, or beside it; a temporary folder may be in memory.
DISK = FOLDER / "clips"


def wait_for(condition: Callable[[], bool], seconds: float, complaint: str, *services: Service) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        for service in services:
            service.require_alive()
        if time.monotonic() > deadline:
            raise Failed(f"{complaint} after {seconds:g} s")
        time.sleep(POLL_SECONDS)


@contextlib.contextmanager
def empty_folder():
    """One for clips; whatever is in it goes with it."""
    shutil.rmtree(DISK, ignore_errors=True)
    DISK.mkdir(parents=True)
    try:
        yield DISK
    finally:
        shutil.rmtree(DISK, ignore_errors=True)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """One connection, kept alive."""

    def __init__(self, port: int, seconds: float = REQUEST_SECONDS):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)

    def close(self) -> None:
        self.connection.close()

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        self.connection.request(method, path, body, headers or {})
        answer = self.connection.getresponse()
        text = answer.read()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)

    def require(self, status: int, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        answer = self.ask(method, path, body, headers)
        if answer.status != status:
            raise Failed(f"{method} {path}: answered {answer.status}, {status} expected: {answer.body[:200]!r}")
        return answer


class Gateway:
    """Its process and its two ports."""

    def __init__(self, service: Service):
        self.service = service
        self.port = self._port("listening")
        self.operators_port = self._port("listening for operators")

    @property
    def pid(self) -> int:
        return self.service.pid

    def _port(self, message: str) -> int:
        """The one that it took, as it says in its log when it listens."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            self.service.require_alive()
            found = re.search(rf'"message":"{message}","port":"(\d+)"', self.service.said())
            if found is not None:
                return int(found.group(1))
            time.sleep(POLL_SECONDS)
        raise Failed(f"whorl-gateway: does not say {message!r} after {READY_SECONDS:g} s")

    def metric(self, name: str) -> float:
        """One without labels, as the operators read it."""
        with contextlib.closing(Client(self.operators_port)) as client:
            text = client.require(200, "GET", "/metrics").body.decode()
        found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
        if found is None:
            raise Failed(f"whorl-gateway: /metrics has no {name}")
        return float(found.group(1))


class Place:
    """What gateways and workers of a turn share: a database, a queue and a folder, with nothing in them; all of it is gone when the `with` ends."""

    def __init__(self, servers: Servers, starter: Starter):
        self.servers = servers
        self.starter = starter
        self.stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def _open(self) -> None:
        self.word = uuid.uuid4().hex
        self.made = 0
        self.clips = self.stack.enter_context(empty_folder())
        self.url = self.servers.create_database()
        self.stack.callback(self.servers.drop_database, self.url)
        redis = self.stack.enter_context(self.servers.redis(DATABASE))
        redis.flushdb()
        self.stack.callback(redis.flushdb)
        # A folder above the programs holds the migrations that they were built with, unless they were moved.
        whorl = self.starter.whorl
        folder = next((parent for parent in whorl.parents if (parent / "migrations").is_dir()), ROOT)
        self.starter.run("whorl migrate", [str(whorl), "migrate", "--migrations", str(folder / "migrations")], self.settings)
        # Its own statements are nobody's to count.
        self.sql = self.stack.enter_context(psycopg.connect(self.url, autocommit=True, options="-c log_statement=none"))

    @property
    def settings(self) -> dict[str, str]:
        """One dictionary for all of Whorl's programs; each takes what it knows."""
        return {
            "WHORL_DATABASE_URL": self.url,
            "WHORL_REDIS_URL": self.servers.redis_database(DATABASE),
            "WHORL_QUEUE_NAME": f"{{bench-{self.word}}}",
            "WHORL_UPLOADS_DIRECTORY": str(self.clips),
            "WHORL_HTTP_HOST": "127.0.0.1",
            "WHORL_HTTP_PORT": "0",
            "WHORL_OPERATORS_PORT": "0",
            # Jobs that do nothing need none.
            "WHORL_MEMORY_JOB_MEGABYTES": "16",
        }

    def start(self, **settings: str) -> Gateway:
        """One more gateway, which the end of the `with` ends if nobody did before."""
        program = [str(self.starter.whorl.with_name("whorl-gateway"))]
        return Gateway(self.stack.enter_context(self.starter.serve("whorl-gateway", program, self.settings | settings)))

    def start_worker(self, slots: int) -> Service:
        settings = self.settings | {"WHORL_SLOTS": str(slots), "WHORL_LOG_LEVEL": "notice"}
        program = [str(self.starter.whorl.with_name("whorl-scripted-worker"))]
        return self.stack.enter_context(self.starter.serve("whorl-scripted-worker", program, settings))

    def client(self, port: int, seconds: float = REQUEST_SECONDS) -> Client:
        client = Client(port, seconds)
        self.stack.callback(client.close)
        return client

    def submit(self, client: Client) -> str:
        """A job that does nothing; returns its id."""
        self.made += 1
        script = f"nothing\n# {self.word} {self.made}\n".encode()
        return json.loads(client.require(202, "POST", "/api/jobs", script, CLIP_TYPE).body)["id"]

    def judge(self, client: Client) -> str:
        """A job that has ended with a verdict of sixteen frames, as a clip's has them; returns its id."""
        job = self.submit(client)
        worker = self.start_worker(1)
        wait_for(lambda: self._state(job) == "succeeded", READY_SECONDS, "whorl-scripted-worker: has no verdict", worker)
        worker.kill()
        # The script has seen no frame. Nobody has read the verdict yet, so none holds the old one.
        (text,) = self.sql.execute("SELECT body::text FROM verdicts WHERE job_id = %s", [job]).fetchone()
        verdict = json.loads(text) | {"tracks": [track()], "decidedBy": 0, "logit": -0.431, "probability": 0.394, "confidence": 0.606}
        self.sql.execute("UPDATE verdicts SET body = %s, probability = 0.394 WHERE job_id = %s", [json.dumps(verdict), job])
        return job

    def _state(self, job: str) -> str:
        (state,) = self.sql.execute("SELECT state FROM jobs WHERE id = %s", [job]).fetchone()
        return state


def track() -> dict:
    """Sixteen frames with figures of about as many digits as a network's, none of them whole."""
    frames = [
        {
            "index": index,
            "frameNumber": 3 + 6 * index,
            "timestampSeconds": round(0.12 + 0.25 * index, 3),
            "logit": -0.435 + index / 1024,
            "probability": 0.393 + index / 1024,
            "contribution": -0.0272 + index / 4096,
        }
        for index in range(16)
    ]
    return {"track": 0, "label": "uncertain", "logit": -0.431, "probability": 0.394, "gradcamRange": [-0.00152, 0.0001], "frames": frames}


def data_folder(servers: Servers) -> pathlib.Path:
    """PostgreSQL's."""
    with psycopg.connect(servers.database_url) as connection:
        return pathlib.Path(connection.execute("SHOW data_directory").fetchone()[0])
