"""The checker is checked: statements are altered on the wire, and what follows must not escape it.

The product has no switch for this. What the schema refuses by itself is reported as that: two of the alterations must get through.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from faults import Fault
from fleet import Fleet
from moments import is_renewal
from postgres_wire import PostgresProxy
from program import Program
from scene import Result, Stage, perform
from waiting import Broken, wait_for
from wire import Call, Decision, Way

MINIMUM_DETECTED = 2


@dataclass(frozen=True)
class Alteration:
    """A statement without its fence, and what makes that matter."""

    number: str
    name: str
    play: Callable[[Fleet, "Alteration"], str]
    # Which statements, and what is put in the place of what.
    where: str
    pattern: str
    replacement: str
    # Run on the harness's own database before the play: takes the schema's own defence away.
    disarm: str = ""
    # What the checker has to say.
    finding: str = ""
    # Why a program's log or its attempts show that the schema refused it.
    refusal: str = ""

    def rewrite(self, statement: str) -> str:
        if not re.search(self.where, statement, re.DOTALL):
            return statement
        return re.sub(self.pattern, self.replacement, statement)


# Reads the epoch all the same, so that the statement keeps its parameters and the client's Bind still fits.
ANY_EPOCH = "j.epoch IS NOT NULL"


def wake_a_stale_worker(fleet: Fleet, alteration: Alteration) -> str:
    """A worker behind the altering proxy is stopped past its lease, and woken while another runs its job."""
    proxy = altering(fleet, alteration, is_mute=True)
    stale = fleet.start_worker(database=proxy)
    identity = fleet.submit(fleet.clips.script("sleep 1.5"))
    fleet.wait_for_stage(identity)
    fleet.start_worker(SLOTS="1")
    stale.stop()
    wait_for("another worker runs the job", lambda: len(fleet.attempts(identity)) == 2, 30)
    fleet.wait_for_stage(identity)
    stale.go_on()
    wait_for("the stale worker has written or was refused", lambda: fleet.job(identity)["state"] != "running", 30)
    return told(proxy)


def altering(fleet: Fleet, alteration: Alteration, is_mute: bool = False) -> PostgresProxy:
    """A proxy that alters; a mute one also cuts the heart off, which would tell a stale worker to stop before it writes."""

    def judge(call: Call) -> Decision:
        return Decision(Way.CUT_BEFORE) if is_mute and is_renewal(call) else Decision()

    proxy = PostgresProxy(fleet.servers.postgres_port, judge, alteration.rewrite)
    fleet.through(proxy)
    return proxy


def is_refused(alteration: Alteration, worker: Program) -> bool:
    """Whether a worker's log tells that the schema would not have it."""
    return alteration.refusal != "" and alteration.refusal in worker.text()


def told(proxy: PostgresProxy) -> str:
    if not proxy.rewrites:
        raise Broken("the alteration fits no statement that went by")
    return f"{proxy.rewrites} statements altered"


def renew_anothers_lease(fleet: Fleet, alteration: Alteration) -> str:
    """A stopped worker's heart goes on as if the job were still its own."""
    proxy = altering(fleet, alteration)
    stale = fleet.start_worker(database=proxy)
    identity = fleet.submit(fleet.clips.script("sleep 4"))
    fleet.wait_for_stage(identity)
    stale.stop()
    fleet.start_worker()
    wait_for("another worker runs the job", lambda: len(fleet.attempts(identity)) == 2, 30)
    stale.go_on()
    fleet.wait_for_state(identity, "succeeded")
    return told(proxy)


def sweep_the_living(fleet: Fleet, alteration: Alteration) -> str:
    """A gateway takes jobs whose leases stand."""
    proxy = altering(fleet, alteration)
    fleet.start_gateway(database=proxy)
    fleet.start_worker()
    identity = fleet.submit(fleet.clips.script("sleep 2"), fleet.gateways[-1])
    wait_for("a job was taken from its worker", lambda: "lost" in fleet.attempts(identity), 30)
    # Without an end to it no job would ever be finished.
    fleet.gateways[-1].kill()
    return told(proxy)


def claim_what_runs(fleet: Fleet, alteration: Alteration) -> str:
    """A worker takes a job that another is busy with, because Redis names it a second time."""
    fleet.start_worker()
    identity = fleet.submit(fleet.clips.script("sleep 3"))
    fleet.wait_for_stage(identity)
    proxy = altering(fleet, alteration)
    altered = fleet.start_worker(database=proxy)
    deliver_again(fleet, identity, lambda: len(fleet.attempts(identity)) > 1)
    # It would take the job again and again, and from itself too.
    altered.kill()
    return told(proxy)


def claim_what_ended(fleet: Fleet, alteration: Alteration) -> str:
    """A worker takes a job that has its verdict already."""
    fleet.start_worker()
    identity = fleet.submit(fleet.clips.script())
    fleet.wait_for_state(identity, "succeeded")
    fleet.workers[-1].terminate()
    fleet.workers[-1].exit_code(30)
    proxy = altering(fleet, alteration)
    worker = fleet.start_worker(database=proxy)
    deliver_again(fleet, identity, lambda: is_refused(alteration, worker) or len(fleet.attempts(identity)) > 1)
    worker.kill()
    return told(proxy)


