"""One turn of one contender in each part: started with an empty queue, measured, and gone again."""

import statistics
import time
from dataclasses import dataclass

from bench import Starter
from queue_peers import CeleryPeer, RQPeer
from queue_plan import PICKUPS_PER_SECOND, Contender, Sizes
from servers import Servers
from queue_system import Flood, System
from queue_whorl import Store, Whorl

WARM_UP_JOBS = 40
FINISH_SECONDS = 300.0
PICKUP_SECONDS = 60.0


def opened(contender: Contender, servers: Servers, starter: Starter) -> System:
    if contender.system == "celery":
        return CeleryPeer(contender, servers, starter)
    if contender.system == "rq":
        return RQPeer(contender, servers, starter)
    return (Store if contender.way == "store" else Whorl)(contender, servers, starter)


@dataclass(frozen=True)
class Load:
    """What a turn at full load gave: jobs a second from the first sent to the last ended, and CPU seconds for each job."""

    jobs: int
    seconds: float
    cpu: dict[str, float]


@dataclass(frozen=True)
class Pickup:
    """Seconds until each job's start, at light load: from its acceptance and from its being sent; and CPU seconds for each job."""

    accepted: list[float]
    sent: list[float]
    # From its acceptance to its end, where that is known: it began before that in any case.
    ended: list[float]
    cpu: dict[str, float]


def enqueue(contender: Contender, servers: Servers, starter: Starter, sizes: Sizes) -> Flood:
    with opened(contender, servers, starter) as system:
        system.prepare_flood()
        # What runs for the first time takes longer.
        system.flood(sizes.jobs(contender.enqueue_jobs // 10))
        return system.flood(sizes.jobs(contender.enqueue_jobs))


def per_job(before: dict[str, float], after: dict[str, float], jobs: int) -> dict[str, float]:
    return {name: (after[name] - before[name]) / jobs for name in before}


def finish(contender: Contender, servers: Servers, starter: Starter, sizes: Sizes) -> Load:
    if contender.way == "drain":
        return drain(contender, servers, starter, sizes)
    with opened(contender, servers, starter) as system:
        system.prepare_flood()
        system.start_usual_workers()
        system.warm_up(WARM_UP_JOBS)
        already, _ = system.ended()
        before = system.cpu_seconds()
        start = time.time()
        flood = system.flood(sizes.jobs(contender.finish_jobs))
        system.wait_until_idle(FINISH_SECONDS)
        after = system.cpu_seconds()
        ended, last = system.ended()
        jobs = ended - already
        return Load(jobs, last - start, per_job(before, after, jobs) | {"producers": flood.cpu_seconds / jobs})


def drain(contender: Contender, servers: Servers, starter: Starter, sizes: Sizes) -> Load:
    """The workers' start is measured with their work: they find the queue full."""
    with opened(contender, servers, starter) as system:
        system.prepare_flood()
        system.flood(sizes.jobs(contender.finish_jobs))
        before = system.cpu_seconds()
        start = time.time()
        system.start_usual_workers()
        system.wait_until_idle(FINISH_SECONDS)
        after = system.cpu_seconds()
        jobs, last = system.ended()
        return Load(jobs, last - start, per_job(before, after, jobs) | {"producers": 0.0})


def pickup(contender: Contender, servers: Servers, starter: Starter, sizes: Sizes) -> Pickup:
    with opened(contender, servers, starter) as system:
        system.start_usual_workers()
        system.warm_up(WARM_UP_JOBS)
        before = system.cpu_seconds()
        trips = []
        start = time.monotonic()
        for number in range(sizes.pickup_seconds * PICKUPS_PER_SECOND):
            time.sleep(max(0.0, start + number / PICKUPS_PER_SECOND - time.monotonic()))
            trips.append(system.send(f"pickup-{number}"))
        system.wait_until_idle(PICKUP_SECONDS)
        after = system.cpu_seconds()
        starts = system.starts(trips)
        accepted = [begun - trip.accepted for begun, trip in zip(starts, trips)]
        sent = [begun - trip.sent for begun, trip in zip(starts, trips)]
        ended = [end - trip.accepted for end, trip in zip(system.ends(trips), trips)]
        return Pickup(accepted, sent, ended, per_job(before, after, len(trips)))


def percentile(values: list[float], hundredth: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[hundredth - 1]
