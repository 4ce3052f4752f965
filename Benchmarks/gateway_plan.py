"""What is measured against what: the contenders, sizes and goals of the gateway's benchmark."""

from dataclasses import dataclass

PARTS = ("polling", "waiting", "uploads", "memory", "connections")
PROGRAMS = ("whorl", "whorl-gateway", "whorl-scripted-worker")
PACKAGES = ("fastapi", "uvicorn", "uvloop", "httptools", "asyncpg", "orjson", "psycopg", "redis")
COMMANDS = ("wrk", "nginx")

CONNECTIONS = 64
CLIENT_THREADS = 2
# Whorl's own by default, and as many as the peer's pool gets.
DATABASE_CONNECTIONS = 8

# What was to be reached.
POLLING_GOAL_RATIO = 5.0
UPLOAD_GOAL_RATIO = 0.8
GROWTH_GOAL_PERCENT = 10.0
UPLOAD_MEMORY_GOAL_BYTES = 150_000_000

WAIT_SECONDS = 20
# Whorl's own by default: so often one query looks after all who wait.
WAITERS_POLL_SECONDS = 5
# The chores that an idle gateway has anyway; the longest of them that is not put off returns within this time.
IDLE_SECONDS = 11.0
WORKER_SLOTS = 32

UPLOAD_CONNECTIONS = (1, 8)
MEGABYTE = 1 << 20
LARGEST_UPLOAD_BYTES = 8 << 30
# As an operator would set it who wants connections to stay; by default the gateway closes an idle one after a minute.
IDLE_CONNECTION_SECONDS = 600


@dataclass(frozen=True)
class Contender:
    """One server with one way of running it."""

    system: str
    way: str
    label: str

    @property
    def is_ours(self) -> bool:
        return self.system == "whorl"


WHORL = Contender("whorl", "http", "Whorl")
WHORL_UNCHANGED = Contender("whorl", "unchanged", "Whorl, If-None-Match")
FASTAPI = Contender("fastapi", "plain", "FastAPI")
FASTAPI_KEEPING = Contender("fastapi", "keeping", "FastAPI, renderings kept")
FASTAPI_TWO = Contender("fastapi", "two", "FastAPI, renderings kept, 2 processes")
FASTAPI_UNCHANGED = Contender("fastapi", "unchanged", "FastAPI, renderings kept, If-None-Match")
NGINX = Contender("nginx", "plain", "nginx")
NGINX_FLUSHED = Contender("nginx", "flushed", "nginx, then flushed")
NOTHING = Contender("nothing", "reader", "a reader that keeps nothing")

# What a client has of another answer is compared with the like of it alone.
UNCHANGED = (WHORL_UNCHANGED, FASTAPI_UNCHANGED)
CONTENDERS = {
    "polling": (WHORL, FASTAPI, FASTAPI_KEEPING, FASTAPI_TWO) + UNCHANGED,
    "waiting": (WHORL,),
    "uploads": (WHORL, NGINX, NGINX_FLUSHED, NOTHING),
    "memory": (WHORL,),
    "connections": (WHORL,),
}


@dataclass(frozen=True)
class Sizes:
    """How much of everything; bytes are a clip's."""

    polling_seconds: int
    waiting_clients: int
    waiting_seconds: float
    upload_bytes: int
    # By the number of connections.
    uploads: dict[int, int]
    # After so many requests memory is read, the first time and the last.
    requests: tuple[int, int]
    uploads_at_once: int
    upload_at_once_bytes: int
    single_upload_bytes: int
    connections: int
    connections_seconds: float


FULL = Sizes(10, 2000, 8.0, 64 * MEGABYTE, {1: 16, 8: 32}, (10_000, 1_000_000), 64, 64 * MEGABYTE, 4096 * MEGABYTE, 10_000, 30.0)
QUICK = Sizes(2, 500, 6.0, 64 * MEGABYTE, {1: 4, 8: 8}, (1_000, 20_000), 64, MEGABYTE, 64 * MEGABYTE, 1_000, 3.0)
