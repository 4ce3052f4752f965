"""A TCP proxy that sees the single calls between a program and its server, and can let each of them go wrong."""

import contextlib
import enum
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field


class Way(enum.Enum):
    """What becomes of a call."""

    FORWARD = "forwarded"
    CUT_BEFORE = "the connection was cut before the server had it"
    CUT_AFTER = "the connection was cut after the server did it and before its answer came back"
    REFUSE = "refused in the server's name"


@dataclass
class Decision:
    """A way, and what is done before the call is forwarded and once its answer is there but not yet passed on."""

    way: Way = Way.FORWARD
    before: Callable[[], None] | None = None
    after: Callable[[], None] | None = None
    # The code and the message of a refusal.
    refusal: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Call:
    """What a client sent and expects one answer to: statements, or the words of a command."""

    texts: tuple[str, ...]
    # The number of the connection, and of the call on all connections of this proxy together, from 1.
    connection: int
    number: int
    # Whether a transaction was open as it was sent; Redis has none here.
    is_in_transaction: bool = False

    @property
    def text(self) -> str:
        return " ".join(self.texts)


Judge = Callable[[Call], Decision]


def forward(_: Call) -> Decision:
    """The judge that lets everything pass."""
    return Decision()


class Counter:
    """Counts calls over several proxies."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.value = 0

    def next(self) -> int:
        with self.lock:
            self.value += 1
            return self.value


class Link:
    """One proxied connection: two sockets, two threads, and a gate that a half-open connection never passes again."""

    def __init__(self, proxy: "Proxy", number: int, client: socket.socket, server: socket.socket):
        self.proxy = proxy
        self.number = number
        self.client = client
        self.server = server
        self.is_frozen = threading.Event()
        self.is_closed = threading.Event()

    def start(self) -> None:
        for work in (self.forward_requests, self.forward_answers):
            threading.Thread(target=self._guarded, args=(work,), daemon=True).start()

    def _guarded(self, work: Callable[[], None]) -> None:
        # Either end may go at any moment; the other then hears of it.
        with contextlib.suppress(OSError, EOFError):
            work()
        if not self.is_frozen.is_set():
            self.close()

    def forward_requests(self) -> None:
        """From the client to the server, call by call; to be written for each protocol."""
        raise NotImplementedError

    def forward_answers(self) -> None:
        """From the server to the client; to be written for each protocol."""
        raise NotImplementedError

    def pass_gate(self) -> None:
        """A frozen connection swallows everything from now on and stays open until the proxy ends."""
        if self.is_frozen.is_set():
            self.is_closed.wait()
            raise EOFError

    def close(self) -> None:
        self.is_closed.set()
        for end in (self.client, self.server):
            # shutdown wakes the thread that reads from it, which close alone does not.
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@dataclass
class Seen:
    """A call that went by."""

    call: Call
    way: Way


@dataclass
class Record:
    """The calls so far; threads add to it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    seen: list[Seen] = field(default_factory=list)

    def add(self, call: Call, way: Way) -> None:
        with self.lock:
            self.seen.append(Seen(call, way))

    def count(self, wanted: Callable[[Seen], bool]) -> int:
        with self.lock:
            return sum(1 for entry in self.seen if wanted(entry))


class Proxy:
    """Listens on a loopback port of its own and connects each client to the server's port."""

    link_type: type[Link] = Link

    def __init__(self, server_port: int, judge: Judge = forward, counter: Counter | None = None):
        self.server_port = server_port
        self.judge = judge
        self.counter = counter or Counter()
        self.record = Record()
        self.links: list[Link] = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.server_port), timeout=5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.lock:
            link = self.link_type(self, len(self.links) + 1, client, server)
            self.links.append(link)
        link.start()

    def decide(self, call: Call) -> Decision:
        decision = self.judge(call)
        self.record.add(call, decision.way)
        return decision

    def freeze(self) -> set[int]:
        """Makes the connections of this moment half-open; their numbers."""
        with self.lock:
            open_links = [link for link in self.links if not link.is_closed.is_set()]
        for link in open_links:
            link.is_frozen.set()
        return {link.number for link in open_links}

    def close(self) -> None:
        # shutdown wakes the thread that accepts, which close alone does not.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            links = list(self.links)
        for link in links:
            link.close()
