"""Two tenants side by side: neither is ever shown what is the other's, and neither can change it."""

import datetime
import json
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import paths
from client import Answer
from document import Document, Operation
from service import Service, Tenant
from waiting import Breach, wait_for

SAMPLE = paths.ROOT / "samples" / "astronaut-real.mp4"
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {"Content-Type": "application/offset+octet-stream"}
PICTURES = ("image.jpg", "gradcam.jpg", "gradcam.png", "face.jpg", "face-gradcam.jpg")
TERMINAL = ("succeeded", "failed", "cancelled", "dead")
# What one that knows another's id may be answered.
REFUSALS = (400, 404)
# Every table that holds something of a tenant, so that no change goes unseen.
TABLES = ("jobs", "verdicts", "artifacts", "attempts", "uploads", "resumable_uploads", "webhook_endpoints", "webhook_deliveries")


@dataclass
class Belongings:
    """What is one tenant's own."""

    owner: Tenant
    job: str
    dead: str = ""
    waiting: str = ""
    upload: str = ""
    webhook: str = ""
    delivery: str = ""
    cursors: dict[str, str] = field(default_factory=dict)

    def secrets(self) -> list[str]:
        """What must never stand in an answer to another, apart from the path that the other itself named."""
        return [self.job, self.dead, self.waiting, self.upload, self.webhook, self.delivery, self.owner.name]


def expect_status(answer: Answer, status: int, what: str) -> Answer:
    if answer.status != status:
        raise Breach(f"{what}: {answer.status} {answer.body[:400]!r} instead of {status}")
    return answer


def submit(tenant: Tenant, body: bytes, query: str = "", **headers: str) -> dict[str, Any]:
    answer = tenant.send("POST", "/api/jobs" + query, body, Content_Type="application/octet-stream", **headers)
    return expect_status(answer, 202, "a clip").json()


