"""The statements and commands at which faults strike, as they go by on the wire."""

import re
import threading
from collections.abc import Callable

from wire import Call, Decision, Judge, Way

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_claim(call: Call) -> bool:
    return "lease_epoch = lease_epoch + 1" in call.text and not call.text.startswith("PREPARE")


def is_renewal(call: Call) -> bool:
    return "AS held (id, epoch)" in call.text and not call.text.startswith("PREPARE")


def is_verdict(call: Call) -> bool:
    return "INSERT INTO verdicts" in call.text and not call.text.startswith("PREPARE")


def is_enqueue(call: Call) -> bool:
    """What makes a job: a statement of the gateway's, or the function that makes several."""
    made = ("INSERT INTO jobs" in call.text) or ("enqueue_jobs(" in call.text)
    return made and not call.text.startswith("PREPARE")


def is_commit(call: Call) -> bool:
    return call.text == "COMMIT"


def is_push(call: Call) -> bool:
    """The script that puts a new job's id on the stream: its bound, then the id."""
    words = call.texts
    if words[0].upper() not in ("EVAL", "EVALSHA") or len(words) < 5:
        return False
    arguments = words[3 + int(words[2]) :]
    return ":jobs:" in words[3] and len(arguments) > 1 and ID.fullmatch(arguments[1]) is not None


class CommitOf:
    """Finds the call that makes something lasting: the COMMIT of its transaction, or itself outside of one."""

    def __init__(self, wanted: Callable[[Call], bool]):
        self.wanted = wanted
        self.connections: set[int] = set()
        self.lock = threading.Lock()

    def __call__(self, call: Call) -> bool:
        with self.lock:
            if self.wanted(call):
                if not call.is_in_transaction:
                    return True
                self.connections.add(call.connection)
            elif is_commit(call) and call.connection in self.connections:
                self.connections.discard(call.connection)
                return True
            return False


class Once:
    """A judge that lets the first call of a kind go wrong and every other pass; `struck` is set when it came."""

    def __init__(self, wanted: Callable[[Call], bool], decision: Decision, skip: int = 0):
        self.wanted = wanted
        self.decision = decision
        self.skip = skip
        self.lock = threading.Lock()
        self.struck = threading.Event()

    def __call__(self, call: Call) -> Decision:
        with self.lock:
            if self.struck.is_set() or not self.wanted(call):
                return Decision()
            if self.skip:
                self.skip -= 1
                return Decision()
            self.struck.set()
            return self.decision


def always(wanted: Callable[[Call], bool], way: Way, while_set: threading.Event) -> Judge:
    """A judge that lets every call of a kind go wrong as long as the event is set."""

    def judge(call: Call) -> Decision:
        return Decision(way) if while_set.is_set() and wanted(call) else Decision()

    return judge
