"""Clients that send clips: bytes that the kernel copies, with a beginning that no two have in common."""

import concurrent.futures
import os
import re
import socket
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from child import Failed
from gateway_plan import MEGABYTE

SECONDS = 300.0
# From memory, over and over for a longer clip; what no file system has to read.
SOURCE_BYTES = 64 * MEGABYTE


@dataclass(frozen=True)
class Sent:
    """Seconds from the first byte of the first clip to the last clip's being kept, and the answers' bodies."""

    seconds: float
    bodies: list[bytes]


class Clips:
    """A source of clips; open as long as the `with` lasts."""

    def __enter__(self) -> "Clips":
        self.source = os.memfd_create("clips")
        # Random bytes, which nothing on the way can make less of.
        for _ in range(SOURCE_BYTES // MEGABYTE):
            os.write(self.source, os.urandom(MEGABYTE))
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.source)

    def send(
        self, port: int, method: str, path: Callable[[int], str], count: int, connections: int, size: int, kept: Callable[[int], None] | None = None
    ) -> Sent:
        """So many clips of so many bytes; `path` is asked for each by its number, and `kept` has to return before it counts as kept.

        Raises:
            Failed: one was not taken.
        """
        start = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(connections) as pool:
            shares = [range(first, count, connections) for first in range(connections)]
            futures = [pool.submit(self._send_share, port, method, path, share, size, kept) for share in shares]
            bodies = [body for future in futures for body in future.result()]
        return Sent(time.monotonic() - start, bodies)

    def _send_share(
        self, port: int, method: str, path: Callable[[int], str], share: range, size: int, kept: Callable[[int], None] | None
    ) -> list[bytes]:
        bodies = []
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
            for number in share:
                fields = ["Host: 127.0.0.1", "Content-Type: application/octet-stream", f"Content-Length: {size}"]
                head = "\r\n".join([f"{method} {path(number)} HTTP/1.1"] + fields) + "\r\n\r\n"
                beginning = uuid.uuid4().hex.encode()[:size]
                connection.sendall(head.encode() + beginning)
                self._send_rest(connection, size - len(beginning))
                bodies.append(answer(connection))
                if kept is not None:
                    kept(number)
        return bodies

    def _send_rest(self, connection: socket.socket, left: int) -> None:
        # Python's own sendfile would wait for the socket before every call.
        connection.setblocking(True)
        offset = 0
        while left > 0:
            sent = os.sendfile(connection.fileno(), self.source, offset, min(left, SOURCE_BYTES - offset))
            left -= sent
            offset = (offset + sent) % SOURCE_BYTES
        connection.settimeout(SECONDS)


def answer(connection: socket.socket) -> bytes:
    """The body of the next one, which is a good one."""
    text = b""
    while b"\r\n\r\n" not in text:
        text += received(connection)
    head, body = text.split(b"\r\n\r\n", 1)
    if not re.match(rb"HTTP/1.1 20[0-9] ", head):
        raise Failed(f"a clip was answered with {head.splitlines()[0].decode(errors='replace')}: {body[:200]!r}")
    found = re.search(rb"^content-length: (\d+)\r?$", head, re.IGNORECASE | re.MULTILINE)
    length = int(found.group(1)) if found else 0
    while len(body) < length:
        body += received(connection)
    return body


def received(connection: socket.socket) -> bytes:
    read = connection.recv(65536)
    if not read:
        raise Failed("a connection was closed in the place of an answer to a clip")
    return read
