"""Fails the first call between a worker and its stores, then the second, and so on until a whole run has no failure."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from checker import Checker, Expectations, shortened
from faults import Fault
from fleet import Fleet
from postgres_wire import PostgresProxy
from redis_wire import RedisProxy
from scene import Result, Stage, perform
from waiting import Breach, expect
from wire import Call, Counter, Decision, Way

# A worker makes about a hundred calls from its start to its end; more than this, and it would never be over.
MAXIMUM_CALLS = 400
QUICK_RUNS = 6
# A failed call costs a lease at most, and that is what most of a run's time is.
SETTINGS = {"LEASE_SECONDS": "1.5", "LEASE_HEARTBEAT_SECONDS": "0.3", "RELAY_STALE_SECONDS": "1", "SWEEP_SECONDS": "0.2"}
JOB_SECONDS = 30.0
DRAIN_SECONDS = 30.0


@dataclass
class Strike:
    """Lets the call of one number go wrong."""

    number: int
    way: Way
    victim: Call | None = None

    def __post_init__(self) -> None:
        self.lock = threading.Lock()

    def __call__(self, call: Call) -> Decision:
        if call.number != self.number:
            return Decision()
        with self.lock:
            self.victim = call
        return Decision(self.way)


def loop(stage: Stage, keeps: bool, is_quick: bool) -> Iterator[Result]:
    """A result for each way of failing."""
    for number, way in (("L1", Way.CUT_BEFORE), ("L2", Way.CUT_AFTER)):

        def play(fleet: Fleet, way: Way = way) -> str:
            return fail_each(fleet, way, is_quick)

        name = f"every call of a worker, one a run: {way.value}"
        yield perform(stage, Fault(number, name, play, gateways=2, workers=0, settings=SETTINGS), keeps)


def fail_each(fleet: Fleet, way: Way, is_quick: bool) -> str:
    total = count_calls(fleet)
    numbers = list(range(1, MAXIMUM_CALLS))
    if is_quick:
        # Spread over the whole run; the seed says where.
        stride = max(1, total // QUICK_RUNS)
        numbers = [fleet.random.randrange(first, first + stride) for first in range(1, total, stride)]
    failed = 0
    for number in numbers:
        strike = Strike(number, way)
        run_once(fleet, strike)
        if strike.victim is None:
            # Nothing failed: the run was over before. A sample may lie there too, since beats of the heart come and go.
            if not is_quick:
                break
            continue
        failed += 1
    else:
        expect(is_quick, f"a worker's run of 2 jobs takes more than {MAXIMUM_CALLS} calls")
    return f"{failed} runs of a worker with 2 jobs, in each another call failed, of about {total}"


def count_calls(fleet: Fleet) -> int:
    """The calls of a run without a failure."""
    return run_once(fleet, Strike(0, Way.FORWARD))


def run_once(fleet: Fleet, strike: Strike) -> int:
    """A worker from its start to its end with two jobs, the invariants after it; how many calls it made."""
    counter = Counter()
    database = PostgresProxy(fleet.servers.postgres_port, strike, counter=counter)
    queue = RedisProxy(fleet.servers.redis_port, strike, counter=counter)
    try:
        ids = [fleet.submit(fleet.clips.script()) for _ in range(2)]
        worker = fleet.launch_worker(database=database, queue=queue)
        for identity in ids:
            fleet.wait_for_state(identity, "succeeded", seconds=JOB_SECONDS)
        # A moment that the seed chooses, so that a drain meets other waits each time.
        time.sleep(fleet.random.uniform(0, 0.1))
        worker.terminate()
        code = worker.exit_code(DRAIN_SECONDS)
        expect(code == 0, f"the worker drained with code {code}")
        findings = Checker(fleet.database(), fleet.redis(), fleet.queue_name, fleet.uploads).look(Expectations(fleet.tally.ids()))
        expect(not findings.lasting, shortened(findings.lasting))
    except Breach as breach:
        what = strike.victim.text[:120] if strike.victim else "none"
        raise Breach(f"call {strike.number} ({' '.join(what.split())}) {strike.way.value}: {breach}") from None
    finally:
        database.close()
        queue.close()
    return counter.value
