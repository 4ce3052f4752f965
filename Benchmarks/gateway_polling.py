"""How many clients that ask for a finished job are answered, by Whorl and by the same endpoint in FastAPI."""

import contextlib
import json
import os
import re
import sys
from dataclasses import dataclass

import services
from bench import HERE, Starter
from child import Failed
from gateway_plan import CLIENT_THREADS, CONNECTIONS, FASTAPI_TWO, UNCHANGED, Contender, Sizes
from gateway_whorl import READY_SECONDS, Client, Place, wait_for
from servers import Servers
from services import Service

WARM_UP_SECONDS = 2


@dataclass(frozen=True)
class Poll:
    """What a turn gave; CPU seconds are those of a request, by whose they are."""

    per_second: float
    p50_milliseconds: float
    p99_milliseconds: float
    cpu: dict[str, float]


@dataclass(frozen=True)
class Job:
    """The one that is asked for, and the answer that is the right one."""

    path: str
    tag: str
    body: bytes


class Polling:
    """A judged job, and the contenders' turns at it."""

    def __init__(self, servers: Servers, starter: Starter, sizes: Sizes):
        self.servers = servers
        self.starter = starter
        self.sizes = sizes
        self.stack = contextlib.ExitStack()

    def __enter__(self) -> "Polling":
        try:
            self.place = self.stack.enter_context(Place(self.servers, self.starter))
            gateway = self.place.start()
            client = self.place.client(gateway.port)
            path = f"/api/jobs/{self.place.judge(client)}"
            answer = client.require(200, "GET", path)
            self.job = Job(path, answer.headers["etag"], answer.body)
            (self.tenant,) = self.place.sql.execute("SELECT tenant FROM jobs").fetchone()
            gateway.service.kill()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def turn(self, contender: Contender) -> Poll:
        with contextlib.ExitStack() as stack:
            service, port = self._ours() if contender.is_ours else self._peer(contender)
            stack.enter_context(service)
            self._check(contender, port)
            self._load(contender, port, WARM_UP_SECONDS if self.sizes.polling_seconds > WARM_UP_SECONDS else 1)
            roots = {"own": [service.pid]} | {name: [pid] for name, pid in self.servers.pids.items()}
            before = services.cpu_seconds(roots)
            figures = self._load(contender, port, self.sizes.polling_seconds)
            after = services.cpu_seconds(roots)
            cpu = {name: (after[name] - before[name]) / figures["requests"] for name in roots}
            return Poll(figures["requests"] / figures["seconds"], figures["p50Milliseconds"], figures["p99Milliseconds"], cpu)

    def _ours(self) -> tuple[Service, int]:
        gateway = self.place.start()
        return gateway.service, gateway.port

    def _peer(self, contender: Contender) -> tuple[Service, int]:
        command = [sys.executable, "-B", str(HERE / "gateway_fastapi.py")]
        command += [] if contender.way == "plain" else ["--keep"]
        command += ["--processes", "2"] if contender is FASTAPI_TWO else []
        settings = {"PEER_DATABASE_URL": self.place.url, "PEER_TENANT": self.tenant}
        service = self.starter.serve(contender.label, command, settings)
        try:
            # With several processes the address is told before any of them takes requests.
            ready = "startup complete"
            wanted = 2 if contender is FASTAPI_TWO else 1
            wait_for(lambda: service.said().count(ready) >= wanted, READY_SECONDS, f"{contender.label}: does not start", service)
            wait_for(lambda: "running on" in service.said(), READY_SECONDS, f"{contender.label}: does not listen", service)
        except BaseException:
            service.kill()
            raise
        return service, int(re.search(r"running on http://127\.0\.0\.1:(\d+)", service.said()).group(1))

    def _check(self, contender: Contender, port: int) -> None:
        """The same bytes from everybody."""
        with contextlib.closing(Client(port)) as client:
            answer = client.require(200, "GET", self.job.path)
            if answer.headers.get("etag") != self.job.tag:
                raise Failed(f"{contender.label}: its entity tag is {answer.headers.get('etag')}, {self.job.tag} expected")
            if answer.body != self.job.body:
                same = len(os.path.commonprefix([answer.body, self.job.body]))
                words = [body[max(0, same - 40) : same + 40] for body in (answer.body, self.job.body)]
                raise Failed(f"{contender.label}: from byte {same} on its answer is {words[0]!r}, {words[1]!r} expected")
            client.require(304, "GET", self.job.path, headers={"If-None-Match": self.job.tag})
            client.require(404, "GET", self.job.path[:-4] + "0000")

    def _load(self, contender: Contender, port: int, seconds: int) -> dict:
        words = ["wrk", "--threads", str(CLIENT_THREADS), "--connections", str(CONNECTIONS), "--duration", f"{seconds}s", "--timeout", "10s"]
        words += ["--script", str(HERE / "wrk_figures.lua")]
        is_unchanged = contender in UNCHANGED
        words += ["--header", f"If-None-Match: {self.job.tag}"] if is_unchanged else []
        said = self.starter.run("wrk", words + [f"http://127.0.0.1:{port}{self.job.path}"])
        figures = json.loads(said.strip().splitlines()[-1])
        if figures["refused"] or figures["broken"] or not figures["requests"]:
            raise Failed(f"{contender.label}: refused {figures['refused']} of {figures['requests']} requests, and {figures['broken']} broke")
        # A 304 has no body, and nothing else lacks one.
        if (figures["bytes"] / figures["requests"] < len(self.job.body)) != is_unchanged:
            raise Failed(f"{contender.label}: an answer has {figures['bytes'] / figures['requests']:.0f} bytes, the job {len(self.job.body)}")
        return figures
