"""How Whorl's own operations fare where a million jobs wait and ten million are done, beside a database with none."""

import concurrent.futures
import contextlib
import time
from dataclasses import dataclass, field

import psycopg

import report
from bench import Starter, say
from child import Failed
from queue_plan import STORE, WHORL, Sizes
from servers import Servers
from queue_whorl import Store, Whorl

OPERATIONS = ("enqueue", "status", "claim", "claimNext")
PERCENTILES = ("p50", "p99")
# Those that a job has rows in, and the column by which they are its own.
TABLES = {"uploads": "id", "jobs": "id", "attempts": "job_id", "verdicts": "job_id"}
# Expressions over `n`, the job's number, which is its millisecond too: a uuidv7 is 48 bits of those and else what is like no other.
ID = "(lpad(to_hex(n), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid"
MOMENT = "to_timestamp(n / 1000.0)"
DIGEST = "encode(sha256(int8send(n)), 'hex')"
# What differs from job to job, by the columns' names; all else a row has from a job that really ran, or really waits.
CHANGED = {
    "uploads": {"id": ID, "sha256": DIGEST, "store_key": f"({ID})::text", "created_at": MOMENT},
    "jobs": {
        "id": ID,
        "upload_id": ID,
        "upload_sha256": DIGEST,
        "content_key": "sha256(int8send(n))",
        "queue_rank": "n * 1000",
        "run_at": MOMENT,
        "created_at": MOMENT,
        "started_at": f"CASE WHEN template.started_at IS NOT NULL THEN {MOMENT} END",
        "finished_at": f"CASE WHEN template.finished_at IS NOT NULL THEN {MOMENT} END",
        "dispatched_at": "NULL",
    },
    "attempts": {"job_id": ID, "started_at": MOMENT, "finished_at": MOMENT},
    # Whole verdicts would be ten gigabytes, of which nothing that is measured reads a byte.
    "verdicts": {"job_id": ID, "body": "'{}'::jsonb", "created_at": MOMENT},
}
SETTINGS = (
    # Neither triggers nor references are looked at: a million times they would find what they have to.
    "SET session_replication_role = replica",
    "SET synchronous_commit = off",
    "SET maintenance_work_mem = '1GB'",
    "SET statement_timeout = '15min'",
)
FILLERS = 2
# Of the two databases in each round: the shorter a turn, the likelier both have the same neighbours.
EXCHANGES = 5
# With the usual gigabyte between two checkpoints the pages would be written over and over.
MOST_LOG = "8GB"
LOG_BYTES = 10_000_000_000
JOB_BYTES = 2000


@dataclass
class Depth:
    """Milliseconds of each operation at the percentiles, one exchange after another: in the full database, and in an empty one beside it."""

    title: str
    full: dict[str, list[dict[str, float]]] = field(default_factory=lambda: {name: [] for name in OPERATIONS})
    empty: dict[str, list[dict[str, float]]] = field(default_factory=lambda: {name: [] for name in OPERATIONS})


def measure(servers: Servers, starter: Starter, sizes: Sizes, rounds: int) -> list[Depth]:
    """First with the jobs that wait alone, then with those that are done as well."""
    queued, finished = f"{sizes.queued:,} queued", f"{sizes.finished:,} finished"
    depths = [Depth(queued), Depth(f"{queued}, {finished}")]
    with Whorl(WHORL, servers, starter) as whorl:
        ran, waits = make_templates(whorl)
        last = int(1000 * time.time()) - 60_000
        say(f"  depth: making {queued}")
        fill(whorl, waits, range(last - sizes.queued, last))
        compare(whorl, servers, starter, sizes, rounds, depths[0])
        say(f"  depth: making {finished}")
        fill(whorl, ran, range(last - sizes.queued - sizes.finished, last - sizes.queued))
        compare(whorl, servers, starter, sizes, rounds, depths[1])
    return depths


