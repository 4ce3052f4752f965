"""PostgreSQL goes away, or its answers do. It owns the jobs, so without it nothing may be promised."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from faults import fault
from fleet import SLACK_SECONDS, Fleet
from moments import CommitOf, Once, is_enqueue, is_verdict
from postgres_wire import PostgresProxy
from scene import stored_files
from waiting import expect, wait_for
from wire import Decision, Way


@fault("19", "PostgreSQL down in mid-job", is_real=True, workers=0, recovery_seconds=30.0)
def down_in_mid_job(fleet: Fleet) -> str:
    # A lease that outlives the outage: the epoch stands, and the work must not be done twice.
    fleet.start_worker(real=True, DECODER_PATH=fleet.decoders.slow(2), LEASE_SECONDS="20")
    ids = [fleet.submit(fleet.clips.real()) for _ in range(2)]
    fleet.wait_for_running(2)
    fleet.mark_fault()
    fleet.servers.quit_postgres()
    # Until the clips are decoded and judged, which ends after the 2 s that the decoder sleeps.
    fleet.pause_between(2.5, 4.0)
    fleet.servers.start()
    for identity in ids:
        fleet.wait_for_state(identity, "succeeded")
        expect(fleet.attempts(identity) == ["succeeded"], f"a job's attempts are {fleet.attempts(identity)}")
    return "PostgreSQL shut down at once and away until 2 clips were judged; their verdicts were written on its return"


@fault("19b", "SIGKILL PostgreSQL under load", is_quick=True, leaves_orphans=True, recovery_seconds=30.0, settings={"TIDY_SECONDS": "0.05"})
def kill_under_load(fleet: Fleet) -> str:
    with fleet.load(rate=30, longest=0.3):
        fleet.wait_for_load(30)
        slow = [fleet.submit(fleet.clips.script("sleep 2")) for _ in range(2)]
        for identity in slow:
            fleet.wait_for_stage(identity)
        fleet.mark_fault()
        fleet.servers.kill("PostgreSQL")
        fleet.pause_between(0.2, 1.5)
        fleet.servers.start()
        fleet.wait_for_load(fleet.tally.count() + 30)
    return f"PostgreSQL killed under load and restarted; the clients were told {dict(fleet.tally.answers)}"


@fault("20", "PostgreSQL down at POST", is_quick=True, leaves_orphans=True, settings={"TIDY_SECONDS": "0.05"})
def down_at_post(fleet: Fleet) -> str:
    with fleet.load(rate=20, longest=0.1):
        fleet.wait_for_load(20)
    files = wait_for("the uploads are there", lambda: set(stored_files(fleet.uploads)), 10)
    fleet.mark_fault()
    fleet.servers.quit_postgres()
    told: Counter[str] = Counter()
    # Together, since a gateway takes some seconds to give PostgreSQL up.
    gateways = [fleet.random.choice(fleet.living_gateways) for _ in range(12)]
    with ThreadPoolExecutor(len(gateways)) as pool:
        answers = list(pool.map(lambda gateway: fleet.client(gateway).post(fleet.clips.script()), gateways))
    for answer in answers:
        told[f"{answer.status} {answer.code}"] += 1
        expect(answer.status == 503, f"without PostgreSQL a clip is answered {answer.status} {answer.code}")
        expect("retry-after" in answer.headers, "the 503 says nothing about when to try again")
    wait_for("the bytes are cleaned up", lambda: set(stored_files(fleet.uploads)) <= files, 10)
    not_ready = [fleet.operators(gateway).send("GET", "/readyz").status for gateway in fleet.gateways]
    expect(set(not_ready) == {503}, f"without PostgreSQL /readyz says {not_ready}")
    fleet.servers.start()
    wait_for("clips are accepted again", lambda: fleet.client().post(fleet.clips.script()).status == 202, 20)
    return f"PostgreSQL shut down at once: 12 clips were answered {dict(told)}"


@fault("21", "PostgreSQL commits but the connection breaks first", workers=0, leaves_orphans=True, settings={"TIDY_SECONDS": "0.05"})
def lose_the_commits_answer(fleet: Fleet) -> str:
    strikes = [Once(CommitOf(is_verdict), Decision(Way.CUT_AFTER), skip=fleet.random.randrange(4)) for _ in range(3)]
    for strike in strikes:
        fleet.start_worker(database=fleet.through(PostgresProxy(fleet.servers.postgres_port, strike)))
    with fleet.load(rate=25, longest=0.1):
        for strike in strikes:
            wait_for("a worker lost its commit's answer", strike.struck.is_set, 30)
        fleet.mark_fault()
        fleet.wait_for_load(fleet.tally.count() + 20)
    again = fleet.value("SELECT count(*) FROM attempts WHERE epoch > 1")
    expect(again == 0, f"{again} jobs were run again although their verdicts were stored")
    judge = Once(CommitOf(is_enqueue), Decision(Way.CUT_AFTER))
    gateway = fleet.start_gateway(database=fleet.through(PostgresProxy(fleet.servers.postgres_port, judge)))
    body = fleet.clips.script()
    told = fleet.client(gateway).post(body, "unknown")
    expect(told.status == 503, f"a client whose job's commit got no answer is told {told.status} {told.code}")
    made = fleet.value("SELECT job_id::text FROM idempotency WHERE key = 'unknown'")
    answer = wait_for(
        "the repetition is accepted",
        lambda: next((answer for answer in [fleet.client(gateway).post(body, "unknown")] if answer.status == 202), None),
        SLACK_SECONDS,
    )
    expect(fleet.accept(answer) == made, "a repetition made another job than the one that was committed")
    return "3 workers and a gateway that lost the connection with the answer to their commit on it"
