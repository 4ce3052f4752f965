"""What connections cost on which nothing is asked for the time being."""

import contextlib
import resource
import socket
import time
from dataclasses import dataclass

import memory
from bench import Starter
from child import Failed
from gateway_plan import IDLE_CONNECTION_SECONDS, Sizes
from gateway_whorl import Client, Gateway, Place
from servers import Servers

# Neither side holds much else.
SPARE_FILES = 500
ASK_EVERY_SECONDS = 0.1
SECONDS = 30.0
# Needs nothing but the gateway itself.
PATH = "/openapi.yaml"


@dataclass(frozen=True)
class Connections:
    """Seconds are those of a request for the health on a connection of its own, opened for it: with none held, and with all."""

    opened: int
    # Those that were answered after the pause, and those that the gateway counted in it.
    held: int
    counted: int
    pause_seconds: float
    resident_before: int
    resident: int
    alone_seconds: list[float]
    health_seconds: list[float]


def raise_limit(wanted: int) -> None:
    """For this process and those that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise Failed(f"{wanted} open files are needed, and the limit is {hard}; raise it with `ulimit -Hn {wanted}`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def ask(connection: socket.socket, tag: str) -> bool:
    """Whether it is answered as it should be, without a body."""
    try:
        connection.sendall(f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nIf-None-Match: {tag}\r\n\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            read = connection.recv(4096)
            if not read:
                return False
            answer += read
    except OSError:
        return False
    return answer.startswith(b"HTTP/1.1 304 ")


def health_seconds(gateway: Gateway, seconds: float) -> list[float]:
    found = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.monotonic()
        with contextlib.closing(Client(gateway.port)) as client:
            client.require(200, "GET", "/api/health")
        found.append(time.monotonic() - start)
        time.sleep(max(0.0, start + ASK_EVERY_SECONDS - time.monotonic()))
    return found


def measure(servers: Servers, starter: Starter, sizes: Sizes) -> Connections:
    raise_limit(sizes.connections + SPARE_FILES)
    with Place(servers, starter) as place, contextlib.ExitStack() as stack:
        gateway = place.start(WHORL_HTTP_IDLE_SECONDS=str(IDLE_CONNECTION_SECONDS))
        tag = place.client(gateway.port).require(200, "GET", PATH).headers["etag"]
        alone = health_seconds(gateway, sizes.connections_seconds / 3)
        before = memory.now(gateway.pid)[0]
        connections = []
        for _ in range(sizes.connections):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port), timeout=SECONDS))
            if not ask(connection, tag):
                raise Failed(f"whorl-gateway: does not answer connection {len(connections) + 1}")
            connections.append(connection)
        asked = health_seconds(gateway, sizes.connections_seconds)
        counted = round(gateway.metric("whorl_http_connections"))
        after = memory.now(gateway.pid)[0]
        held = sum(ask(connection, tag) for connection in connections)
        return Connections(len(connections), held, counted, sizes.connections_seconds, before, after, alone, asked)