def wait_for_end(tenant: Tenant, job: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        shown = expect_status(tenant.send("GET", f"/api/jobs/{job}", Prefer="wait=5"), 200, f"job {job}").json()
        return shown if shown["state"] in TERMINAL else None

    return wait_for(f"job {job} has ended", ended, 60)


def judge_samples(running: Service, *tenants: Tenant) -> dict[str, str]:
    """A job with a verdict of a real network and all five kinds of pictures for each tenant, about the same bytes."""
    worker = running.start_worker(is_real=True)
    jobs = {}
    for tenant in tenants:
        jobs[tenant.name] = submit(tenant, SAMPLE.read_bytes())["id"]
        shown = wait_for_end(tenant, jobs[tenant.name])
        if shown["state"] != "succeeded":
            raise Breach(f"the sample's job is {shown['state']}: {shown.get('error')}")
    worker.terminate()
    worker.exit_code(60)
    return jobs


def make_dead(tenant: Tenant, number: int) -> str:
    """A job whose attempts are used up."""
    job = submit(tenant, f"fault broken # {tenant.name} {number}".encode())["id"]
    shown = wait_for_end(tenant, job)
    if shown["state"] != "dead":
        raise Breach(f"a job whose every attempt fails is {shown['state']}")
    return job


def prepare(tenant: Tenant, job: str) -> Belongings:
    """Makes a tenant one of everything."""
    own = Belongings(tenant, job)
    own.dead = make_dead(tenant, 0)
    own.waiting = submit(tenant, f"nothing # later, {tenant.name}".encode(), "?runAt=" + _tomorrow())["id"]
    created = tenant.send("POST", "/api/uploads", None, **TUS, Upload_Length="1000")
    own.upload = _last_word(expect_status(created, 201, "an upload").headers["location"])
    piece = tenant.send("PATCH", f"/api/uploads/{own.upload}", b"nothing # part", **TUS, **PIECE, Upload_Offset="0")
    expect_status(piece, 204, "a piece")
    wish = json.dumps({"url": "https://nothing.invalid/hook", "description": f"of {tenant.name}"}).encode()
    made = tenant.send("POST", "/api/webhooks", wish, Content_Type="application/json")
    own.webhook = expect_status(made, 201, "a webhook").json()["id"]
    for _ in range(2):
        told = expect_status(tenant.send("POST", f"/api/webhooks/{own.webhook}/test"), 202, "a delivery")
        own.delivery = told.json()["id"]
    submit(tenant, b"nothing # one more verdict")
    wait_for("a second verdict", lambda: len(_page(tenant, "/api/verdicts")["verdicts"]) > 1, 30)
    for path in ("/api/jobs", "/api/verdicts", f"/api/webhooks/{own.webhook}/deliveries"):
        own.cursors[path] = _page(tenant, path + "?limit=1")["nextCursor"]
    return own


def _tomorrow() -> str:
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _last_word(path: str) -> str:
    return path.rsplit("/", 1)[1]


def _page(tenant: Tenant, path: str) -> dict[str, Any]:
    return expect_status(tenant.send("GET", path), 200, path).json()


def checks(running: Service, document: Document, alder: Tenant, birch: Tenant, judged: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Named checks, each with what it found wrong."""
    belongings = {tenant.name: prepare(tenant, judged[tenant.name]) for tenant in (alder, birch)}
    yield "the check notices a tenant that gets what it asks for", canary(belongings[alder.name])
    for stranger, owner in ((alder, birch), (birch, alder)):
        own = belongings[owner.name]
        before = snapshot(running, owner)
        for operation, content in document.operations():
            yield f"{operation} as {stranger.name}, of {owner.name}", across(stranger, own, operation, content)
        yield f"nothing of {owner.name}'s was changed", "; ".join(changes(before, snapshot(running, owner)))
        yield f"{stranger.name} gets nowhere with {owner.name}'s cursors", foreign_cursors(stranger, own)
        yield f"{owner.name} has all that is its own", own_things(own)
    yield "one Idempotency-Key of two tenants is two jobs", same_key(alder, birch)
    yield "equal bytes are not reused across tenants", same_bytes(alder, birch)
    yield "a stream that watches does not tell of the other's", foreign_stream(alder, belongings[birch.name])


# Every route


def across(stranger: Tenant, own: Belongings, operation: Operation, content: dict[str, Any]) -> str:
    """Sends the operation with every id in its path the owner's, by the stranger's key."""
    breaches = []
    for path in paths_of(operation.path, own):
        for headers, body in requests_of(operation, content):
            answer = stranger.send(operation.method, path, body, **headers)
            has_ids = "{" in operation.path
            if has_ids and answer.status not in REFUSALS:
                breaches.append(f"{path} was answered {answer.status}: {answer.body[:200]!r}")
            breaches += [f"{path} shows {word}" for word in leaks(answer, own, path)]
    return "; ".join(breaches)


def canary(own: Belongings) -> str:
    """To whom everything belongs, everything is shown: of that the check must complain."""
    operation = Operation("/api/jobs/{id}", "GET")
    return "" if across(own.owner, own, operation, {}) else "it does not"


def paths_of(template: str, own: Belongings) -> list[str]:
    if "{id}" not in template:
        return [template]
    kinds = {"/api/jobs/": [own.job, own.dead, own.waiting], "/api/uploads/": [own.upload], "/api/webhooks/": [own.webhook]}
    ids = next(ids for prefix, ids in kinds.items() if template.startswith(prefix))
    filled = [template.replace("{id}", identity) for identity in ids]
    return [path.replace("{frame}", "0").replace("{delivery}", own.delivery) for path in filled]


def requests_of(operation: Operation, content: dict[str, Any]) -> list[tuple[dict[str, str], bytes | None]]:
    """Right in all but whose it is: a request that is refused for its form would show nothing."""
    if operation.path.startswith("/api/uploads"):
        return upload_requests(operation)
    if operation.path == "/api/webhooks" and operation.method == "POST":
        wish = b'{"url":"https://nothing.invalid/stranger"}'
        return [({"Content_Type": "application/json"}, wish)]
    if "requestBody" in content:
        return [({"Content_Type": "application/octet-stream", "Prefer": "wait=5"}, b"nothing # of a stranger")]
    return [({}, None)]


def upload_requests(operation: Operation) -> list[tuple[dict[str, str], bytes | None]]:
    piece = TUS | PIECE | {"Upload-Offset": "14"}
    if operation.path == "/api/uploads":
        return [(TUS | {"Upload-Length": "1000"}, None)]
    if operation.method == "PATCH":
        return [(piece, b"nothing # foreign")]
    if operation.method == "POST":
        return [(piece | {"X-HTTP-Method-Override": "PATCH"}, b"nothing # foreign")] + [
            (TUS | {"X-HTTP-Method-Override": method}, None) for method in ("HEAD", "DELETE")
        ]
    return [(TUS, None)]


def leaks(answer: Answer, own: Belongings, path: str) -> list[str]:
    """The owner's words in the answer. A problem repeats the path that the stranger named, and nothing more."""
    text = answer.body.decode("utf-8", errors="replace")
    is_problem = "problem" in answer.headers.get("content-type", "")
    named = set(re.findall(r"[0-9a-f-]{36}", path)) if is_problem else set()
    # Headers too: Location, Link and the fields of tus.
    text += json.dumps({name: value for name, value in answer.headers.items() if name != "x-request-id"})
    return [word for word in own.secrets() if word in text and word not in named]


# What stays as it is


def snapshot(running: Service, owner: Tenant) -> dict[str, set[tuple[Any, ...]]]:
    """Every row of the owner's, but for what time itself changes."""
    found = {}
    for table in TABLES:
        columns = [name for (name,) in running.rows("SELECT column_name FROM information_schema.columns WHERE table_name = %s", table)]
        changing = {"writer", "writer_until", "next_at", "last_error", "last_status", "attempt", "body", "state", "ended_at"}
        kept = [name for name in columns if table != "webhook_deliveries" or name not in changing]
        condition = "tenant = %s" if "tenant" in columns else "job_id IN (SELECT id FROM jobs WHERE tenant = %s)"
        rows = running.rows(f"SELECT {', '.join(f'{name}::text' for name in kept)} FROM {table} WHERE {condition}", owner.name)
        found[table] = set(rows)
    return found


def changes(before: dict[str, set[tuple[Any, ...]]], after: dict[str, set[tuple[Any, ...]]]) -> list[str]:
    lost = [f"{table} lost {sorted(map(str, before[table] - after[table]))[:2]}" for table in TABLES if before[table] - after[table]]
    new = [f"{table} got {sorted(map(str, after[table] - before[table]))[:2]}" for table in TABLES if after[table] - before[table]]
    return lost + new


def own_things(own: Belongings) -> str:
    """The same ids open everything for their owner: the refusals above were for the stranger."""
    tenant = own.owner
    breaches = []
    shown = [f"/api/jobs/{own.job}", f"/api/jobs/{own.job}/attempts", f"/api/jobs/{own.job}/events"]
    shown += [f"/api/jobs/{own.job}/frames/0/{picture}" for picture in PICTURES]
    shown += [f"/api/webhooks/{own.webhook}", f"/api/webhooks/{own.webhook}/deliveries"]
    for path in shown:
        answer = tenant.send("GET", path)
        if answer.status != 200:
            breaches.append(f"{path} was answered {answer.status}")
    offset = tenant.send("HEAD", f"/api/uploads/{own.upload}", None, **TUS)
    if offset.headers.get("upload-offset") != "14":
        breaches.append(f"the upload was answered {offset.status} and stands at {offset.headers.get('upload-offset')}, not at 14")
    return "; ".join(breaches)


# Cursors, keys, bytes, streams


def foreign_cursors(stranger: Tenant, own: Belongings) -> str:
    breaches = []
    for path, cursor in own.cursors.items():
        for target in ("/api/jobs", "/api/verdicts", path):
            answer = stranger.send("GET", f"{target}?limit=1&cursor={cursor}")
            if answer.status not in REFUSALS:
                breaches.append(f"{target} with the cursor of {path} was answered {answer.status}")
        if own.owner.send("GET", f"{path}?limit=1&cursor={cursor}").status != 200:
            breaches.append(f"{path} does not take its own cursor")
    return "; ".join(breaches)


def same_key(alder: Tenant, birch: Tenant) -> str:
    headers = {"Idempotency-Key": '"one key"'}
    first, second, again = (
        submit(tenant, f"nothing # {clip}".encode(), **headers)["id"]
        for tenant, clip in ((alder, "keyed"), (birch, "keyed otherwise"), (alder, "keyed"))
    )
    if first == second:
        return f"both got job {first}"
    return "" if again == first else f"a repetition by {alder.name} got {again}, not {first}"


def same_bytes(alder: Tenant, birch: Tenant) -> str:
    clip = b"nothing # of both"
    first = submit(alder, clip)
    wait_for_end(alder, first["id"])
    other = submit(birch, clip)
    if other["state"] != "queued" or "leaderId" in other:
        return f"{birch.name}'s first job about these bytes was {other['state']} at once, leader {other.get('leaderId')}"
    told = wait_for_end(birch, other["id"])
    own = submit(alder, clip)
    if told["verdict"]["reused"]:
        return f"{birch.name}'s verdict is {alder.name}'s"
    return "" if own.get("verdict", {}).get("reused") else f"{alder.name}'s own verdict was not reused"


def foreign_stream(stranger: Tenant, own: Belongings) -> str:
    """The stream of a job that still waits: nothing at all may come of it."""
    fields = f"Host: whorl\r\nAuthorization: Bearer {stranger.key}\r\nAccept: text/event-stream\r\n"
    request = f"GET /api/jobs/{own.waiting}/events HTTP/1.1\r\n{fields}\r\n"
    with socket.create_connection(("127.0.0.1", stranger.client.port), timeout=10) as connection:
        connection.sendall(request.encode())
        answer = connection.recv(65_536).decode("latin-1")
    return "" if answer.startswith("HTTP/1.1 404 ") and "data:" not in answer else f"it answered {answer[:300]}"


