"""What stands between the extension and the gateway: it sees every request and can let each go wrong."""

import contextlib
import http.client
import http.server
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

# Browsers know that it is this machine. The pages' hosts are others: what may be read of the one says nothing of the other.
HOST = "gateway.localhost"
PIECE_BYTES = 65_536
TARGET_SECONDS = 60.0
HOLD_SECONDS = 60.0
# What belongs to one connection alone (RFC 9110, 7.6.1), and what the proxy says itself.
OWN_HEADERS = {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "proxy-connection", "host", "content-length"}


@dataclass
class Seen:
    """A request, as far as it came."""

    method: str
    path: str
    headers: dict[str, str]
    began: float
    bytes_received: int = 0
    status: int = 0
    # Just before its answer began: nobody can have acted upon that earlier. When it ended is known a little after whoever asked knows.
    answered: float | None = None
    ended: float | None = None
    answer_headers: dict[str, str] = field(default_factory=dict)

    @property
    def is_submission(self) -> bool:
        """A clip, or a part of one, on its way."""
        return self.method in ("POST", "PATCH") and self.path.startswith(("/api/jobs", "/api/uploads")) and "/cancel" not in self.path


@dataclass
class Refusal:
    """An answer in the gateway's name."""

    status: int
    code: str
    detail: str = "the test says so"
    retry_after_seconds: int | None = None


@dataclass
class Pause:
    """Holds a request where so many bytes of its body are passed on, until it is let go."""

    after_bytes: int
    is_reached: threading.Event = field(default_factory=threading.Event)
    is_let_go: threading.Event = field(default_factory=threading.Event)


@dataclass
class Delay:
    """The gateway is asked only after this long."""

    seconds: float


Fault = Refusal | Pause | Delay
# None lets a request pass.
Judge = Callable[[Seen], Fault | None]


def forward(_: Seen) -> Fault | None:
    return None


class GatewayProxy:
    """Listens on one port for as long as it lives, whatever becomes of the gateway behind it."""

    def __init__(self, target: int):
        self.target = target
        self.judge: Judge = forward
        self._lock = threading.Lock()
        self._seen: list[Seen] = []
        self._pauses: list[Pause] = []
        self.port = 0
        self._listener: _Listener | None = None
        self.listen()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def seen(self) -> list[Seen]:
        with self._lock:
            return list(self._seen)

    @property
    def submissions(self) -> list[Seen]:
        return [each for each in self.seen if each.is_submission]

    def listen(self) -> None:
        self._listener = _Listener(self, self.port)
        self.port = self._listener.server_address[1]
        threading.Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def hang_up(self) -> None:
        """From now on connections are refused, and those that are open are cut."""
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.server_close()
            self._listener.cut()
            self._listener = None

    def fail(self, fault: Fault, is_meant: Callable[[Seen], bool] = lambda _: True, times: int = 1_000_000) -> None:
        """The next so many requests that are meant meet the fault."""
        left = [times]

        def judge(seen: Seen) -> Fault | None:
            with self._lock:
                if left[0] == 0 or not is_meant(seen):
                    return None
                left[0] -= 1
            return fault

        if isinstance(fault, Pause):
            self._pauses.append(fault)
        self.judge = judge

    def mend(self) -> None:
        self.judge = forward
        for pause in self._pauses:
            pause.is_let_go.set()

    def busy_seconds(self, since: float, until: float) -> float:
        """How long at least one request was under way."""
        spans = sorted((max(each.began, since), min(each.ended or until, until)) for each in self.seen)
        return covered_seconds(spans)

    def note(self, seen: Seen) -> None:
        with self._lock:
            self._seen.append(seen)

    def end(self) -> None:
        self.mend()
        self.hang_up()


