"""What every path owes whatever it does: answers to HEAD without a body, and an `Allow` that tells its methods once each."""

import http.client
import io
import socket
from collections.abc import Iterator

from document import Document
from service import Tenant
from waiting import Breach

UNKNOWN = "01a20586-1e05-750b-84c4-4c1507d8c994"
HEADERS = "Host: whorl\r\nTus-Resumable: 1.0.0\r\n"


class _Bytes:
    """What `http.client` wants of a socket."""

    def __init__(self, content: io.BufferedReader):
        self.content = content

    def makefile(self, _mode: str) -> io.BufferedReader:
        return self.content


def checks(document: Document, tenant: Tenant) -> Iterator[tuple[str, str]]:
    methods: dict[str, set[str]] = {}
    for operation, _ in document.operations():
        methods.setdefault(operation.path, {"OPTIONS"}).add(operation.method)
        if operation.method == "GET":
            methods[operation.path].add("HEAD")
    with_body = []
    for path, names in methods.items():
        if "HEAD" not in names:
            continue
        filled = path.replace("{id}", UNKNOWN).replace("{frame}", "0").replace("{delivery}", UNKNOWN)
        left = left_over(tenant, filled)
        if left:
            with_body.append(f"HEAD {filled}: {left}")
    yield "no answer to HEAD has a body", "; ".join(with_body)
    yield "OPTIONS and 405 tell each path's methods, once each", "; ".join(wrong_allow(tenant, methods))


def left_over(tenant: Tenant, path: str) -> str:
    """Sends HEAD and then GET on one connection; what stands between their answers."""
    key = f"Authorization: Bearer {tenant.key}\r\n"
    requests = f"HEAD {path} HTTP/1.1\r\n{HEADERS}{key}\r\nGET /api/health HTTP/1.1\r\n{HEADERS}{key}Connection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", tenant.client.port), timeout=10) as connection:
        connection.sendall(requests.encode())
        content = bytearray()
        while received := connection.recv(65_536):
            content += received
    stream = io.BufferedReader(io.BytesIO(bytes(content)))  # type: ignore[arg-type]
    first = http.client.HTTPResponse(_Bytes(stream), method="HEAD")  # type: ignore[arg-type]
    first.begin()
    rest = stream.peek()
    return "" if rest.startswith(b"HTTP/1.1 200") else f"{first.status} and then {rest[:60]!r}"


def wrong_allow(tenant: Tenant, methods: dict[str, set[str]]) -> list[str]:
    wrong = []
    for path, expected in methods.items():
        filled = path.replace("{id}", UNKNOWN).replace("{frame}", "0").replace("{delivery}", UNKNOWN)
        for method, status in (("OPTIONS", 204), ("PUT", 405)):
            answer = tenant.send(method, filled)
            if answer.status != status:
                raise Breach(f"{method} {filled} was answered {answer.status}")
            told = [word.strip() for word in answer.headers.get("allow", "").split(",")]
            if len(told) != len(set(told)) or set(told) != expected:
                wrong.append(f"{method} {path} tells {', '.join(told)}, not {', '.join(sorted(expected))}")
    return wrong
