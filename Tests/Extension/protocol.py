"""Chromium's debugging protocol over a pair of pipes.

A driver that attaches itself to every target would keep the extension's service worker alive for ever, and its death is
much of what is tested here: nothing is attached to that nobody asked for.
"""

import collections
import contextlib
import itertools
import json
import os
import threading
from typing import Any

import places  # noqa: F401 - makes `waiting` findable
from waiting import Broken

ANSWER_SECONDS = 60.0
EVENTS_KEPT = 5000
READ_BYTES = 1 << 16


class Refused(Exception):
    """The browser answered a command with an error."""


class Gone(Exception):
    """The browser, or what the session was attached to, is no more."""


class ScriptFailed(Exception):
    """An expression threw; the message is the page's own."""


def value_of(answer: dict[str, Any]) -> Any:
    """What a script was worth."""
    if "exceptionDetails" in answer:
        details = answer["exceptionDetails"]
        raise ScriptFailed(details.get("exception", {}).get("description") or details.get("text", "an exception"))
    return answer["result"].get("value")


class Reply:
    """What a command is answered with, once it is."""

    def __init__(self) -> None:
        self.is_there = threading.Event()
        self.message: dict[str, Any] = {}

    def give(self, message: dict[str, Any]) -> None:
        self.message = message
        self.is_there.set()


class Protocol:
    """The connection to one browser. One thread reads; any may send."""

    def __init__(self, write_to: int, read_from: int):
        self._write_to = write_to
        self._read_from = read_from
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        # Apart from the other lock: the browser may stop reading until its own messages are taken.
        self._write_lock = threading.Lock()
        self._replies: dict[int, tuple[str, Reply]] = {}
        self._sessions: dict[str, Session] = {}
        self._is_closed = False
        self.browser = Session(self, "")
        self._sessions[""] = self.browser
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def send(self, method: str, parameters: dict[str, Any], session: str, seconds: float) -> dict[str, Any]:
        number, reply = next(self._numbers), Reply()
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        with self._lock:
            if self._is_closed:
                raise Gone(f"{method}: the browser is gone")
            self._replies[number] = (session, reply)
        with self._write_lock:
            try:
                os.write(self._write_to, json.dumps(message).encode() + b"\0")
            except OSError as error:
                raise Gone(f"{method}: {error}") from None
        if not reply.is_there.wait(seconds):
            with self._lock:
                self._replies.pop(number, None)
            raise Broken(f"{method} was not answered within {seconds:g} s")
        answer = reply.message
        if not answer:
            raise Gone(f"{method}: its target is gone")
        if "error" in answer:
            raise Refused(f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    def session(self, identity: str) -> "Session":
        with self._lock:
            return self._sessions.setdefault(identity, Session(self, identity))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._write_to)
        self._reader.join(timeout=10)

    def _read(self) -> None:
        waiting = b""
        while True:
            try:
                data = os.read(self._read_from, READ_BYTES)
            except OSError:
                data = b""
            if not data:
                break
            *messages, waiting = (waiting + data).split(b"\0")
            for message in messages:
                self._take(json.loads(message))
        os.close(self._read_from)
        with self._lock:
            self._is_closed = True
            left, self._replies = self._replies, {}
        for _, reply in left.values():
            reply.give({})
        for session in list(self._sessions.values()):
            session.end()

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            with self._lock:
                _, reply = self._replies.pop(message["id"], ("", None))
            if reply is not None:
                reply.give(message)
            return
        parameters = message.get("params", {})
        self.session(message.get("sessionId", "")).take(message["method"], parameters)
        if message["method"] == "Target.detachedFromTarget":
            self._forget(parameters["sessionId"])

    def _forget(self, identity: str) -> None:
        with self._lock:
            left = [number for number, (session, _) in self._replies.items() if session == identity]
            replies = [self._replies.pop(number)[1] for number in left]
            # It stays known as one that is over: whoever hears late that it was attached to must not take it for a new one.
            session = self._sessions.get(identity)
        for reply in replies:
            reply.give({})
        if session is not None:
            session.end()


class Session:
    """What one target is told and tells; the empty identity is the browser's own."""

    def __init__(self, protocol: Protocol, identity: str):
        self._protocol = protocol
        self.identity = identity
        self._events: collections.deque[tuple[str, dict[str, Any]]] = collections.deque(maxlen=EVENTS_KEPT)
        self._lock = threading.Lock()
        self.is_over = False

    def send(self, method: str, seconds: float = ANSWER_SECONDS, **parameters: Any) -> dict[str, Any]:
        return self._protocol.send(method, parameters, self.identity, seconds)

    def evaluate(self, expression: str, **parameters: Any) -> Any:
        """What an expression, or the promise that it gives, is worth."""
        answer = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, **parameters)
        return value_of(answer)

    def child(self, identity: str) -> "Session":
        return self._protocol.session(identity)

    def take(self, method: str, parameters: dict[str, Any]) -> None:
        with self._lock:
            self._events.append((method, parameters))

    def end(self) -> None:
        with self._lock:
            self.is_over = True

    def events(self, method: str) -> list[dict[str, Any]]:
        """The parameters of all events of this name so far, the oldest first."""
        with self._lock:
            return [parameters for name, parameters in self._events if name == method]
