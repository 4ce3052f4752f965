"""PostgreSQL's protocol, version 3, as far as a proxy needs it (manual, "Frontend/Backend Protocol")."""

import socket
import struct
import threading
from collections.abc import Callable

from wire import Call, Decision, Judge, Link, Proxy, Way, forward

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102
# Messages that end a call: the server answers up to ReadyForQuery.
CALL_ENDS = (b"S", b"Q")

Rewriter = Callable[[str], str]


def unchanged(statement: str) -> str:
    """The rewriter that alters nothing."""
    return statement


def read_exactly(end: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        read = end.recv(count - len(parts))
        if not read:
            raise EOFError
        parts += read
    return bytes(parts)


def read_message(end: socket.socket) -> tuple[bytes, bytes]:
    """A message's type and its body without the length."""
    kind = read_exactly(end, 1)
    (length,) = struct.unpack("!I", read_exactly(end, 4))
    return kind, read_exactly(end, length - 4)


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def refusal(code: str, text: str, is_in_transaction: bool) -> bytes:
    """An ErrorResponse and the ReadyForQuery after it."""
    fields = {b"S": "ERROR", b"V": "ERROR", b"C": code, b"M": text}
    body = b"".join(name + value.encode() + b"\0" for name, value in fields.items()) + b"\0"
    return message(b"E", body) + message(b"Z", b"E" if is_in_transaction else b"I")


class PostgresLink(Link):
    """Takes requests apart into statements, and knows when an answer is complete."""

    proxy: "PostgresProxy"

    def __init__(self, proxy: "PostgresProxy", number: int, client: socket.socket, server: socket.socket):
        super().__init__(proxy, number, client, server)
        self.statements: dict[bytes, str] = {}
        self.status = b"I"
        # One decision at a time waits for its answer: libpq sends nothing before it has the last one.
        self.lock = threading.Lock()
        self.waiting: Decision | None = None

    def forward_requests(self) -> None:
        if not self._start_up():
            return
        batch, texts = b"", []
        while True:
            kind, body = read_message(self.client)
            self.pass_gate()
            body, text = self._read_statement(kind, body)
            if text:
                texts.append(text)
            batch += message(kind, body)
            if kind in CALL_ENDS:
                self._call(batch, tuple(texts))
                batch, texts = b"", []
            elif kind in (b"p", b"X"):
                # Passwords belong to connecting, and a goodbye has no answer.
                self.server.sendall(batch)
                batch = b""

    def _start_up(self) -> bool:
        """Passes the startup on without encryption; false after a cancel request, which has no answer."""
        while True:
            (length,) = struct.unpack("!I", read_exactly(self.client, 4))
            body = read_exactly(self.client, length - 4)
            (code,) = struct.unpack("!I", body[:4])
            if code in (SSL_REQUEST, GSS_REQUEST):
                self.client.sendall(b"N")
                continue
            self.server.sendall(struct.pack("!I", length) + body)
            return code != CANCEL_REQUEST

    def _read_statement(self, kind: bytes, body: bytes) -> tuple[bytes, str]:
        """The body, altered if the proxy alters it, and the statement that it is about, if any."""
        if kind == b"Q":
            text = self.proxy.rewritten(body[:-1].decode())
            return text.encode() + b"\0", text
        if kind == b"P":
            name, sql, types = body.split(b"\0", 2)
            text = self.proxy.rewritten(sql.decode())
            self.statements[name] = text
            return name + b"\0" + text.encode() + b"\0" + types, f"PREPARE {text}"
        if kind == b"B":
            _, name, _ = body.split(b"\0", 2)
            return body, self.statements.get(name, "")
        return body, ""

    def _call(self, batch: bytes, texts: tuple[str, ...]) -> None:
        decision = self.proxy.decide(Call(texts, self.number, self.proxy.counter.next(), self.status != b"I"))
        if decision.before is not None:
            decision.before()
        if decision.way is Way.CUT_BEFORE:
            raise EOFError
        if decision.way is Way.REFUSE:
            self.client.sendall(refusal(*decision.refusal, self.status != b"I"))
            return
        with self.lock:
            self.waiting = decision
        self.server.sendall(batch)

    def forward_answers(self) -> None:
        held = bytearray()
        while True:
            kind, body = read_message(self.server)
            self.pass_gate()
            with self.lock:
                decision = self.waiting
            # An answer that will be cut off, or is waited for, is held back until it is whole.
            held += message(kind, body)
            is_held = decision is not None and (decision.way is Way.CUT_AFTER or decision.after is not None)
            if kind == b"Z":
                self.status = body
                if decision is not None and decision.after is not None:
                    decision.after()
                if decision is not None and decision.way is Way.CUT_AFTER:
                    raise EOFError
                with self.lock:
                    self.waiting = None
            elif is_held:
                continue
            self.client.sendall(held)
            held.clear()


class PostgresProxy(Proxy):
    """A proxy to PostgreSQL that may alter the statements on the way."""

    link_type = PostgresLink

    def __init__(self, server_port: int, judge: Judge = forward, rewrite: Rewriter = unchanged, **options):
        self.rewrite = rewrite
        self.rewrites = 0
        super().__init__(server_port, judge, **options)

    def rewritten(self, statement: str) -> str:
        altered = self.rewrite(statement)
        if altered != statement:
            with self.lock:
                self.rewrites += 1
        return altered
