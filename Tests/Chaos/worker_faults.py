"""Workers that are killed at certain points, or hung."""

from collections.abc import Callable

from faults import fault
from fleet import LEASE_SECONDS, SLACK_SECONDS, Fleet
from moments import CommitOf, Once, is_claim, is_verdict
from postgres_wire import PostgresProxy
from program import Program
from waiting import expect, wait_for
from wire import Call, Decision, Way

RECOVERY_SECONDS = LEASE_SECONDS + SLACK_SECONDS


def job_of(fleet: Fleet, worker: Program) -> str | None:
    """A job that this worker runs and is busy with."""
    rows = fleet.rows(
        "SELECT j.id::text AS id FROM jobs j JOIN chaos_audit a ON a.job_id = j.id AND a.new_epoch = j.lease_epoch"
        " WHERE j.state = 'running' AND j.stage = 'decoding' AND a.program = %s AND a.old_state = 'queued'",
        worker.name,
    )
    return rows[0]["id"] if rows else None


@fault("1", "SIGKILL a worker in mid-decode", is_quick=True, is_real=True, workers=1, recovery_seconds=RECOVERY_SECONDS)
def kill_in_mid_decode(fleet: Fleet) -> str:
    victim = fleet.start_worker(real=True, DECODER_PATH=fleet.decoders.slow(1.5), SLOTS="1")
    ids = [fleet.submit(fleet.clips.real()) for _ in range(4)]
    lost = wait_for("the worker decodes", lambda: job_of(fleet, victim), 60)
    fleet.pause_between(0.0, 0.8)
    fleet.mark_fault()
    victim.kill()
    fleet.wait_for_state(lost, "succeeded", seconds=RECOVERY_SECONDS)
    expect(fleet.attempts(lost) == ["lost", "succeeded"], f"the lost job's attempts are {fleet.attempts(lost)}")
    return f"one of 2 real workers killed while it decoded one of {len(ids)} clips"


def kill_at(fleet: Fleet, wanted: Callable[[Call], bool], when: str) -> Program:
    """A worker that dies as soon as such a call comes by: before the server has it, or with its answer on the way."""
    victims: list[Program] = []

    def strike() -> None:
        fleet.mark_fault()
        victims[0].kill()

    decision = Decision(Way.CUT_BEFORE, before=strike) if when == "before" else Decision(Way.CUT_AFTER, after=strike)
    judge = Once(wanted, decision, skip=fleet.random.randrange(3))
    proxy = fleet.through(PostgresProxy(fleet.servers.postgres_port, judge))
    victims.append(fleet.start_worker(database=proxy))
    with fleet.load(rate=25, longest=0.1):
        wait_for("the worker is struck", judge.struck.is_set, 60)
        fleet.wait_for_load(fleet.tally.count() + 20)
    wait_for("the worker is gone", lambda: not victims[0].is_running, 10)
    return victims[0]


@fault("2", "SIGKILL between XREADGROUP and claim", is_quick=True, workers=1, recovery_seconds=RECOVERY_SECONDS)
def kill_between_read_and_claim(fleet: Fleet) -> str:
    victim = kill_at(fleet, is_claim, "before")
    consumers = fleet.redis().xinfo_consumers(fleet.stream, "workers")
    pending = sum(consumer["pending"] for consumer in consumers)
    return f"{victim.name} killed as its claim left it; {pending} entries were pending at the load's end"


@fault("3", "SIGKILL after the verdict's commit", is_quick=True, workers=1, recovery_seconds=RECOVERY_SECONDS)
def kill_after_the_commit(fleet: Fleet) -> str:
    kill_at(fleet, CommitOf(is_verdict), "after")
    judged = fleet.value("SELECT job_id::text FROM verdicts ORDER BY created_at LIMIT 1")
    before = fleet.job(judged)
    # The second delivery.
    queue = fleet.redis()
    entry = queue.xadd(fleet.stream, {"job": judged})
    wait_for("the second delivery is taken off", lambda: not queue.xrange(fleet.stream, entry, entry), 30)
    expect(fleet.job(judged) == before, "a second delivery changed a job that had ended")
    return "a worker killed with the answer to its COMMIT on the way; a judged job delivered once more"


@fault("26b", "a job hangs while its worker's heart beats", workers=0, is_real=True)
def hang_beside_a_heart(fleet: Fleet) -> str:
    hung = fleet.start_worker(
        real=True, DECODER_PATH=fleet.decoders.hanging(), STAGES_DECODING_SECONDS="1.5", SLOTS="1"
    )
    identity = fleet.submit(fleet.clips.real())
    fleet.wait_for_stage(identity)
    fleet.mark_fault()
    fleet.start_worker(real=True)
    fleet.wait_for_state(identity, "succeeded", seconds=LEASE_SECONDS + SLACK_SECONDS)
    outcomes = fleet.attempts(identity)
    expect(outcomes[0] == "lost" and outcomes[-1] == "succeeded", f"the hung job's attempts are {outcomes}")
    expect(hung.is_running, "the worker whose job hung has ended")
    wrote = fleet.value(
        "SELECT count(*) FROM chaos_audit WHERE job_id = %s AND program = %s AND new_epoch > 1 AND old_epoch > 1",
        identity,
        hung.name,
    )
    expect(wrote == 0 or len(outcomes) > 2, f"the hung worker wrote {wrote} times about a job that it had lost")
    return "the decoding of a clip hung past its stage's deadline on one of 2 real workers"


@fault("26c", "a job hangs and ignores being cancelled", workers=2, settings={"STAGES_DECODING_SECONDS": "1"})
def hang_for_good(fleet: Fleet) -> str:
    hung = fleet.submit(fleet.clips.script("hang"))
    with fleet.load(rate=15, longest=0.1):
        fleet.wait_for_stage(hung)
        fleet.mark_fault()
        job = fleet.wait_for_state(hung, "dead", seconds=90)
    expect(job["code"] == "worker_lost", f"the job is dead of {job['code']}")
    return "a clip hung the worker's own thread, which its heart outlived, until it was dead; its neighbours went on"


@fault("33", "an older worker meets a kind that it does not know", workers=0)
def unknown_kind(fleet: Fleet) -> str:
    ids = [fleet.submit(fleet.clips.script()) for _ in range(20)]
    future = fleet.random.sample(ids, 5)
    fleet.execute("UPDATE jobs SET kind = 'future' WHERE id = ANY(%s)", future)
    fleet.waiting.update(future)
    fleet.start_worker()
    for identity in set(ids) - set(future):
        fleet.wait_for_state(identity, "succeeded")
    return f"{len(future)} of {len(ids)} queued jobs made a kind of the future; the others ran past them"
