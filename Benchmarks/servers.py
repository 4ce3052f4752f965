"""A PostgreSQL and a Redis of the benchmark's own, by deploy/servers.sh, which are gone after it."""

import os
import re
import shutil
import subprocess

import psycopg
import redis

from bench import ROOT
from child import Failed

# Not a temporary folder: what a run left that was killed, the next one clears away.
FOLDER = ROOT / ".whorl" / "bench"
SCRIPT = ROOT / "deploy" / "servers.sh"
SCRIPT_SECONDS = 300


class Servers:
    """Both of them, from the first `with` to its end."""

    def __init__(self) -> None:
        self.pids: dict[str, int] = {}
        self.database_url = ""
        self.redis_url = ""
        self.made = 0

    def __enter__(self) -> "Servers":
        self._script("remove")
        try:
            self._start(self._script("start"))
        except BaseException:
            self._script("remove")
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._script("remove")

    def _script(self, what: str) -> str:
        # In a session of its own, which Ctrl-C does not reach.
        process = subprocess.Popen(
            [str(SCRIPT), what, str(FOLDER)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            said, _ = process.communicate(timeout=SCRIPT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Failed(f"servers.sh {what}: not done within {SCRIPT_SECONDS} s") from None
        except BaseException:
            # What is stopped half way would leave servers that nobody knows of.
            process.communicate(timeout=SCRIPT_SECONDS)
            raise
        if process.returncode != 0:
            raise Failed(f"servers.sh {what}: {said.strip()}")
        return said

    def _start(self, said: str) -> None:
        for name in ("PostgreSQL", "Redis"):
            found = re.search(rf"{name} runs as process (\d+)", said)
            if found is None:
                raise Failed(f"servers.sh start: says nothing of {name}'s process: {said.strip()}")
            self.pids[name] = int(found.group(1))
        settings = dict(line.split("=", 1) for line in (FOLDER / "env").read_text().splitlines())
        self.database_url = settings["DATABASE_URL"]
        self.redis_url = settings["REDIS_URL"]
        self._require_durable()

    def _require_durable(self) -> None:
        """The figures are about servers that keep what they are given."""
        with psycopg.connect(self.database_url) as connection:
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                if connection.execute(f"SHOW {name}").fetchone() != ("on",):
                    raise Failed(f"PostgreSQL's {name} is not on")
        with self.redis(0) as client:
            for name, wanted in (("appendonly", "yes"), ("appendfsync", "everysec"), ("maxmemory-policy", "noeviction")):
                if client.config_get(name)[name] != wanted:
                    raise Failed(f"Redis' {name} is not {wanted}")

    def facts(self) -> list[tuple[str, str]]:
        with psycopg.connect(self.database_url) as connection:
            shown = {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in ("server_version", "shared_buffers")}
        with self.redis(0) as client:
            version = client.info("server")["redis_version"]
        return [
            ("PostgreSQL", f"{shown['server_version'].split()[0]}, fsync and synchronous_commit on, shared_buffers {shown['shared_buffers']}"),
            ("Redis", f"{version}, append-only file flushed every second, noeviction"),
        ]

    def free_bytes(self) -> int:
        """On the disk that PostgreSQL's data lies on."""
        with psycopg.connect(self.database_url) as connection:
            (folder,) = connection.execute("SHOW data_directory").fetchone()
        return shutil.disk_usage(folder).free

    def redis(self, number: int) -> redis.Redis:
        return redis.Redis.from_url(self.redis_database(number))

    def redis_database(self, number: int) -> str:
        """Each contender has one of its own on the same server."""
        return self.redis_url.rsplit("/", 1)[0] + f"/{number}"

    def flush_every_write(self, number: int, is_wanted: bool) -> None:
        with self.redis(number) as client:
            client.config_set("appendfsync", "always" if is_wanted else "everysec")

    def limit_log(self, size: str | None) -> None:
        """How much PostgreSQL writes between two checkpoints; None is its own default."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET max_wal_size = '{size}'" if size else "ALTER SYSTEM RESET max_wal_size")
            connection.execute("SELECT pg_reload_conf()")

    def create_database(self) -> str:
        """An empty one; returns its address."""
        self.made += 1
        name = f"bench_{os.getpid()}_{self.made}"
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.database_url.rsplit("/", 1)[0] + f"/{name}"

    def drop_database(self, url: str) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {url.rsplit('/', 1)[1]} WITH (FORCE)")
