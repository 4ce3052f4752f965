"""Clients that repeat themselves, and that withdraw what is just ending."""

import random
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from client import Answer
from faults import fault
from fleet import Fleet
from waiting import expect, wait_for


def raw_request(body: bytes, key: str | None = None, length: int | None = None) -> bytes:
    """A POST as it goes over the wire."""
    lines = ["POST /api/jobs HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/octet-stream"]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    if key is not None:
        lines.append(f'Idempotency-Key: "{key}"')
    return "\r\n".join([*lines, "", ""]).encode() + body


@fault("10", "the response is lost and the client retries")
def lose_the_response(fleet: Fleet) -> str:
    same = 0
    for number in range(10):
        body, key = fleet.clips.script(), f"lost-{number}"
        gateway = fleet.random.choice(fleet.living_gateways)
        with socket.create_connection(("127.0.0.1", fleet.port_of(gateway)), timeout=10) as connection:
            connection.sendall(raw_request(body, key))
            made = _wait_for_job(fleet, key)
        answer = fleet.any_client(fleet.random).post(body, key)
        expect(answer.status == 202, f"the retry is answered {answer.status} {answer.code}")
        same += fleet.accept(answer) == made
    expect(same == 10, f"{10 - same} of 10 retries made another job")
    return "10 clients that hung up before the response and asked again, some at the other gateway"


def _wait_for_job(fleet: Fleet, key: str) -> str:
    return wait_for("the job is there", lambda: _job_of(fleet, key), 10)


def _job_of(fleet: Fleet, key: str) -> str | None:
    rows = fleet.rows("SELECT job_id::text AS id FROM idempotency WHERE key = %s", key)
    return rows[0]["id"] if rows else None


def together(fleet: Fleet, body: bytes, key: str, count: int) -> list[Answer]:
    """The same request at one moment through both gateways."""
    seeds = [fleet.random.random() for _ in range(count)]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda seed: fleet.any_client(random.Random(seed)).post(body, key), seeds))


@fault("11", "50 concurrent POSTs with one idempotency key")
def fifty_at_once(fleet: Fleet) -> str:
    body = fleet.clips.script("sleep 0.2")
    counted: Counter[str] = Counter()
    for number in range(3):
        answers = together(fleet, body, f"once-{number}", 50)
        ids = {fleet.accept(answer) for answer in answers if answer.status == 202}
        statuses = Counter(f"{answer.status} {answer.code}".strip() for answer in answers)
        counted += statuses
        expect(set(statuses) <= {"202", "409 idempotency_in_flight"}, f"the answers are {dict(statuses)}")
        expect(len(ids) == 1, f"50 requests with one key made {len(ids)} jobs")
    return f"3 times 50 requests with one key at one moment: {dict(counted)}"


@fault("12", "the same key with another body")
def another_body(fleet: Fleet) -> str:
    fleet.submit(fleet.clips.script(), key="used")
    before = fleet.value("SELECT count(*) FROM jobs")
    for gateway in fleet.gateways:
        answer = fleet.client(gateway).post(fleet.clips.script(), "used")
        expect((answer.status, answer.code) == (422, "idempotency_key_reused"), f"another body is answered {answer.status} {answer.code}")
    expect(fleet.value("SELECT count(*) FROM jobs") == before, "a refused request made a job")
    return "a used key with other bytes at both gateways"


@fault("31", "cancel races completion", settings={"SLOTS": "8"})
def cancel_races_completion(fleet: Fleet) -> str:
    told: Counter[str] = Counter()

    def race(seed: float) -> None:
        generator = random.Random(seed)
        gateway = generator.choice(fleet.living_gateways)
        identity = fleet.submit(fleet.clips.script(f"sleep {generator.uniform(0, 0.3):.3f}"), gateway)
        # A moment that the seed chooses; there is nothing to wait for.
        time.sleep(generator.uniform(0, 0.5))
        other = generator.choice(fleet.living_gateways)
        answer = fleet.client(other).send("POST", f"/api/jobs/{identity}/cancel")
        job = fleet.wait_for_state(identity, "succeeded", "cancelled", "failed", "dead")
        told[f"{answer.status} {job['state']}"] += 1
        allowed = {200: "cancelled", 202: "cancelled", 409: "succeeded"}
        expect(allowed.get(answer.status) == job["state"], f"the cancel was answered {answer.status}, and the job is {job['state']}")

    seeds = [fleet.random.random() for _ in range(120)]
    with ThreadPoolExecutor(12) as pool:
        for outcome in [pool.submit(race, seed) for seed in seeds]:
            outcome.result(timeout=120)
    return f"120 jobs withdrawn at about their end: {dict(sorted(told.items()))}"