def require_room(servers: Servers, sizes: Sizes) -> None:
    """Before anything is measured: a full disk would end the run after half an hour, and trouble everybody else on the machine."""
    needed = LOG_BYTES + (sizes.queued + sizes.finished) * JOB_BYTES
    free = servers.free_bytes()
    if free < needed:
        raise Failed(f"part depth: needs {needed / 1e9:.0f} GB on PostgreSQL's disk, and {free / 1e9:.0f} GB are free; leave it out with --parts")


def make_templates(whorl: Whorl) -> tuple[str, str]:
    """The ids of a job that ran and of one that waits, made by the real programs, which end after it."""
    worker = whorl.add_worker()
    whorl.wait_for(lambda: whorl.ready_workers() == 1, 60.0, "its worker is not ready")
    ran = whorl.send("that runs").key
    whorl.wait_until_idle(60.0)
    whorl.workers.remove(worker)
    worker.kill()
    # Jobs of a model that some living worker has are kept for that one.
    whorl.sql.execute("DELETE FROM workers")
    waits = whorl.send("that waits").key
    whorl.gateway.kill()
    return ran, waits


def fill(whorl: Whorl, template: str, numbers: range) -> None:
    """Rows like the template's for each of the numbers; with its indexes and statistics in order at the end."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(psycopg.connect(whorl.url, autocommit=True)) for _ in range(FILLERS)]
        for connection in connections:
            for setting in SETTINGS:
                connection.execute(setting)
        stack.callback(whorl.servers.limit_log, None)
        whorl.servers.limit_log(MOST_LOG)
        first = connections[0]
        indexes = drop_indexes(first)
        insert_side_by_side(connections, template, numbers)
        for definition in indexes:
            first.execute(definition)
        for table in TABLES:
            first.execute(f"VACUUM (ANALYZE) {table}")
        first.execute("CHECKPOINT")


def insert_side_by_side(connections: list[psycopg.Connection], template: str, numbers: range) -> None:
    share = -(-len(numbers) // len(connections))
    with concurrent.futures.ThreadPoolExecutor(len(connections)) as pool:
        going = [
            pool.submit(insert_all, connection, template, numbers[index * share : (index + 1) * share])
            for index, connection in enumerate(connections)
        ]
        try:
            for one in going:
                one.result()
        except BaseException:
            # The pool waits for its threads, and they for the server.
            for connection in connections:
                connection.cancel()
            raise


def insert_all(connection: psycopg.Connection, template: str, numbers: range) -> None:
    for table, key in TABLES.items():
        insert(connection, table, key, template, numbers)


def insert(connection: psycopg.Connection, table: str, key: str, template: str, numbers: range) -> None:
    columns = [
        name
        for (name,) in connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = %s"
            " AND is_generated = 'NEVER' ORDER BY ordinal_position",
            [table],
        )
    ]
    values = [CHANGED[table].get(name, f"template.{name}") for name in columns]
    connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)}"
        f" FROM generate_series({numbers.start}, {numbers.stop - 1}) AS n, {table} AS template WHERE template.{key} = '{template}'"
    )


def drop_indexes(connection: psycopg.Connection) -> list[str]:
    """All that no constraint needs; returns what makes them again. To sort once is quicker than to insert a million times."""
    found = connection.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = ANY(%s::regclass[]) AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)",
        [list(TABLES)],
    ).fetchall()
    for name, _ in found:
        connection.execute(f"DROP INDEX {name}")
    # Of a table in partitions the definition is that of the whole alone.
    return [definition.replace(" ON ONLY ", " ON ") for _, definition in found]


def compare(whorl: Whorl, servers: Servers, starter: Starter, sizes: Sizes, rounds: int, depth: Depth) -> None:
    say(f"  depth: {depth.title}: {report.count(rounds * EXCHANGES, 'exchange')}")
    with Store(STORE, servers, starter) as empty:
        order = [(empty, depth.empty), (whorl, depth.full)]
        for _ in range(rounds * EXCHANGES):
            # Each is the first as often as the other.
            order.reverse()
            for database, kept in order:
                keep(kept, database.bench_queue("--latencies", str(sizes.latencies)))


def keep(kept: dict[str, list[dict[str, float]]], figures: dict) -> None:
    for name in OPERATIONS:
        kept[name].append({what: figures[name][what] for what in PERCENTILES})
