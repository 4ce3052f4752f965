"""GET /api/jobs/{id} in FastAPI: the same rows of the same tables, the same bytes, the same entity tag.

    PEER_DATABASE_URL=postgresql://… PEER_TENANT=… python gateway_fastapi.py [--keep] [--processes 2]

Nothing lies on the path that could be left out: no response model, no dependency, no access log, no reset of a connection that was only read from.
"""

import argparse
import contextlib
import datetime
import os
import uuid
from collections.abc import AsyncIterator

import asyncpg
import fastapi
import orjson
import uvicorn

from gateway_plan import DATABASE_CONNECTIONS

# Letter by letter what Whorl's store asks.
STATUS = """
    SELECT j.id, j.kind, j.priority, j.run_at, j.leader_id, j.state, j.stage, j.progress, j.revision, j.attempt, j.max_attempts,
        j.cancel_requested, j.options, u.bytes AS upload_bytes, j.upload_sha256, j.model_sha256, j.error, j.created_at, j.started_at,
        j.finished_at, v.body AS verdict
    FROM jobs j JOIN uploads u ON u.id = j.upload_id LEFT JOIN verdicts v ON v.job_id = j.id
    WHERE j.tenant = $1 AND j.id = $2
"""
HEAD = "SELECT revision FROM jobs WHERE tenant = $1 AND id = $2"
# So many renderings are kept in two generations, as in Whorl.
GENERATION_COUNT = 4096
JSON_TYPE = "application/json; charset=utf-8"
TERMINAL = {"succeeded", "failed", "cancelled", "dead"}


async def leave_as_it_is(_connection: asyncpg.Connection) -> None:
    """By default a pool asks the server to reset every connection that is given back, which is a second round trip."""


class Renderings:
    """The bytes of jobs by their revisions, in the place of a query and a writing of JSON each time."""

    def __init__(self) -> None:
        self.young: dict[uuid.UUID, tuple[int, bool, bytes]] = {}
        self.old: dict[uuid.UUID, tuple[int, bool, bytes]] = {}

    def get(self, job: uuid.UUID) -> tuple[int, bool, bytes] | None:
        return self.young.get(job) or self.old.get(job)

    def keep(self, job: uuid.UUID, rendering: tuple[int, bool, bytes]) -> None:
        if len(self.young) >= GENERATION_COUNT:
            self.young, self.old = {}, self.young
        self.young[job] = rendering


def time_text(time: datetime.datetime) -> str:
    """RFC 3339 in UTC, to the nearest millisecond."""
    return (time + datetime.timedelta(microseconds=500)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def plain(number: float) -> float | int:
    """A whole number is written without a fraction."""
    return int(number) if number.is_integer() else number


def with_links(verdict: dict, job: str) -> dict:
    for track in verdict["tracks"]:
        query = "" if track["track"] == 0 else f"?track={track['track']}"
        for frame in track["frames"]:
            base = f"/api/jobs/{job}/frames/{frame['index']}"
            frame["links"] = {
                "image": f"{base}/image.jpg{query}",
                "gradcam": f"{base}/gradcam.jpg{query}",
                "map": f"{base}/gradcam.png{query}",
            }
    return verdict


def render(row: asyncpg.Record) -> bytes:
    job = str(row["id"])
    status = {
        "id": job,
        "kind": row["kind"],
        "priority": row["priority"],
        "runAt": time_text(row["run_at"]),
        "state": row["state"],
        "progress": plain(row["progress"]),
        "revision": row["revision"],
        "attempt": row["attempt"],
        "maximumAttempts": row["max_attempts"],
        "cancelRequested": row["cancel_requested"],
        "options": orjson.loads(row["options"]),
        "uploadBytes": row["upload_bytes"],
        "uploadSha256": row["upload_sha256"],
        "createdAt": time_text(row["created_at"]),
    }
    if row["leader_id"] is not None:
        status["leaderId"] = str(row["leader_id"])
    for name, column in (("stage", "stage"), ("modelSha256", "model_sha256")):
        if row[column] is not None:
            status[name] = row[column]
    for name, column in (("startedAt", "started_at"), ("finishedAt", "finished_at")):
        if row[column] is not None:
            status[name] = time_text(row[column])
    if row["error"] is not None:
        status["error"] = orjson.loads(row["error"])
    if row["verdict"] is not None:
        status["verdict"] = with_links(orjson.loads(row["verdict"]), job)
    return orjson.dumps(status, option=orjson.OPT_SORT_KEYS)


def application() -> fastapi.FastAPI:
    tenant = os.environ["PEER_TENANT"]
    renderings = Renderings() if os.environ["PEER_KEEPS"] == "true" else None
    pool: asyncpg.Pool

    @contextlib.asynccontextmanager
    async def lifespan(_app: fastapi.FastAPI) -> AsyncIterator[None]:
        nonlocal pool
        size = DATABASE_CONNECTIONS
        async with asyncpg.create_pool(os.environ["PEER_DATABASE_URL"], min_size=size, max_size=size, reset=leave_as_it_is) as pool:
            yield

    app = fastapi.FastAPI(lifespan=lifespan, openapi_url=None)

    async def read(job: uuid.UUID) -> tuple[int, bool, bytes]:
        row = await pool.fetchrow(STATUS, tenant, job)
        if row is None:
            raise fastapi.HTTPException(404)
        return row["revision"], row["state"] in TERMINAL, render(row)

    async def rendering(job: uuid.UUID) -> tuple[int, bool, bytes]:
        if renderings is None:
            return await read(job)
        revision = await pool.fetchval(HEAD, tenant, job)
        if revision is None:
            raise fastapi.HTTPException(404)
        known = renderings.get(job)
        if known is None or known[0] != revision:
            known = await read(job)
            renderings.keep(job, known)
        return known

    @app.get("/api/jobs/{job}")
    async def show(job: uuid.UUID, request: fastapi.Request) -> fastapi.Response:
        revision, is_terminal, body = await rendering(job)
        tag = f'"{revision}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if not is_terminal:
            headers["Retry-After"] = "1"
        if request.headers.get("if-none-match") == tag:
            return fastapi.Response(status_code=304, headers=headers)
        return fastapi.Response(body, headers=headers, media_type=JSON_TYPE)

    return app


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="read a job whole only if its revision is new")
    parser.add_argument("--processes", type=int, default=1)
    arguments = parser.parse_args()
    # The other processes are started with nothing but the environment.
    os.environ["PEER_KEEPS"] = "true" if arguments.keep else "false"
    uvicorn.run(
        "gateway_fastapi:application",
        factory=True,
        host="127.0.0.1",
        port=0,
        workers=arguments.processes,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        backlog=4096,
    )


if __name__ == "__main__":
    main()
