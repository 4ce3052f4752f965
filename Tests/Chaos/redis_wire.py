"""Redis' protocol, RESP2, as far as a proxy needs it."""

import socket
import threading

from wire import Call, Decision, Link, Proxy, Way


class Reader:
    """Lines and counted bytes from a socket, with what they looked like on the way."""

    def __init__(self, end: socket.socket):
        self.end = end
        self.buffer = bytearray()

    def line(self) -> bytes:
        while b"\r\n" not in self.buffer:
            self._more()
        line, _, rest = self.buffer.partition(b"\r\n")
        self.buffer = bytearray(rest)
        return bytes(line) + b"\r\n"

    def counted(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self._more()
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    def _more(self) -> None:
        read = self.end.recv(65536)
        if not read:
            raise EOFError
        self.buffer += read

    def command(self) -> tuple[bytes, tuple[str, ...]]:
        """The next command as it came, and its words."""
        raw = self.line()
        words = []
        for _ in range(int(raw[1:])):
            head = self.line()
            word = self.counted(int(head[1:]) + 2)
            raw += head + word
            words.append(word[:-2].decode(errors="replace"))
        return raw, tuple(words)

    def reply(self) -> bytes:
        """The next reply as it came, with all that is nested in it."""
        raw = self.line()
        kind, size = raw[:1], raw[1:-2]
        if kind == b"$" and int(size) >= 0:
            raw += self.counted(int(size) + 2)
        elif kind == b"*" and int(size) > 0:
            for _ in range(int(size)):
                raw += self.reply()
        return raw


class RedisLink(Link):
    """Takes requests apart into commands; each has one reply, but for a subscription's messages."""

    def __init__(self, proxy: Proxy, number: int, client: socket.socket, server: socket.socket):
        super().__init__(proxy, number, client, server)
        self.lock = threading.Lock()
        self.waiting: list[Decision] = []

    def forward_requests(self) -> None:
        reader = Reader(self.client)
        while True:
            raw, words = reader.command()
            self.pass_gate()
            decision = self.proxy.decide(Call(words, self.number, self.proxy.counter.next()))
            if decision.before is not None:
                decision.before()
            if decision.way is Way.CUT_BEFORE:
                raise EOFError
            if decision.way is Way.REFUSE:
                self.client.sendall(f"-{decision.refusal[0]} {decision.refusal[1]}\r\n".encode())
                continue
            with self.lock:
                self.waiting.append(decision)
            self.server.sendall(raw)

    def forward_answers(self) -> None:
        reader = Reader(self.server)
        while True:
            raw = reader.reply()
            self.pass_gate()
            with self.lock:
                decision = self.waiting.pop(0) if self.waiting else Decision()
            if decision.after is not None:
                decision.after()
            if decision.way is Way.CUT_AFTER:
                raise EOFError
            self.client.sendall(raw)


class RedisProxy(Proxy):
    """A proxy to Redis."""

    link_type = RedisLink
