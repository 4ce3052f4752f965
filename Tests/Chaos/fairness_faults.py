"""Many jobs of one kind or one tenant at once."""

import statistics
import uuid

from faults import fault
from fleet import Fleet
from waiting import expect, wait_for

RETRY_SECONDS = 2.0
JOBS = 1000


IMPATIENT = {"RETRY_BASE_SECONDS": str(RETRY_SECONDS), "RETRY_CAP_SECONDS": "60", "JOBS_MAX_ATTEMPTS": "2", "SLOTS": "32"}


@fault("29", "1,000 jobs fail at one moment", workers=1, settings=IMPATIENT)
def fail_at_once(fleet: Fleet) -> str:
    fleet.mark_fault()
    with fleet.load(400, "fault test_fault", threads=8):
        fleet.wait_for_load(JOBS, seconds=120)
    wait_for(
        "all have failed once",
        lambda: fleet.value("SELECT count(*) FROM attempts WHERE epoch = 1 AND outcome = 'retried'") >= JOBS,
        120,
    )
    rows = fleet.rows(
        "SELECT extract(epoch FROM run_at - at)::float8 AS delay FROM chaos_audit"
        " WHERE what = 'job update' AND old_state = 'running' AND new_state = 'queued' AND old_epoch = 1"
    )
    delays = [row["delay"] for row in rows]
    # The wait itself, and as much jitter as the wait is long.
    expect(min(delays) > 0.9 * RETRY_SECONDS, f"a job is tried again after {min(delays):.2f} s already")
    expect(max(delays) < 2.1 * RETRY_SECONDS, f"a job is tried again after {max(delays):.2f} s only")
    tenths = [0] * 10
    for delay in delays:
        tenths[min(9, max(0, int((delay / RETRY_SECONDS - 1) * 10)))] += 1
    share = max(tenths) / len(delays)
    expect(share < 0.16, f"{share:.0%} of the retries fall into one tenth of the time: {tenths}")
    return f"{len(delays)} jobs failed through our fault; retried after {min(delays):.1f} to {max(delays):.1f} s, at most {share:.0%} in a tenth of that"


SLOTS = 8
SERVICE_SECONDS = 0.25
CROWD = 10_000
GUESTS = 60


@fault("30", "one tenant posts 10,000 jobs", workers=0)
def crowd(fleet: Fleet) -> str:
    half = SLOTS // 2
    alone = _waits(fleet, "guest_alone", half)
    # The crowd is put in by SQL, as if one tenant had posted it a moment ago.
    _insert_crowd(fleet)
    fleet.mark_fault()
    beside = _waits(fleet, "guest_beside", SLOTS)
    left = fleet.value("SELECT count(*) FROM jobs WHERE tenant = 'crowd' AND state = 'queued'")
    expect(left > 0, "the crowd was through before the guests")
    fleet.execute(
        "UPDATE jobs SET state = 'cancelled', cancel_requested = true, dispatched_at = NULL, finished_at = now(), revision = revision + 1"
        " WHERE tenant = 'crowd' AND state = 'queued'"
    )
    # Below a sweep of the stream nobody can tell two waits apart.
    bound = 2 * max(alone, SERVICE_SECONDS)
    expect(beside <= bound, f"beside {CROWD} jobs a guest's p95 wait is {beside:.2f} s, in a pool of its fair share {alone:.2f} s")
    return f"p95 wait of {GUESTS} guests {beside:.2f} s beside {CROWD} jobs with {SLOTS} slots, {alone:.2f} s alone with {half}; {left} of the crowd still waited"


def _insert_crowd(fleet: Fleet) -> None:
    # All of them refer to one upload, whose bytes are there.
    sample = fleet.submit(fleet.clips.script(f"sleep {SERVICE_SECONDS}"))
    columns = ("kind", "max_attempts", "upload_id", "upload_sha256", "options", "model_sha256")
    names = ", ".join(columns)
    ids = [str(uuid.uuid4()) for _ in range(CROWD)]
    fresh = ", fresh" if fleet.rows("SELECT 1 FROM information_schema.columns WHERE table_name = 'jobs' AND column_name = 'fresh'") else ""
    fleet.execute(
        f"INSERT INTO jobs (id, tenant, queue_rank, {names}{fresh})"
        f" SELECT n.id, 'crowd', (extract(epoch FROM now()) * 1e6)::bigint - 60000000 + n.number, {names}{', true' if fresh else ''}"
        " FROM jobs, unnest(%s::uuid[]) WITH ORDINALITY AS n (id, number) WHERE jobs.id = %s",
        ids,
        sample,
    )


def _waits(fleet: Fleet, tenant: str, slots: int) -> float:
    """The 95th percentile of the seconds from a guest's POST to its claim, in a pool of so many slots."""
    workers = [fleet.start_worker(SLOTS=str(slots // 2), WORKER_SLOTS=str(slots // 2)) for _ in range(2)]
    ids: list[str] = []
    for _ in range(GUESTS):
        identity = fleet.submit(fleet.clips.script(f"sleep {SERVICE_SECONDS}"))
        fleet.execute("UPDATE jobs SET tenant = %s WHERE id = %s", tenant, identity)
        ids.append(identity)
        # About half of what its fair share of the pool could do.
        fleet.pause_between(0.08, 0.17)
    wait_for(
        "the guests' jobs end",
        lambda: fleet.value("SELECT count(*) FROM jobs WHERE id = ANY(%s) AND state = 'succeeded'", ids) == GUESTS,
        90,
    )
    rows = fleet.rows(
        "SELECT extract(epoch FROM a.at - j.created_at)::float8 AS wait FROM jobs j JOIN chaos_audit a ON a.job_id = j.id"
        " WHERE j.id = ANY(%s) AND a.old_state = 'queued' AND a.new_state = 'running'",
        ids,
    )
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.exit_code(60)
    return statistics.quantiles([row["wait"] for row in rows], n=20)[-1]
