"""Gateways that are killed at certain points of a submission."""

import threading
from collections.abc import Callable

from client import Client, NoAnswer
from faults import fault
from fleet import SLACK_SECONDS, Fleet
from moments import CommitOf, Once, is_enqueue, is_push
from postgres_wire import PostgresProxy
from redis_wire import RedisProxy
from waiting import expect, wait_for
from wire import Decision, Proxy, Way

# What makes the gateways find bytes without a job soon: they look at one folder of 256 a pass.
TIDY = {"TIDY_SECONDS": "0.05"}


def post_in_background(client: Client, body: bytes, key: str | None) -> Callable[[], str]:
    """A request whose gateway may die under it; the outcome once it is over."""
    outcome: list[str] = []

    def post() -> None:
        try:
            answer = client.post(body, key)
            outcome.append(f"{answer.status} {answer.code}".strip())
        except NoAnswer:
            outcome.append("no answer")

    thread = threading.Thread(target=post, daemon=True)
    thread.start()

    def ended() -> str:
        thread.join(timeout=60)
        return outcome[0] if outcome else "still waits"

    return ended


def kill_gateway_at(fleet: Fleet, judge: Once, database: Proxy | None, queue: Proxy | None) -> tuple[bytes, str]:
    """Posts to a gateway that dies at the judge's call; the body and its key."""
    victim = fleet.start_gateway(database=database, queue=queue, is_reserved=True)

    def strike() -> None:
        fleet.mark_fault()
        victim.kill()

    judge.decision.before = strike
    body, key = fleet.clips.script(), f"key-{fleet.random.randrange(10**9)}"
    outcome = post_in_background(fleet.client(victim), body, key)
    wait_for("the gateway is struck", judge.struck.is_set, 30)
    told = outcome()
    expect(told == "no answer", f"the client of a gateway that died was told {told}")
    wait_for("the gateway is gone", lambda: not victim.is_running, 10)
    return body, key


def repeat(fleet: Fleet, body: bytes, key: str) -> str:
    """What a client does that got no answer: the same request with the same key, again and again."""

    def accepted() -> str | None:
        answer = fleet.any_client(fleet.random).post(body, key)
        expect(answer.status in (202, 409), f"a repetition is answered {answer.status} {answer.code}")
        return fleet.accept(answer) if answer.status == 202 else None

    return wait_for("the repetition is accepted", accepted, SLACK_SECONDS, interval=0.2)


@fault("8", "SIGKILL the gateway after commit, before XADD", is_quick=True, leaves_orphans=True, settings=TIDY)
def kill_before_the_push(fleet: Fleet) -> str:
    judge = Once(is_push, Decision(Way.CUT_BEFORE))
    proxy = fleet.through(RedisProxy(fleet.servers.redis_port, judge))
    with fleet.load(rate=10, longest=0.1):
        body, key = kill_gateway_at(fleet, judge, None, proxy)
        identity = fleet.value("SELECT job_id::text FROM idempotency WHERE key = %s", key)
        expect(identity is not None, "the job was not committed as its id was pushed")
        fleet.wait_for_state(identity, "succeeded", seconds=SLACK_SECONDS)
    expect(repeat(fleet, body, key) == identity, "the repetition made another job")
    return "a gateway killed as its XADD left it; the client repeated the request"


@fault("9", "SIGKILL the gateway before commit", is_quick=True, leaves_orphans=True, settings=TIDY)
def kill_before_the_commit(fleet: Fleet) -> str:
    judge = Once(CommitOf(is_enqueue), Decision(Way.CUT_BEFORE))
    proxy = fleet.through(PostgresProxy(fleet.servers.postgres_port, judge))
    with fleet.load(rate=10, longest=0.1):
        body, key = kill_gateway_at(fleet, judge, proxy, None)
        made = fleet.rows("SELECT state, job_id FROM idempotency WHERE key = %s", key)
        expect(all(row["job_id"] is None for row in made), "a job was made although its commit was never sent")
        identity = repeat(fleet, body, key)
    expect(repeat(fleet, body, key) == identity, "a second repetition made another job")
    made_of_body = fleet.value("SELECT count(*) FROM idempotency WHERE key = %s AND state = 'finished'", key)
    expect(made_of_body == 1, f"{made_of_body} jobs were made of one request")
    return "a gateway killed as its COMMIT left it; the client repeated the request"


@fault("8b", "SIGKILL gateways anywhere under load", leaves_orphans=True, settings=TIDY, recovery_seconds=SLACK_SECONDS + 5)
def kill_gateways_anywhere(fleet: Fleet) -> str:
    with fleet.load(rate=40, longest=0.1):
        fleet.wait_for_load(20)
        for _ in range(4):
            fleet.pause_between(0.1, 0.6)
            victim = fleet.random.choice(fleet.living_gateways)
            fleet.mark_fault()
            victim.kill()
            fleet.start_gateway()
        fleet.wait_for_load(fleet.tally.count() + 20)
    return f"a gateway killed and replaced 4 times under load; {fleet.tally.answers['no answer']} clients got no answer"
