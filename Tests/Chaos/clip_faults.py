"""Clips that crash, exhaust, hang or kill what handles them."""

from faults import fault
from fleet import Fleet
from program import Program
from waiting import expect, wait_for


@fault("6", "a clip that crashes the decoder every time", is_real=True, workers=0)
def crash_the_decoder(fleet: Fleet) -> str:
    clip = fleet.clips.script("crash the decoder")
    decoder = fleet.decoders.crashing(len(clip))
    workers = [fleet.start_worker(real=True, DECODER_PATH=decoder) for _ in range(2)]
    neighbours = [fleet.submit(fleet.clips.real()) for _ in range(4)]
    poison = fleet.submit(clip)
    fleet.mark_fault()
    job = fleet.wait_for_state(poison, "failed", "dead", "succeeded", seconds=90)
    expect((job["state"], job["code"]) == ("failed", "decoder_crashed"), f"the clip is {job['state']} ({job['code']})")
    outcomes = fleet.attempts(poison)
    expect(outcomes == ["retried", "failed"], f"the clip's attempts are {outcomes}")
    for neighbour in neighbours:
        fleet.wait_for_state(neighbour, "succeeded", seconds=90)
        expect(fleet.attempts(neighbour) == ["succeeded"], f"a neighbour's attempts are {fleet.attempts(neighbour)}")
    expect(all(worker.is_running for worker in workers), "a worker ended with its decoder")
    return "a clip whose decoder dies of SIGSEGV, among 4 good ones"


@fault("7", "a clip that hangs the decoder", is_real=True, workers=0)
def hang_the_decoder(fleet: Fleet) -> str:
    worker = fleet.start_worker(real=True, DECODER_PATH=fleet.decoders.hanging(), DECODER_SECONDS="2")
    identity = fleet.submit(fleet.clips.real())
    fleet.mark_fault()
    job = fleet.wait_for_state(identity, "failed", "dead", "succeeded", seconds=60)
    expect((job["state"], job["code"]) == ("failed", "decode_timeout"), f"the clip is {job['state']} ({job['code']})")
    expect(worker.is_running, "the worker ended with its decoder")
    return "a decoder that never answers, with 2 s to do so"


def keep_alive(fleet: Fleet, count: int, real: bool, settings: dict[str, str]) -> list[Program]:
    """What a supervisor does: starts a worker for each that has died."""
    return [fleet.launch_worker(None, None, real, None, **settings) for _ in range(count - len(fleet.living_workers))]


def poison(fleet: Fleet, identity: str, workers: int, real: bool, settings: dict[str, str]) -> None:
    def is_over() -> bool:
        keep_alive(fleet, workers, real, settings)
        return fleet.job(identity)["state"] in ("dead", "failed", "succeeded")

    wait_for("the poisonous clip is given up", is_over, 120, interval=0.1)
    keep_alive(fleet, workers, real, settings)
    job = fleet.job(identity)
    expect((job["state"], job["code"]) == ("dead", "worker_lost"), f"the clip is {job['state']} ({job['code']})")
    expect(job["crash_count"] == 2, f"the clip was blamed {job['crash_count']} times")


@fault("6b", "a clip that kills the whole worker every time", is_quick=True)
def poison_scripted(fleet: Fleet) -> str:
    with fleet.load(rate=15, longest=0.2):
        fleet.wait_for_load(10)
        identity = fleet.submit(fleet.clips.script("sleep 0.2", "crash"))
        fleet.mark_fault()
        poison(fleet, identity, 2, False, {})
    died = sum(not worker.is_running for worker in fleet.workers)
    others = fleet.value("SELECT count(*) FROM jobs WHERE state = 'dead' AND id <> %s", identity)
    expect(others == 0, f"{others} neighbours are dead too")
    return f"a clip that kills its worker, under load; {died} workers died of it"


@fault("6c", "a clip that kills the whole real worker every time", is_real=True, workers=0)
def poison_real(fleet: Fleet) -> str:
    clip = fleet.clips.script("kill the worker")
    decoder = fleet.decoders.poisonous(len(clip))
    identity = fleet.submit(clip)
    neighbours = [fleet.submit(fleet.clips.real()) for _ in range(3)]
    fleet.mark_fault()
    poison(fleet, identity, 1, True, {"DECODER_PATH": decoder})
    for neighbour in neighbours:
        fleet.wait_for_state(neighbour, "succeeded", seconds=90)
    return "a clip whose decoder kills its worker, beside 3 good ones"
