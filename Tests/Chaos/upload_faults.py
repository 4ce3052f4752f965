"""Uploads that break off, stand still, or lie about their length."""

import socket
import time
from collections import Counter

from faults import fault
from fleet import Fleet
from request_faults import raw_request
from waiting import expect, wait_for

STALL_SECONDS = 2


def status_of(connection: socket.socket, seconds: float) -> str:
    """The status line's number, `closed` for a connection that ended without one, `silent` for one that did neither."""
    connection.settimeout(seconds)
    try:
        answer = connection.recv(4096)
    except TimeoutError:
        return "silent"
    except ConnectionError:
        return "closed"
    return answer.split()[1].decode() if answer.startswith(b"HTTP/") else "closed"


@fault("34", "an upload is truncated, stalls, or lies about its length", settings={"UPLOADS_STALL_SECONDS": str(STALL_SECONDS)})
def broken_uploads(fleet: Fleet) -> str:
    told: Counter[str] = Counter()
    jobs = fleet.value("SELECT count(*) FROM jobs")
    for number in range(4):
        port = fleet.port_of(fleet.gateways[number % 2])
        body = fleet.clips.script("# " + "x" * fleet.random.randrange(1, 200_000))
        half = raw_request(body[: len(body) // 2], f"broken-{number}", len(body))
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(half)
            # The client says that it will send no more, which is less than it announced.
            connection.shutdown(socket.SHUT_WR)
            told["truncated " + _checked(status_of(connection, 10), {"400"})] += 1
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(half)
            began = time.monotonic()
            answer = status_of(connection, STALL_SECONDS * 3 + 10)
            told["stalled " + _checked(answer, {"400", "408"})] += 1
            expect(time.monotonic() - began > STALL_SECONDS / 2, "a slow upload was given no time at all")
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            # More than was announced: the rest is no request.
            connection.sendall(raw_request(body, length=-len(body)))
            told["negative length " + _checked(status_of(connection, 10), {"400"})] += 1
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(half)
        told["hung up"] += 1
    wait_for("the temporary files are gone", lambda: not list((fleet.uploads / "incoming").iterdir()), STALL_SECONDS * 3 + 10)
    made = fleet.value("SELECT count(*) FROM jobs") - jobs
    expect(made == 0, f"{made} jobs were made of broken uploads")
    fleet.wait_for_state(fleet.submit(fleet.clips.script()), "succeeded")
    return f"4 times each: {dict(told)}"


def _checked(status: str, allowed: set[str]) -> str:
    expect(status in allowed, f"a broken upload is answered {status}, not {' or '.join(sorted(allowed))}")
    return status
