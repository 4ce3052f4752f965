"""One fault from its beginning to its verdict: a fleet, the play, the wait for all jobs to end, the checker."""

import os
import pathlib
import random
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field

import psycopg
import redis

from checker import Checker, Expectations, Findings, shortened, stored_files
from client import NoAnswer
from faults import Fault
from fleet import Fleet
from servers import Servers
from waiting import Breach, Broken, wait_for

PATIENCE_SECONDS = 50.0
# A dead worker's entry is settled when it has been pending for half a minute, whatever the settings are; one that a living
# worker is about to claim is younger than the first of these.
YOUNG_MILLISECONDS, OLD_MILLISECONDS = 1000, 60_000
# How old bytes without a job must be before the gateways remove them.
ORPHAN_AGE_SECONDS = 2 * 3600.0


@dataclass
class Result:
    """A line of the table."""

    number: str
    name: str
    done: str = ""
    accepted: int = 0
    states: Counter[str] = field(default_factory=Counter)
    recovery_seconds: float | None = None
    seconds: float = 0.0
    breach: str = ""

    @property
    def is_passed(self) -> bool:
        return not self.breach


class Stage:
    """What all scenes share: the servers, the programs, a model, and a folder."""

    def __init__(self, servers: Servers, programs: pathlib.Path, model: pathlib.Path, folder: pathlib.Path, template: str, seed: int):
        self.servers = servers
        self.programs = programs
        self.model = model
        self.folder = folder
        self.template = template
        self.seed = seed
        self.scenes = 0
        self.fleets: list[Fleet] = []

    def fleet(self, label: str) -> Fleet:
        """A fleet without programs, with a fresh database."""
        self.servers.start()
        self.scenes += 1
        database = f"chaos_{self.scenes}_{label}".lower()
        self.servers.administer(f"CREATE DATABASE {database} TEMPLATE {self.template}")
        self.servers.redis().flushall()
        folder = self.folder / database
        folder.mkdir()
        # The same seed makes the same choices, whichever other faults are run.
        generator = random.Random(f"{self.seed} {label}")
        fleet = Fleet(self.servers, self.programs, self.model, folder, database, generator)
        self.fleets.append(fleet)
        return fleet

    def end(self) -> None:
        """Ends what is still there when a run is broken off."""
        for fleet in self.fleets:
            fleet.end()

    def close(self, fleet: Fleet, keeps: bool) -> None:
        fleet.end()
        self.fleets.remove(fleet)
        if keeps:
            return
        self.servers.start()
        self.servers.administer(f"DROP DATABASE {fleet.database_name} WITH (FORCE)")
        shutil.rmtree(fleet.folder)


def perform(stage: Stage, fault: Fault, keeps: bool) -> Result:
    """Plays a fault; whatever goes wrong is the result's breach."""
    result = Result(fault.number, fault.name)
    began = time.monotonic()
    fleet: Fleet | None = None
    try:
        fleet = stage.fleet(fault.number)
        fleet.settings = dict(fault.settings)
        for _ in range(fault.gateways):
            fleet.launch_gateway()
        for _ in range(fault.workers):
            fleet.launch_worker(real=fault.is_real)
        for gateway in fleet.gateways:
            fleet.port_of(gateway)
        for worker in fleet.workers:
            fleet.wait_until_ready(worker)
        result.done = fault.play(fleet)
        settle(fleet, fault.leaves_orphans, fault.end_seconds)
        result.recovery_seconds = recovery(fleet)
        limit = fault.recovery_seconds
        if limit is not None and result.recovery_seconds is not None and result.recovery_seconds > limit:
            result.breach = f"recovered after {result.recovery_seconds:.1f} s, and {limit:g} s are allowed"
    except (Breach, Broken) as problem:
        result.breach = str(problem)
    except (psycopg.Error, redis.RedisError, NoAnswer, OSError) as problem:
        # Nobody but the play meant to break anything, so this is a finding as well.
        result.breach = f"{type(problem).__name__}: {problem}"
    if fleet is not None:
        try:
            result.accepted = fleet.tally.count()
            stage.servers.start()
            rows = fleet.rows("SELECT state, count(*) AS jobs FROM jobs GROUP BY state")
            result.states = Counter({row["state"]: row["jobs"] for row in rows})
        except (psycopg.Error, Broken) as problem:
            result.breach = result.breach or f"the database cannot be read: {problem}"
        if not result.is_passed:
            dump(fleet)
        stage.close(fleet, keeps or not result.is_passed)
    result.seconds = time.monotonic() - began
    return result


def dump(fleet: Fleet) -> None:
    """What a breach left in the database, beside its logs: the servers' data does not stay."""
    for table in ("jobs", "attempts", "verdicts", "uploads", "idempotency", "workers", "chaos_audit"):
        statement = f"COPY (SELECT * FROM {table}) TO STDOUT (FORMAT csv, HEADER)"
        with (
            (fleet.folder / f"{table}.csv").open("wb") as file,
            fleet.database().cursor() as cursor,
            cursor.copy(statement) as rows,  # type: ignore[arg-type]
        ):
            for row in rows:
                file.write(row)