def deliver_again(fleet: Fleet, identity: str, has_effect: Callable[[], bool]) -> None:
    queue = fleet.redis()

    def is_done() -> bool:
        queue.xadd(fleet.stream, {"job": identity})
        return has_effect()

    wait_for("a second delivery is taken", is_done, 20, interval=0.2)


def write_a_second_verdict(fleet: Fleet, alteration: Alteration) -> str:
    """A stale worker ends a job that another has ended."""
    proxy = altering(fleet, alteration, is_mute=True)
    stale = fleet.start_worker(database=proxy)
    identity = fleet.submit(fleet.clips.script("sleep 1.5"))
    fleet.wait_for_stage(identity)
    stale.stop()
    fleet.start_worker()
    fleet.wait_for_state(identity, "succeeded")
    stale.go_on()

    def has_written() -> bool:
        verdicts = fleet.value("SELECT count(*) FROM chaos_audit WHERE job_id = %s AND what = 'verdict insert'", identity)
        return verdicts > 1 or is_refused(alteration, stale)

    wait_for("the stale worker has written or was refused", has_written, 20)
    return told(proxy)


COMPLETE = r"UPDATE jobs SET state = 'succeeded'"
FENCE = r"jobs\.lease_epoch = j\.epoch"

ALTERATIONS = [
    Alteration(
        "A1", "a verdict is stored whatever the epoch", wake_a_stale_worker, COMPLETE, FENCE, ANY_EPOCH, finding="which holds the job"
    ),
    Alteration(
        "A2",
        "a lease is renewed whatever the epoch",
        renew_anothers_lease,
        r"AS held \(id, epoch\)",
        r"jobs\.lease_epoch = held\.epoch",
        "held.epoch IS NOT NULL",
        finding="renewed or moved on by another program",
    ),
    Alteration(
        "A3",
        "a sweep takes leases that stand",
        sweep_the_living,
        r"'running' AND lease_until < now\(\)",
        r"lease_until < now\(\)",
        "lease_until IS NOT NULL",
        finding="before its lease ran out",
    ),
    Alteration(
        "A4",
        "a claim takes what is not queued",
        claim_what_runs,
        r"lease_epoch = lease_epoch \+ 1",
        r"state = 'queued' AND",
        "state IS NOT NULL AND",
        finding="claimed although it was not queued",
    ),
    Alteration(
        "A5",
        "a claim takes what has ended",
        claim_what_ended,
        r"lease_epoch = lease_epoch \+ 1",
        r"state = 'queued' AND",
        "state IS NOT NULL AND",
        refusal="jobs_transition_allowed",
    ),
    Alteration(
        "A6",
        "a claim takes what has ended, and no trigger forbids it",
        claim_what_ended,
        r"lease_epoch = lease_epoch \+ 1",
        r"state = 'queued' AND",
        "state IS NOT NULL AND",
        disarm="DROP TRIGGER jobs_guard_transition ON jobs; ALTER TABLE jobs DROP CONSTRAINT jobs_finished_if_terminal",
        finding="no step that a job may take",
    ),
    Alteration(
        "A7",
        "a second verdict is stored whatever the state",
        write_a_second_verdict,
        COMPLETE,
        rf"{FENCE} AND jobs\.state = 'running'",
        ANY_EPOCH,
        refusal="_pkey",
    ),
    Alteration(
        "A8",
        "a second verdict is stored, and no key forbids it",
        write_a_second_verdict,
        COMPLETE,
        rf"{FENCE} AND jobs\.state = 'running'",
        ANY_EPOCH,
        disarm="ALTER TABLE verdicts DROP CONSTRAINT verdicts_pkey",
        finding="2 verdicts",
    ),
]
QUICK = ("A1", "A3", "A4", "A7")


def check(stage: Stage, keeps: bool, is_quick: bool) -> Iterator[Result]:
    """A result for each alteration; it passes when the checker, or the schema, noticed."""
    detected = 0
    for alteration in ALTERATIONS:
        if is_quick and alteration.number not in QUICK:
            continue
        result = judged(stage, alteration, keeps)
        detected += result.is_passed and alteration.finding != ""
        yield result
    if detected < MINIMUM_DETECTED:
        yield Result("A", "alterations that the checker found", breach=f"{detected}, and {MINIMUM_DETECTED} are the least")


def judged(stage: Stage, alteration: Alteration, keeps: bool) -> Result:
    refused = False

    def play(fleet: Fleet) -> str:
        nonlocal refused
        if alteration.disarm:
            fleet.execute(alteration.disarm)
        done = alteration.play(fleet, alteration)
        refused = any(is_refused(alteration, worker) for worker in fleet.workers)
        for program in fleet.workers + fleet.gateways:
            # What was altered has had its effect; the rest shall end in order.
            program.go_on()
        return done

    result = perform(stage, Fault(alteration.number, alteration.name, play, gateways=1, workers=0, end_seconds=15), keeps)
    found = result.breach
    result.name = f"the checker: {alteration.name}"
    if alteration.finding and alteration.finding in found:
        result.breach = ""
        result.done += f"; found: {found[:160]}"
    elif not alteration.finding and refused and not found:
        result.done += f"; refused by the schema ({alteration.refusal})"
    else:
        wanted = f"\"{alteration.finding}\"" if alteration.finding else "a refusal by the schema"
        result.breach = f"not noticed: expected {wanted}, got {found or 'nothing'}"
    return result
