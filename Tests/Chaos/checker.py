"""The invariants, from the outside: what PostgreSQL, Redis and the upload folder hold after a run."""

import pathlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

import audit
import history

LIMIT = 12

JOBS = """
SELECT j.id::text AS id, j.state, j.lease_epoch, j.leader_id::text AS leader_id, j.kind, j.error->>'code' AS code,
       j.dispatched_at IS NULL AND j.run_at < now() AS is_forgotten
FROM jobs j
"""
VERDICTS = "SELECT job_id::text AS id, epoch, reused FROM verdicts"
ATTEMPTS = "SELECT job_id::text AS id, epoch, outcome FROM attempts ORDER BY job_id, epoch"
# What an attempt that was not the last may have come to; `dead` is followed by an operator's retry.
EARLIER = frozenset({"lost", "retried", "handed_back", "dead"})


@dataclass
class Expectations:
    """What a scene knows of its jobs."""

    # Ids that a client was given with a 202.
    accepted: set[str] = field(default_factory=set)
    # Ids that a client erased.
    erased: set[str] = field(default_factory=set)
    # Ids that shall still be queued.
    waiting: set[str] = field(default_factory=set)


@dataclass
class Findings:
    """Breaches that nothing can mend, and those that a moment's patience may."""

    lasting: list[str] = field(default_factory=list)
    passing: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[str]:
        return self.lasting + self.passing


class Checker:
    """Looks at one database, one queue and one upload folder."""

    def __init__(self, database: psycopg.Connection, queue: Any, name: str, uploads: pathlib.Path):
        self.database = database
        self.queue = queue
        self.stream = f"{name}:jobs:analyze"
        self.uploads = uploads

    def look(self, expected: Expectations) -> Findings:
        return Findings(list(self._lasting(expected)), list(self._passing()))

    def _rows(self, statement: str) -> list[dict[str, Any]]:
        with self.database.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(statement).fetchall()  # type: ignore[arg-type]

    def _lasting(self, expected: Expectations) -> Iterator[str]:
        jobs = {row["id"]: row for row in self._rows(JOBS)}
        verdicts = _grouped(self._rows(VERDICTS))
        attempts = _grouped(self._rows(ATTEMPTS))
        for identity in expected.accepted - expected.erased - jobs.keys():
            yield f"{identity}: accepted, and there is no such job"
        for identity in expected.erased & jobs.keys():
            yield f"{identity}: erased, and still there"
        for identity, job in jobs.items():
            for wrong in _job_wrongs(job, verdicts.get(identity, []), attempts.get(identity, []), identity in expected.waiting):
                yield f"{identity}: {wrong}"
        for identity in (verdicts.keys() | attempts.keys()) - jobs.keys():
            yield f"{identity}: a verdict or an attempt of no job"
        for identity, events in audit.events(self.database).items():
            for wrong in history.wrongs(events):
                yield f"{identity}: {wrong}"
        yield from self._sharing_wrongs(jobs)

    def _sharing_wrongs(self, jobs: dict[str, dict[str, Any]]) -> Iterator[str]:
        for identity, job in jobs.items():
            if job["leader_id"] is None:
                continue
            leader = jobs.get(job["leader_id"])
            if job["state"] in history.TERMINAL:
                yield f"{identity}: has ended and follows {job['leader_id']}"
            elif leader is None or leader["state"] in history.TERMINAL:
                yield f"{identity}: follows {job['leader_id']}, which does not run any more"

    def _passing(self) -> Iterator[str]:
        yield from self._queue_wrongs()
        yield from self._upload_wrongs()
        for row in self._rows("SELECT key FROM idempotency WHERE state = 'reserved' AND leased_until > now()"):
            yield f"the idempotency key {row['key']} is held although no request is under way"

    def _queue_wrongs(self) -> Iterator[str]:
        if not self.queue.exists(self.stream):
            return
        groups = [group["name"] for group in self.queue.xinfo_groups(self.stream)]
        pending = sum(self.queue.xpending(self.stream, name)["pending"] for name in groups)
        if pending:
            yield f"{pending} entries are in Redis' pending list"
        # Entries of jobs that ended otherwise are taken off by whoever reads them.
        left = self.queue.xlen(self.stream)
        if left:
            yield f"{left} entries are on the stream although no job waits"

    def _upload_wrongs(self) -> Iterator[str]:
        rows = {row["store_key"]: row["released_at"] for row in self._rows("SELECT store_key, released_at FROM uploads")}
        files = set(stored_files(self.uploads))
        for key in sorted(files - rows.keys()):
            yield f"the file {key} belongs to no upload"
        for key in sorted(key for key, released in rows.items() if released is None and key not in files):
            yield f"the file {key} of an upload is missing"
        for key in sorted(key for key, released in rows.items() if released is not None and key in files):
            yield f"the file {key} is there although it was released"


def stored_files(uploads: pathlib.Path) -> Iterator[str]:
    """By their keys; what is in `incoming` belongs to no upload yet."""
    for path in uploads.glob("*/*"):
        if path.is_file():
            yield str(path.relative_to(uploads))


def _grouped(rows: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["id"], []).append(row)
    return groups


def _job_wrongs(
    job: dict[str, Any], verdicts: list[dict[str, Any]], attempts: list[dict[str, Any]], is_waiting: bool
) -> Iterator[str]:
    state, epoch = job["state"], job["lease_epoch"]
    if is_waiting:
        if state != "queued" or attempts:
            yield f"should still be queued and untouched, and is {state} after {len(attempts)} attempts"
        return
    if state not in history.TERMINAL:
        yield f"is {state}{', due and undispatched' if state == 'queued' and job['is_forgotten'] else ''} and has not ended"
    if len(verdicts) > 1:
        yield f"has {len(verdicts)} verdicts"
    if (state == "succeeded") != bool(verdicts):
        yield f"is {state} and has {len(verdicts)} verdicts"
    epochs = [attempt["epoch"] for attempt in attempts]
    if epochs != list(range(1, epoch + 1)):
        yield f"has attempts {epochs} at epoch {epoch}"
        return
    for attempt in attempts[:-1]:
        if attempt["outcome"] not in EARLIER:
            yield f"attempt {attempt['epoch']} of {epoch} ended as {attempt['outcome']}"
    yield from _last_attempt_wrongs(state, attempts, verdicts)


def _last_attempt_wrongs(state: str, attempts: list[dict[str, Any]], verdicts: list[dict[str, Any]]) -> Iterator[str]:
    last = attempts[-1] if attempts else None
    for verdict in verdicts:
        if verdict["reused"]:
            if verdict["epoch"] != 0:
                yield f"a reused verdict names epoch {verdict['epoch']}"
        elif last is None or verdict["epoch"] != last["epoch"] or last["outcome"] != "succeeded":
            yield f"the verdict is of epoch {verdict['epoch']}, the last attempt {last and (last['epoch'], last['outcome'])}"
    if state == "succeeded" or state not in history.TERMINAL:
        return
    outcome = last["outcome"] if last else None
    # A job may be withdrawn while it waits for its next attempt, and a follower ends without any.
    allowed = {state, None} if last is None else {state} | (EARLIER if state == "cancelled" else set())
    if outcome not in allowed:
        yield f"is {state}, and its last attempt ended as {outcome}"


def shortened(breaches: list[str]) -> str:
    more = f"; and {len(breaches) - LIMIT} more" if len(breaches) > LIMIT else ""
    return "; ".join(breaches[:LIMIT]) + more