def settle(fleet: Fleet, leaves_orphans: bool, end_seconds: float) -> None:
    """Waits until every job has ended, then holds everything against the invariants."""
    for program in fleet.gateways + fleet.workers:
        program.go_on()
    if not fleet.living_gateways:
        fleet.start_gateway()
    if not fleet.living_workers:
        fleet.start_worker()
    unended = wait_for_the_end(fleet, end_seconds)
    checker = Checker(fleet.database(), fleet.redis(), fleet.queue_name, fleet.uploads)
    expected = Expectations(fleet.tally.ids(), fleet.erased, fleet.waiting)
    if unended:
        raise Breach(shortened(checker.look(expected).lasting + unended))
    if leaves_orphans:
        age_orphans(fleet)
    findings = Findings()

    def is_over() -> bool:
        nonlocal findings
        age_pending(fleet)
        findings = checker.look(expected)
        return bool(findings.lasting) or not findings.passing

    try:
        wait_for("nothing is left over", is_over, PATIENCE_SECONDS, Broken, interval=0.25)
    except Broken:
        raise Breach(f"{PATIENCE_SECONDS:g} s after the last job's end: {shortened(findings.passing)}") from None
    if findings.lasting:
        raise Breach(shortened(findings.lasting))
    agree(fleet)


def wait_for_the_end(fleet: Fleet, seconds: float) -> list[str]:
    """What has not ended in time, described; nothing if all is well."""

    def open_jobs() -> list[str]:
        rows = fleet.rows("SELECT id::text AS id FROM jobs WHERE state IN ('queued', 'running')")
        return [row["id"] for row in rows if row["id"] not in fleet.waiting]

    def have_ended() -> bool:
        return not open_jobs()

    try:
        wait_for("all jobs end", have_ended, seconds, Broken)
    except Broken:
        return [f"not ended after {seconds:g} s: {describe(fleet, identity)}" for identity in open_jobs()]
    return []


def describe(fleet: Fleet, identity: str) -> str:
    job = fleet.job(identity)
    words = ("state", "stage", "lease_epoch", "attempt", "crash_count", "runs_alone", "lease_until", "run_at", "dispatched_at", "code")
    return f"{identity} " + " ".join(f"{word}={job[word]}" for word in words)


def age_orphans(fleet: Fleet) -> None:
    """Makes bytes without an upload old enough for the gateways to remove them, instead of waiting for an hour."""
    known = {row["store_key"] for row in fleet.rows("SELECT store_key FROM uploads")}
    long_ago = time.time() - ORPHAN_AGE_SECONDS
    for key in stored_files(fleet.uploads):
        if key not in known:
            os.utime(fleet.uploads / key, (long_ago, long_ago))


def age_pending(fleet: Fleet) -> None:
    """Makes what is left in Redis' pending list old enough for the gateways' sweep, instead of waiting for half a minute."""
    queue = fleet.redis()
    if not queue.exists(fleet.stream):
        return
    for group in queue.xinfo_groups(fleet.stream):
        for entry in queue.xpending_range(fleet.stream, group["name"], "-", "+", 1000):
            if YOUNG_MILLISECONDS < entry["time_since_delivered"] < OLD_MILLISECONDS / 2:
                queue.xclaim(
                    fleet.stream, group["name"], entry["consumer"], 0, [entry["message_id"]], idle=OLD_MILLISECONDS, justid=True
                )


def recovery(fleet: Fleet) -> float | None:
    """Seconds from the fault until all that was accepted before it had ended; none if nothing was under way."""
    if fleet.fault_at is None:
        return None
    with fleet.tally.lock:
        before = [identity for identity, moment in fleet.tally.accepted.items() if moment <= fleet.fault_at]
    last = fleet.value("SELECT max(extract(epoch FROM finished_at))::float8 FROM jobs WHERE id = ANY(%s)", before)
    return None if last is None or last <= fleet.fault_at else last - fleet.fault_at


def agree(fleet: Fleet, count: int = 5) -> None:
    """Whether every gateway tells a client what PostgreSQL holds."""
    ids = sorted(fleet.tally.ids() - fleet.erased)
    for identity in fleet.random.sample(ids, min(count, len(ids))):
        state = fleet.job(identity)["state"]
        for gateway in fleet.living_gateways:
            answer = fleet.client(gateway).send("GET", f"/api/jobs/{identity}")
            told = answer.json()
            if answer.status != 200 or told["state"] != state or ("verdict" in told) != (state == "succeeded"):
                raise Breach(f"{gateway.name} tells {answer.status} {answer.body[:200]!r} of job {identity}, which is {state}")
