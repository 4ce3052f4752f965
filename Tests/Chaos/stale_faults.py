"""Workers that come back after their lease has run out, and deliveries that are settled by the wrong one."""

import threading

from faults import fault
from fleet import LEASE_SECONDS, Fleet
from moments import Once, always, is_claim, is_renewal
from postgres_wire import PostgresProxy
from waiting import expect, wait_for
from wire import Decision, Way


@fault("4", "SIGSTOP a worker past its lease", is_quick=True)
def stop_past_the_lease(fleet: Fleet) -> str:
    with fleet.load(rate=20, longest=0.3):
        fleet.wait_for_load(10)
        identity = fleet.submit(fleet.clips.script("sleep 2"))
        fleet.wait_for_stage(identity)
        sleeper = fleet.holder(identity)
        fleet.mark_fault()
        sleeper.stop()
        fleet.wait_for_state(identity, "succeeded")
    expect(fleet.attempts(identity) == ["lost", "succeeded"], f"the job's attempts are {fleet.attempts(identity)}")
    before = fleet.rows("SELECT * FROM verdicts ORDER BY job_id")
    sleeper.go_on()
    sleeper.terminate()
    expect(sleeper.exit_code(30) == 0, f"the stopped worker drains with code {sleeper.process.returncode} after it woke up")
    after = {row["job_id"]: row for row in fleet.rows("SELECT * FROM verdicts")}
    expect(all(after[row["job_id"]] == row for row in before), "a verdict changed after the stopped worker woke up")
    return "a worker stopped until another had finished its job, then woken"


@fault("4b", "a real worker wakes up while another runs its job", is_real=True, workers=0)
def wake_beside_the_heir(fleet: Fleet) -> str:
    sleeper = fleet.start_worker(real=True, DECODER_PATH=fleet.decoders.slow(2))
    identity = fleet.submit(fleet.clips.real())
    fleet.wait_for_stage(identity)
    fleet.mark_fault()
    sleeper.stop()
    fleet.start_worker(real=True, DECODER_PATH=fleet.decoders.slow(3))
    wait_for("another worker runs the job", lambda: len(fleet.attempts(identity)) == 2, 30)
    fleet.wait_for_stage(identity)
    fleet.pause_between(0.0, 1.0)
    sleeper.go_on()
    fleet.wait_for_state(identity, "succeeded")
    expect(fleet.attempts(identity) == ["lost", "succeeded"], f"the job's attempts are {fleet.attempts(identity)}")
    expect(sleeper.is_running, "the worker that woke up has ended")
    return "a real worker stopped past its lease and woken while another decoded its clip"


@fault("5", "a stale worker settles another's entry", workers=1)
def settle_anothers_entry(fleet: Fleet) -> str:
    queue = fleet.redis()
    taken: list[str] = []

    def steal() -> None:
        # XACK asks nobody whose entry it is.
        for entry in queue.xpending_range(fleet.stream, "workers", "-", "+", 100):
            queue.xack(fleet.stream, "workers", entry["message_id"])
            queue.xdel(fleet.stream, entry["message_id"])
            taken.append(entry["message_id"])

    judge = Once(is_claim, Decision(Way.CUT_BEFORE, before=steal))
    proxy = fleet.through(PostgresProxy(fleet.servers.postgres_port, judge))
    fleet.start_worker(database=proxy)
    with fleet.load(rate=20, longest=0.1):
        wait_for("a claim is on its way", judge.struck.is_set, 60)
        fleet.mark_fault()
        fleet.wait_for_load(fleet.tally.count() + 20)
    expect(bool(taken), "no entry was pending as the claim left its worker")
    return f"{len(taken)} pending entries settled between their reading and their claim, which failed"


@fault("32", "the sweep races completion", workers=0)
def sweep_races_completion(fleet: Fleet) -> str:
    is_mute = threading.Event()
    is_mute.set()
    proxy = fleet.through(PostgresProxy(fleet.servers.postgres_port, always(is_renewal, Way.CUT_BEFORE, is_mute)))
    # Nobody renews, so a job that takes as long as the lease ends as the sweep comes for it.
    fleet.start_worker(database=proxy, SLOTS="40")
    ids = []
    # Each that is lost runs alone afterwards, which takes its time.
    for _ in range(20):
        ids.append(fleet.submit(fleet.clips.script(f"sleep {LEASE_SECONDS + fleet.random.uniform(-0.3, 0.6):.3f}")))
    fleet.mark_fault()
    wait_for(
        "every job was finished or lost once",
        lambda: fleet.value("SELECT count(*) FROM attempts WHERE epoch = 1 AND outcome IS NOT NULL") == len(ids),
        60,
    )
    is_mute.clear()
    fleet.start_worker(SLOTS="8")
    for identity in ids:
        fleet.wait_for_state(identity, "succeeded", seconds=90)
    lost = fleet.value("SELECT count(*) FROM attempts WHERE epoch = 1 AND outcome = 'lost'")
    return f"{len(ids)} jobs without renewal that take as long as their lease: {len(ids) - lost} were faster, {lost} were lost"
