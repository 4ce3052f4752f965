"""The statements and commands at which faults strike, as they go by on the wire."""

import threading
from collections.abc import Callable

from wire import Call, Decision, Judge, Way


def is_claim(call: Call) -> bool:
    return "lease_epoch = lease_epoch + 1" in call.text and not call.text.startswith("PREPARE")


def is_renewal(call: Call) -> bool:
    return "AS held (id, epoch)" in call.text and not call.text.startswith("PREPARE")


def is_verdict(call: Call) -> bool:
    return "INSERT INTO verdicts" in call.text and not call.text.startswith("PREPARE")


def is_enqueue(call: Call) -> bool:
    """What makes a job: a statement of the gateway's, or the function that makes several."""
    made = ("INSERT INTO jobs" in call.text) or ("jobs_enqueue(" in call.text)
    return made and not call.text.startswith("PREPARE")


def is_commit(call: Call) -> bool:
    return call.text == "COMMIT"


def is_push(call: Call) -> bool:
    """A script that puts ids on the stream; the settling script names the group."""
    return call.texts[0].upper() in ("EVAL", "EVALSHA") and ":jobs:" in call.text and "workers" not in call.texts


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
