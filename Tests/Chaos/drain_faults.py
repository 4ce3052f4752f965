"""Workers that are told to stop in the midst of their jobs."""

from faults import fault
from fleet import LEASE_SECONDS, SLACK_SECONDS, Fleet
from waiting import expect, wait_for


@fault("25", "SIGTERM to all workers in mid-job", is_quick=True)
def drain_all(fleet: Fleet) -> str:
    slow = [fleet.submit(fleet.clips.script("sleep 12")) for _ in range(2)]
    with fleet.load(rate=20, longest=0.3):
        for identity in slow:
            fleet.wait_for_stage(identity)
        fleet.wait_for_load(20)
        fleet.mark_fault()
        for worker in fleet.workers:
            worker.terminate()
        for worker in fleet.workers:
            code = worker.exit_code(5 + LEASE_SECONDS + SLACK_SECONDS)
            expect(code == 0, f"{worker.name} drained with code {code}")
    for identity in slow:
        job = fleet.job(identity)
        expect((job["state"], job["attempt"]) == ("queued", 0), f"a job is {job['state']} after {job['attempt']} counted attempts")
        expect(fleet.attempts(identity) == ["handed_back"], f"its attempts are {fleet.attempts(identity)}")
    counted = fleet.value("SELECT count(*) FROM jobs WHERE state IN ('failed', 'dead')")
    expect(counted == 0, f"{counted} jobs failed through the drain")
    left = fleet.value("SELECT count(*) FROM workers")
    expect(left == 0, f"{left} drained workers are still registered")
    fleet.start_worker(SLOTS="8")
    return "SIGTERM to 2 workers under load: short jobs finished, 2 long ones handed back uncounted"


@fault("25b", "SIGTERM to a real worker in mid-decode", is_real=True, workers=0)
def drain_real(fleet: Fleet) -> str:
    slow = fleet.start_worker(real=True, DECODER_PATH=fleet.decoders.hanging(), DRAIN_SECONDS="0.5")
    quick = fleet.start_worker(real=True, DECODER_PATH=fleet.decoders.slow(1), DRAIN_SECONDS="30")
    ids = [fleet.submit(fleet.clips.real()) for _ in range(4)]
    wait_for("all clips are being decoded", lambda: len(fleet.wait_for_running(4)) == 4, 60)
    fleet.mark_fault()
    for worker in (slow, quick):
        worker.terminate()
    for worker in (slow, quick):
        expect(worker.exit_code(60) == 0, f"{worker.name} drained with code {worker.process.returncode}")
    states = [fleet.job(identity)["state"] for identity in ids]
    expect(sorted(states) == ["queued", "queued", "succeeded", "succeeded"], f"after the drain the jobs are {states}")
    fleet.start_worker(real=True)
    return "SIGTERM to 2 real workers: one finished 2 clips, one handed 2 back"


@fault("26", "SIGKILL during the drain", is_quick=True, recovery_seconds=LEASE_SECONDS + SLACK_SECONDS)
def kill_while_draining(fleet: Fleet) -> str:
    with fleet.load(rate=20, longest=0.5):
        fleet.wait_for_load(20)
        identity = fleet.submit(fleet.clips.script("sleep 3"))
        fleet.wait_for_stage(identity)
        victim = fleet.holder(identity)
        victim.terminate()
        fleet.pause_between(0.1, 1.0)
        fleet.mark_fault()
        victim.kill()
        fleet.start_worker()
        fleet.wait_for_state(identity, "succeeded")
    expect(fleet.attempts(identity) == ["lost", "succeeded"], f"the job's attempts are {fleet.attempts(identity)}")
    return "a worker told to stop and killed while it still worked"
