"""What becomes of the jobs of a worker that is killed; all contenders at once, since nearly all of it is waiting."""

import contextlib
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from bench import Starter, say
from child import Failed
from queue_plan import (
    BATCH_JOB_SECONDS,
    BATCH_JOBS,
    BATCH_JOBS_PER_SECOND,
    CRASH_AFTER_SECONDS,
    CRASHED_JOB_SECONDS,
    LONG_JOB_SECONDS,
    LONG_JOB_WATCH_SECONDS,
    Contender,
    Sizes,
)
from servers import Servers
from queue_system import POLL_SECONDS, System
from queue_tasks import Runs
from queue_turns import opened

CRASHED = "crashed"
LONG = "long"
START_SECONDS = 60.0
# A procedure that is resumed over and over, and gives way whenever it waits.
Waiting = Generator[None, None, bool]


@dataclass
class Recovery:
    """What happened. Seconds are from the kill; None is not within the bound."""

    restarted_seconds: float | None = None
    # All that were sent, the crashed one included.
    jobs: int = 0
    # Those of them that did not end within the bound, and how many did more than once.
    lost: list[str] = field(default_factory=list)
    duplicated: int = 0
    # How often the job was started that outlives the lease on a worker that lives; 0 is not tried.
    long_starts: int = 0


def wait(system: System, condition: Callable[[], bool], seconds: float) -> Waiting:
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        for worker in system.workers:
            worker.require_alive()
        if time.monotonic() > deadline:
            return False
        yield
    return True


def require(system: System, condition: Callable[[], bool], complaint: str) -> Waiting:
    if not (yield from wait(system, condition, START_SECONDS)):
        raise Failed(f"{system.contender.label}: {complaint} after {START_SECONDS:g} s")
    return True


def runs(system: System, body: str) -> Runs:
    return system.waited().get(body, Runs())


def crash(system: System, sizes: Sizes, recovery: Recovery, tries_long_job: bool) -> Generator[None, None, None]:
    """A worker is killed in the middle of a job, while others go by; then the one that is left gets a long job."""
    victim = system.add_worker()
    yield from require(system, lambda: system.ready_workers() == 1, "its worker is not ready")
    system.send_wait(CRASHED, CRASHED_JOB_SECONDS)
    yield from require(system, lambda: bool(runs(system, CRASHED).starts), "its worker takes no job")
    started = time.monotonic()
    system.add_worker()
    yield from require(system, lambda: system.ready_workers() == 2, "its second worker is not ready")

    bodies = [f"batch-{number}" for number in range(BATCH_JOBS)]
    first = time.monotonic()
    killed = None
    for number, body in enumerate(bodies):
        while time.monotonic() < first + number / BATCH_JOBS_PER_SECOND:
            yield
        # In the middle of the batch, and well before the job ends.
        if killed is None and number >= BATCH_JOBS // 4 and time.monotonic() > started + CRASH_AFTER_SECONDS:
            killed = time.time()
            system.workers.remove(victim)
            victim.kill()
        system.send_wait(body, BATCH_JOB_SECONDS)
    if killed is None or runs(system, CRASHED).ends:
        raise Failed(f"{system.contender.label}: its worker was not killed within its job")

    bound = sizes.recovery_bound_seconds
    if (yield from wait(system, lambda: len(runs(system, CRASHED).starts) > 1, killed + bound - time.time())):
        recovery.restarted_seconds = runs(system, CRASHED).starts[1] - killed
    everything = [CRASHED] + bodies
    yield from wait(system, lambda: all(runs(system, body).ends for body in everything), killed + bound + CRASHED_JOB_SECONDS - time.time())
    ends = {body: len(found.ends) for body, found in system.waited().items()}
    recovery.jobs = len(everything)
    recovery.lost = [body for body in everything if ends.get(body, 0) == 0]
    recovery.duplicated = sum(ends.get(body, 0) > 1 for body in everything)

    if tries_long_job and recovery.restarted_seconds is not None:
        system.send_wait(LONG, LONG_JOB_SECONDS)
        yield from require(system, lambda: bool(runs(system, LONG).starts), "its worker takes no job")
        yield from wait(system, lambda: len(runs(system, LONG).starts) > 1, LONG_JOB_WATCH_SECONDS)
        recovery.long_starts = len(runs(system, LONG).starts)


def measure(
    contenders: list[Contender], servers: Servers, starter: Starter, sizes: Sizes, *, tries_long_job: bool
) -> dict[Contender, Recovery]:
    recoveries = {contender: Recovery() for contender in contenders}
    with contextlib.ExitStack() as stack:
        going = {}
        for contender in contenders:
            system = stack.enter_context(opened(contender, servers, starter))
            going[contender] = crash(system, sizes, recoveries[contender], tries_long_job)
        while going:
            for contender in list(going):
                if next(going[contender], contender) is contender:
                    say(f"  recovery: {contender.label}: {told(recoveries[contender], sizes)}")
                    del going[contender]
            time.sleep(POLL_SECONDS)
    return recoveries


def told(recovery: Recovery, sizes: Sizes) -> str:
    if recovery.restarted_seconds is None:
        again = f"not run again within {sizes.recovery_bound_seconds:g} s"
    else:
        again = f"run again after {recovery.restarted_seconds:.1f} s"
    return f"{again}, {len(recovery.lost)} without an end: {', '.join(recovery.lost)}" if recovery.lost else again
