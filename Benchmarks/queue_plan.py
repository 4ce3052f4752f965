"""What is measured against what: the contenders and the sizes of the queue benchmark."""

from dataclasses import dataclass

PARTS = ("enqueue", "finish", "pickup", "overhead", "recovery", "depth")
PROGRAMS = ("whorl", "whorl-gateway", "whorl-scripted-worker")
PACKAGES = ("celery", "rq", "redis", "psycopg")

# Whorl's own by default, which the peers are held to as far as they have such a thing.
LEASE_SECONDS = 30
HEARTBEAT_SECONDS = 10
SWEEP_SECONDS = 5

# Two workers with two jobs at a time each. An RQ worker has one at a time, so there are four of them.
WORKERS = 2
SLOTS = 2
# As an operator would set it for jobs that cost nothing: the more run at once, the more share a commit.
WIDE_SLOTS = 32
# The same, for workers that nobody else needs the machine beside.
DRAIN_SLOTS = 96
PRODUCERS = 4
CONNECTIONS = 64
CLIENT_THREADS = 2
PICKUPS_PER_SECOND = 20

# What was to be reached.
HTTP_GOAL_PER_SECOND = 2000.0
STORE_GOAL_PER_SECOND = 5000.0
FINISH_GOAL_PER_SECOND = 2000.0
PICKUP_P99_GOAL_MILLISECONDS = 20.0
OVERHEAD_GOAL_MILLISECONDS = 10.0
RECOVERY_GOAL_SECONDS = 45.0
DEPTH_GOAL_RATIO = 1.5

# The job whose worker is killed, and those that go by in the meantime.
CRASHED_JOB_SECONDS = 20.0
CRASH_AFTER_SECONDS = 3.0
BATCH_JOBS = 100
BATCH_JOB_SECONDS = 0.05
BATCH_JOBS_PER_SECOND = 20.0
# Longer than the lease, on a worker that lives: a lease that is not renewed gives it to another.
LONG_JOB_SECONDS = 40.0
LONG_JOB_WATCH_SECONDS = 50.0
RECOVERY_BOUND_SECONDS = 120.0
# Each takes minutes, whatever the number of rounds.
MOST_RECOVERIES = 3


@dataclass(frozen=True)
class Contender:
    """One queue with one way of running it."""

    system: str
    way: str
    label: str
    # So many jobs keep it busy for some seconds; those of `finish` go through workers.
    enqueue_jobs: int = 0
    finish_jobs: int = 0
    workers: str = ""
    # When it takes a job for lost, as tables tell it.
    lease: str = ""

    @property
    def is_ours(self) -> bool:
        return self.system == "whorl"

    @property
    def slots(self) -> int:
        """Of each of Whorl's workers."""
        return {"wide": WIDE_SLOTS, "drain": DRAIN_SLOTS}.get(self.way, SLOTS)


WHORL = Contender("whorl", "http", "Whorl", 8000, 5000, f"{WORKERS}, {SLOTS} slots each", f"after {LEASE_SECONDS} s, renewed")
WHORL_WIDE = Contender("whorl", "wide", f"Whorl, {WIDE_SLOTS} slots a worker", 0, 20000, f"{WORKERS}, {WIDE_SLOTS} slots each")
WHORL_DRAIN = Contender("whorl", "drain", "Whorl, all accepted before", 0, 20000, f"{WORKERS}, {DRAIN_SLOTS} slots each")
STORE = Contender("whorl", "store", "Whorl, at the store", 8000)
CELERY = Contender(
    "celery", "prefork", "Celery, prefork", 12000, 6000, f"{WORKERS}, {SLOTS} processes each", f"after {LEASE_SECONDS} s, not renewed"
)
CELERY_SOLO = Contender("celery", "solo", "Celery, solo", 0, 6000, f"{WORKERS * SLOTS}")
CELERY_FLUSHED = Contender("celery", "flushed", "Celery, every write flushed", 8000)
CELERY_DEFAULTS = Contender("celery", "defaults", "Celery, its defaults", lease="after 1 h, not renewed, seen to every 100 s")
# It adds a minute to the interval of its heartbeat.
RQ = Contender("rq", "fork", "RQ, fork", 12000, 800, f"{WORKERS * SLOTS}", f"after {60 + HEARTBEAT_SECONDS} s, renewed")
RQ_SIMPLE = Contender("rq", "simple", "RQ, SimpleWorker", 0, 3000, f"{WORKERS * SLOTS}")
RQ_FLUSHED = Contender("rq", "flushed", "RQ, every write flushed", 8000)
RQ_DEFAULTS = Contender("rq", "defaults", "RQ, its defaults", lease="after 90 s, renewed, seen to every 10 min")

CONTENDERS = {
    "enqueue": (WHORL, STORE, CELERY, RQ, CELERY_FLUSHED, RQ_FLUSHED),
    "finish": (WHORL, WHORL_WIDE, WHORL_DRAIN, CELERY, CELERY_SOLO, RQ, RQ_SIMPLE),
    "pickup": (WHORL, CELERY, CELERY_SOLO, RQ, RQ_SIMPLE),
    "overhead": (WHORL, WHORL_WIDE, WHORL_DRAIN, CELERY, CELERY_SOLO, RQ, RQ_SIMPLE),
    "recovery": (WHORL, CELERY, RQ, CELERY_DEFAULTS, RQ_DEFAULTS),
    "depth": (STORE,),
}


@dataclass(frozen=True)
class Sizes:
    """How much of everything; `share` is of the contenders' own numbers of jobs."""

    share: float
    pickup_seconds: int
    # The contenders with their own defaults, and the job that outlives the lease, take minutes of waiting.
    has_long_waits: bool
    recovery_bound_seconds: float
    queued: int
    finished: int
    latencies: int

    def jobs(self, whole: int) -> int:
        return max(4 * PRODUCERS, int(whole * self.share) // PRODUCERS * PRODUCERS)


FULL = Sizes(1.0, 25, True, RECOVERY_BOUND_SECONDS, 1_000_000, 10_000_000, 200)
QUICK = Sizes(0.15, 5, False, 100.0, 10_000, 100_000, 100)
