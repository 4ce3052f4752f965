"""Many jobs of one kind or one tenant at once."""

import statistics
import time
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
    span = f"{min(delays):.1f} to {max(delays):.1f} s"
    return f"{len(delays)} jobs failed through our fault; retried after {span}, at most {share:.0%} in a tenth of that"


SLOTS = 8
SERVICE_SECONDS = 0.25
CROWD = 10_000
GUESTS = 150
# Of what the guest's fair share of the pool could do: a guest that uses its share. One that uses less waits less alone, and
# beside others at least for what is on the stream, which is about one round of the pool.
LOAD = 0.9

# There are no keys yet that would make a request another tenant's, so the harness's own database does.
TENANTS = """
CREATE TABLE chaos_tenant (name text NOT NULL);
CREATE FUNCTION chaos_be_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.tenant := coalesce((SELECT name FROM chaos_tenant), NEW.tenant);
    RETURN NEW;
END $$;
CREATE TRIGGER chaos_be_tenant BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION chaos_be_tenant();
"""

# All refer to one upload, whose bytes are there, and each has a run of its own; older than any guest's.
CROWD_OF_JOBS = """
INSERT INTO jobs (id, tenant, kind, queue_rank, max_attempts, upload_id, upload_sha256, options, model_sha256, fresh)
SELECT n.id, 'crowd', kind, queue_rank - 60000000 + n.number, max_attempts, upload_id, upload_sha256, options, model_sha256, true
FROM jobs, unnest(%s::uuid[]) WITH ORDINALITY AS n (id, number) WHERE jobs.id = %s
"""
CANCEL_CROWD = """
UPDATE jobs SET state = 'cancelled', cancel_requested = true, dispatched_at = NULL, finished_at = now(), revision = revision + 1
WHERE tenant = 'crowd' AND state = 'queued'
"""


@fault("30", "one tenant posts 10,000 jobs", workers=0)
def crowd(fleet: Fleet) -> str:
    fleet.execute(TENANTS)
    sample = fleet.submit(fleet.clips.script(f"sleep {SERVICE_SECONDS}"))
    half = SLOTS // 2
    # As often as people come: independently of each other, and the same both times.
    gaps = [fleet.random.expovariate(LOAD * half / SERVICE_SECONDS) for _ in range(GUESTS)]
    alone = wait_of_guests(fleet, "guest_alone", half, gaps)
    fleet.mark_fault()
    fleet.execute("DELETE FROM chaos_tenant")
    fleet.execute(CROWD_OF_JOBS, [str(uuid.UUID(int=fleet.random.getrandbits(128), version=4)) for _ in range(CROWD)], sample)
    # As autovacuum does within a minute; until then PostgreSQL plans for a table that it knows as empty.
    fleet.execute("ANALYZE jobs")
    beside = wait_of_guests(fleet, "guest_beside", SLOTS, gaps)
    left = fleet.execute(CANCEL_CROWD)
    fleet.execute("UPDATE jobs SET tenant = 'default' WHERE tenant LIKE 'guest%%'")
    expect(left > 0, "the crowd was through before the guests")
    expect(beside <= 2 * alone, f"beside {CROWD} jobs a guest's p95 wait is {beside:.2f} s, in a pool of its fair share {alone:.2f} s")
    return (
        f"p95 wait of {GUESTS} guests {beside:.2f} s beside {CROWD} jobs on {SLOTS} slots, {alone:.2f} s alone on {half}; "
        f"{left} of the crowd still waited"
    )


def wait_of_guests(fleet: Fleet, tenant: str, slots: int, gaps: list[float]) -> float:
    """The 95th percentile of the seconds from a guest's POST to its claim, in a pool of so many slots."""
    each = str(slots // 2)
    workers = [fleet.start_worker(SLOTS=each) for _ in range(2)]
    fleet.execute("DELETE FROM chaos_tenant")
    fleet.execute("INSERT INTO chaos_tenant VALUES (%s)", tenant)
    ids = []
    due = time.monotonic()
    for gap in gaps:
        # On time, whether the last one was served or not.
        due += gap
        time.sleep(max(0.0, due - time.monotonic()))
        ids.append(fleet.submit(fleet.clips.script(f"sleep {SERVICE_SECONDS}")))
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
