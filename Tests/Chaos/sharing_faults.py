"""Jobs of equal bytes: one runs, the others wait for it, and whatever becomes of it each of them ends with one verdict."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from faults import fault
from fleet import LEASE_SECONDS, SLACK_SECONDS, Fleet
from waiting import expect, wait_for

FOLLOWERS = 6


def family(fleet: Fleet, *commands: str, count: int = FOLLOWERS) -> tuple[str, list[str]]:
    """A job that runs and followers of it, posted through both gateways."""
    body = fleet.clips.script(*commands)
    leader = fleet.submit(body)
    fleet.wait_for_stage(leader)
    followers = [fleet.submit(body, fleet.random.choice(fleet.living_gateways)) for _ in range(count)]
    for follower in followers:
        job = fleet.job(follower)
        expect(str(job["leader_id"]) == leader, f"an equal clip's job is {job['state']} and follows {job['leader_id']}, not {leader}")
    return leader, followers


def expect_one_run(fleet: Fleet, ids: list[str]) -> None:
    """That one of them was judged and the others took its verdict over."""
    for identity in ids:
        fleet.wait_for_state(identity, "succeeded", seconds=LEASE_SECONDS + SLACK_SECONDS)
    reused = fleet.value("SELECT count(*) FROM verdicts WHERE job_id = ANY(%s) AND reused", ids)
    expect(reused == len(ids) - 1, f"of {len(ids)} equal jobs {reused} took a verdict over")


@fault("36", "the leader's worker is killed with followers waiting", recovery_seconds=LEASE_SECONDS + SLACK_SECONDS)
def kill_the_leader(fleet: Fleet) -> str:
    leader, followers = family(fleet, "sleep 2")
    fleet.mark_fault()
    fleet.holder(leader).kill()
    expect_one_run(fleet, [leader, *followers])
    return f"a worker killed while {FOLLOWERS} jobs waited for the one that it ran"


@fault("37", "the leader is cancelled with followers waiting")
def cancel_the_leader(fleet: Fleet) -> str:
    leader, followers = family(fleet, "sleep 2")
    withdrawn = fleet.random.choice(followers)
    followers.remove(withdrawn)
    fleet.mark_fault()
    for identity in (leader, withdrawn):
        answer = fleet.client().send("POST", f"/api/jobs/{identity}/cancel")
        expect(answer.status in (200, 202), f"a cancel is answered {answer.status} {answer.code}")
    for identity in (leader, withdrawn):
        fleet.wait_for_state(identity, "cancelled")
    expect_one_run(fleet, followers)
    return f"a running job and one of its {FOLLOWERS} followers withdrawn; another follower ran for the rest"


@fault("38", "the leader is erased with followers waiting")
def erase_the_leader(fleet: Fleet) -> str:
    leader, followers = family(fleet, "sleep 2")
    fleet.mark_fault()
    answer = fleet.client().send("DELETE", f"/api/jobs/{leader}")
    expect(answer.status == 204, f"an erasure is answered {answer.status} {answer.code}")
    fleet.erased.add(leader)
    expect_one_run(fleet, followers)
    # The one that ran in its place goes too, and the others keep what they took over.
    judge = fleet.value("SELECT job_id::text FROM verdicts WHERE job_id = ANY(%s) AND NOT reused", followers)
    answer = fleet.client().send("DELETE", f"/api/jobs/{judge}")
    expect(answer.status == 204, f"an erasure is answered {answer.status} {answer.code}")
    fleet.erased.add(judge)
    left = fleet.value("SELECT count(*) FROM verdicts WHERE job_id = ANY(%s)", followers)
    expect(left == len(followers) - 1, f"{left} of {len(followers) - 1} followers have a verdict after their judge's erasure")
    return f"a running job erased with {FOLLOWERS} followers, then the follower that ran in its place"


@fault("39", "equal clips, cancels, erasures and killed workers at once", workers=3, recovery_seconds=40.0)
def everything_at_once(fleet: Fleet) -> str:
    bodies = [fleet.clips.script(f"sleep {fleet.random.uniform(0.2, 0.8):.2f}") for _ in range(8)]
    seeds = [fleet.random.random() for _ in range(160)]

    def act(seed: float) -> None:
        generator = random.Random(seed)
        identity = fleet.accept(fleet.any_client(generator).post(generator.choice(bodies)))
        chance = generator.random()
        if chance < 0.25:
            fleet.any_client(generator).send("POST", f"/api/jobs/{identity}/cancel")
        elif chance < 0.4:
            answer = fleet.any_client(generator).send("DELETE", f"/api/jobs/{identity}")
            expect(answer.status == 204, f"an erasure is answered {answer.status} {answer.code} {answer.body[:200]!r}")
            fleet.erased.add(identity)

    with ThreadPoolExecutor(6) as pool:
        acts = [pool.submit(act, seed) for seed in seeds]
        for _ in range(3):
            fleet.pause_between(0.2, 0.6)
            fleet.mark_fault()
            fleet.random.choice(fleet.living_workers).kill()
            fleet.start_worker()
        for done in acts:
            done.result(timeout=120)
    runs = fleet.value("SELECT count(*) FROM attempts")
    return f"160 jobs of 8 clips, a quarter withdrawn, a sixth erased, 3 workers killed: {runs} runs"


@fault("40", "a dead job is retried by an operator", settings={"JOBS_MAX_ATTEMPTS": "2"})
def retry_the_dead(fleet: Fleet) -> str:
    body = fleet.clips.script("sleep 0.3", "fault test_fault")
    ids = [fleet.submit(body) for _ in range(3)]
    for identity in ids:
        fleet.wait_for_state(identity, "dead")
    fleet.mark_fault()
    for identity in ids:
        answer = fleet.client().send("POST", f"/api/jobs/{identity}/retry")
        expect(answer.status == 202, f"a retry of a dead job is answered {answer.status} {answer.code}")
    again = fleet.client().send("POST", f"/api/jobs/{ids[0]}/retry")
    expect(again.status in (202, 409), f"a second retry is answered {again.status} {again.code}")
    for identity in ids:
        fleet.wait_for_state(identity, "dead")
    told = fleet.client().send("GET", f"/api/jobs/{ids[0]}/attempts").json()["attempts"]
    stored = fleet.attempts(ids[0])
    expect([attempt["outcome"] for attempt in told] == stored, f"/attempts tells {told}, stored are {stored}")
    return "3 equal jobs that died of our faults retried: one ran again, and all were dead again"


@fault("41", "a job for later survives everything", recovery_seconds=40.0)
def run_later(fleet: Fleet) -> str:
    delay = 6
    moment = datetime.now(UTC) + timedelta(seconds=delay)
    ids = [fleet.submit(fleet.clips.script(), query=f"?runAt={quote(moment.isoformat(timespec='milliseconds'))}") for _ in range(5)]
    fleet.mark_fault()
    fleet.redis().flushall()
    fleet.random.choice(fleet.gateways).kill()
    fleet.servers.quit_postgres()
    fleet.servers.start()
    for identity in ids:
        fleet.wait_for_state(identity, "succeeded", seconds=delay + SLACK_SECONDS)
        started = fleet.job(identity)["started_at"]
        expect(started >= moment - timedelta(milliseconds=1), f"a job for {moment} began at {started}")
    wait_for("the other gateway lives", lambda: len(fleet.living_gateways) == 1, 5)
    return f"5 jobs for {delay} s later; Redis flushed, a gateway killed and PostgreSQL restarted in between"