def covered_seconds(spans: list[tuple[float, float]]) -> float:
    """The length of the union of intervals that are sorted by their beginning."""
    total, reached = 0.0, float("-inf")
    for start, end in spans:
        if end > reached:
            total += end - max(start, reached)
            reached = end
    return total


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, proxy: GatewayProxy, port: int):
        super().__init__(("127.0.0.1", port), _Handler)
        self.proxy = proxy
        self._open: set[_Handler] = set()

    def handle_error(self, request: object, client_address: object) -> None:
        """Connections that break are what is tested."""

    def enter(self, handler: "_Handler") -> None:
        self._open.add(handler)

    def leave(self, handler: "_Handler") -> None:
        self._open.discard(handler)

    def cut(self) -> None:
        for handler in list(self._open):
            handler.cut()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def handle(self) -> None:
        self.server.enter(self)
        try:
            super().handle()
        finally:
            self.server.leave(self)

    def cut(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - http.server's own name
        """The requests are kept instead."""

    def _pass_on(self) -> None:
        proxy = self.server.proxy
        seen = Seen(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, time.monotonic())
        proxy.note(seen)
        fault = proxy.judge(seen)
        try:
            if isinstance(fault, Refusal):
                self._refuse(seen, fault)
            else:
                if isinstance(fault, Delay):
                    time.sleep(fault.seconds)
                self._forward(seen, fault if isinstance(fault, Pause) else None)
        finally:
            seen.ended = time.monotonic()

    do_GET = do_HEAD = do_POST = do_PATCH = do_DELETE = do_OPTIONS = _pass_on  # noqa: N815 - the names that http.server looks for

    def _refuse(self, seen: Seen, refusal: Refusal) -> None:
        """The body is read first: a client that still sends would take the answer for a broken connection."""
        for piece in self._body():
            seen.bytes_received += len(piece)
        problem = {"type": f"urn:whorl:problem:{refusal.code}", "title": refusal.code, "status": refusal.status}
        body = json.dumps(problem | {"detail": refusal.detail, "code": refusal.code}).encode()
        seen.status = refusal.status
        seen.answered = time.monotonic()
        self.send_response(refusal.status)
        self.send_header("Content-Type", "application/problem+json")
        self.send_header("Content-Length", str(len(body)))
        if refusal.retry_after_seconds is not None:
            self.send_header("Retry-After", str(refusal.retry_after_seconds))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _forward(self, seen: Seen, pause: Pause | None) -> None:
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.proxy.target, timeout=TARGET_SECONDS)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            upstream.putheader("Host", self.headers["Host"])
            for name, value in self.headers.items():
                if name.lower() not in OWN_HEADERS:
                    upstream.putheader(name, value)
            if "Content-Length" in self.headers:
                upstream.putheader("Content-Length", self.headers["Content-Length"])
            upstream.endheaders()
            for piece in self._body():
                upstream.send(piece)
                seen.bytes_received += len(piece)
                if pause is not None and seen.bytes_received >= pause.after_bytes:
                    pause.is_reached.set()
                    pause.is_let_go.wait(HOLD_SECONDS)
            self._answer(seen, upstream.getresponse())
        except (OSError, http.client.HTTPException):
            # Neither end may believe that the other is still there.
            self.close_connection = True
            self.cut()
        finally:
            upstream.close()

    def _body(self) -> Iterator[bytes]:
        left = int(self.headers.get("Content-Length", "0"))
        while left > 0:
            piece = self.rfile.read1(min(left, PIECE_BYTES))
            if not piece:
                raise ConnectionResetError("the client hung up in its body")
            left -= len(piece)
            yield piece

    def _answer(self, seen: Seen, response: http.client.HTTPResponse) -> None:
        body = response.read()
        seen.status = response.status
        seen.answered = time.monotonic()
        seen.answer_headers = {name.lower(): value for name, value in response.getheaders()}
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in OWN_HEADERS:
                self.send_header(name, value)
        length = response.headers.get("Content-Length") if self.command == "HEAD" else str(len(body))
        if response.status not in (204, 304) and length is not None:
            self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
