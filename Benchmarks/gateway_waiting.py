"""What clients that wait for their jobs cost while nothing happens, and how soon they are told when it does."""

import asyncio
import collections
import datetime
import json
import re
import time
from dataclasses import dataclass

import memory
from bench import Starter
from child import Failed
from gateway_plan import IDLE_SECONDS, WAIT_SECONDS, WORKER_SLOTS, Sizes
from gateway_whorl import Gateway, Place, data_folder
from servers import Servers

# A line of PostgreSQL's log begins with its time, and a statement may go over several.
STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*): (.*?)(?=\n\d{4}-\d\d-\d\d |\Z)", re.DOTALL)


class Statements:
    """What one database was asked, statement by statement, as its log has them."""

    def __init__(self, servers: Servers, place: Place):
        # Where deploy/servers.sh has PostgreSQL write it.
        self.log = data_folder(servers).parent / "postgres.log"
        # Connections that are made from now on.
        place.sql.execute(f"ALTER DATABASE {place.url.rsplit('/', 1)[1]} SET log_statement = 'all'")

    def mark(self) -> int:
        return self.log.stat().st_size

    def between(self, start: int, end: int) -> collections.Counter:
        with self.log.open("rb") as file:
            file.seek(start)
            text = file.read(end - start).decode(errors="replace")
        return collections.Counter(" ".join(found.split()) for found in STATEMENT.findall(text))


@dataclass(frozen=True)
class Waiting:
    """What a turn gave. Statements are those that a gateway nobody waits at does not send, in the window and while the clients came; seconds are from
    a job's end to its client's answer."""

    clients: int
    window_seconds: float
    statements: dict[str, int]
    status_queries: int
    coming_statements: int
    coming_seconds: float
    resident_before: int
    resident: int
    told_seconds: list[float]
    # From the first job's end to the last one's.
    ending_seconds: float


@dataclass(frozen=True)
class Told:
    moment: float
    state: str
    finished: float


async def wait_for_job(port: int, job: str, gate: asyncio.Semaphore) -> Told:
    async with gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET /api/jobs/{job} HTTP/1.1\r\nHost: 127.0.0.1\r\nPrefer: wait={WAIT_SECONDS}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        moment = time.time()
        length = re.search(r"^content-length: (\d+)\r$", head, re.IGNORECASE | re.MULTILINE)
        if not head.startswith("HTTP/1.1 200 ") or length is None:
            raise Failed(f"whorl-gateway: answers one that waits with {head.splitlines()[0]!r}")
        status = json.loads(await reader.readexactly(int(length.group(1))))
        finished = datetime.datetime.fromisoformat(status["finishedAt"]).timestamp() if "finishedAt" in status else 0.0
        return Told(moment, status["state"], finished)
    finally:
        writer.close()


def measure(servers: Servers, starter: Starter, sizes: Sizes) -> Waiting:
    with Place(servers, starter) as place:
        statements = Statements(servers, place)
        # Its hourly chores shall come in neither window.
        gateway = place.start(WHORL_TIDY_SECONDS="3600")
        client = place.client(gateway.port)
        jobs = [place.submit(client) for _ in range(sizes.waiting_clients)]
        return asyncio.run(wait_with(place, gateway, jobs, statements, sizes))


async def wait_with(place: Place, gateway: Gateway, jobs: list[str], statements: Statements, sizes: Sizes) -> Waiting:
    # What it is told of new jobs is settled by then.
    await asyncio.sleep(3.0)
    start = statements.mark()
    await asyncio.sleep(IDLE_SECONDS)
    idle = statements.between(start, statements.mark())
    resident_before = memory.now(gateway.pid)[0]

    coming, came = statements.mark(), time.monotonic()
    gate = asyncio.Semaphore(256)
    async with asyncio.TaskGroup() as group:
        clients = [group.create_task(wait_for_job(gateway.port, job, gate)) for job in jobs]
        deadline = time.monotonic() + WAIT_SECONDS / 2
        # Asking it is a request and some statements, so it is not asked often.
        while await asyncio.to_thread(gateway.metric, "whorl_http_requests_waiting") < len(jobs):
            if time.monotonic() > deadline:
                raise Failed(f"whorl-gateway: {len(jobs)} clients do not wait after {WAIT_SECONDS / 2:g} s")
            await asyncio.sleep(0.5)
        coming_seconds = time.monotonic() - came
        # Each reads its job a moment after it counts as waiting; that was to be seen in the log by now.
        await asyncio.sleep(0.5)
        queries = await asyncio.to_thread(gateway.metric, "whorl_status_queries_total")
        begin = statements.mark()
        await asyncio.sleep(sizes.waiting_seconds)
        end = statements.mark()
        resident = memory.now(gateway.pid)[0]
        queries_after = await asyncio.to_thread(gateway.metric, "whorl_status_queries_total")
        place.start_worker(WORKER_SLOTS)
    told = [client.result() for client in clients]
    unfinished = sum(answer.state != "succeeded" for answer in told)
    if unfinished:
        raise Failed(f"whorl-gateway: {unfinished} of {len(told)} clients that waited {WAIT_SECONDS} s were answered before their jobs had ended")
    foreign = {text: number for text, number in statements.between(begin, end).items() if text not in idle}
    while_coming = {text: number for text, number in statements.between(coming, begin).items() if text not in idle}
    finished = [answer.finished for answer in told]
    return Waiting(
        clients=len(told),
        window_seconds=sizes.waiting_seconds,
        statements=foreign,
        status_queries=round(queries_after - queries),
        coming_statements=sum(while_coming.values()),
        coming_seconds=coming_seconds,
        resident_before=resident_before,
        resident=resident,
        told_seconds=[answer.moment - answer.finished for answer in told],
        ending_seconds=max(finished) - min(finished),
    )
