"""A PostgreSQL and a Redis of the harness's own, started by deploy/servers.sh, and what may happen to them."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import urllib.parse
from typing import Any

import psycopg
import redis

from waiting import Broken, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "deploy" / "servers.sh"


class Servers:
    """Both servers in one folder. They outlive a scene; each scene has a database and a queue of its own in them."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.database_url = ""
        self.redis_url = ""

    def start(self) -> None:
        """Starts what does not run; what runs stays as it is."""
        self._script("start")
        settings = dict(line.split("=", 1) for line in (self.folder / "env").read_text(encoding="utf-8").splitlines())
        self.database_url = settings["DATABASE_URL"]
        self.redis_url = settings["REDIS_URL"]

    def stop(self) -> None:
        self._script("stop")

    def remove(self) -> None:
        """Also when one of them was stopped by SIGSTOP or is gone."""
        for pid in self._pids().values():
            os.kill(pid, signal.SIGCONT)
        self._script("remove")

    def _script(self, action: str, accepted: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            [str(SCRIPT), action, str(self.folder)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240
        )
        if done.returncode not in accepted:
            raise Broken(f"servers.sh {action}: code {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def _pids(self) -> dict[str, int]:
        text = self._script("status", accepted=(0, 3))
        return {name: int(pid) for name, pid in re.findall(r"^(PostgreSQL|Redis) runs as process (\d+)", text, re.MULTILINE)}

    def pid(self, name: str) -> int:
        """The process of `PostgreSQL` or `Redis`."""
        pids = self._pids()
        if name not in pids:
            raise Broken(f"{name} does not run")
        return pids[name]

    def kill(self, name: str) -> None:
        """SIGKILL, and the wait until it is gone."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        wait_for(f"{name} is gone", lambda: not pathlib.Path(f"/proc/{pid}").exists(), 30, Broken)

    def quit_postgres(self) -> None:
        """The immediate shutdown: all sessions break at once, and the next start recovers from the log."""
        pid = self.pid("PostgreSQL")
        os.kill(pid, signal.SIGQUIT)
        wait_for("PostgreSQL is gone", lambda: not pathlib.Path(f"/proc/{pid}").exists(), 30, Broken)

    def data(self) -> pathlib.Path:
        elsewhere = self.folder / "data-directory"
        return pathlib.Path(elsewhere.read_text(encoding="utf-8").strip()) if elsewhere.exists() else self.folder / "data"

    def forget_redis(self) -> None:
        """Deletes what Redis would load at its next start."""
        shutil.rmtree(self.data() / "redis" / "appendonlydir")

    def redis(self) -> Any:
        """A client. Its types are of no use: they do not tell the library's two kinds of client apart."""
        return redis.Redis.from_url(self.redis_url, decode_responses=True, socket_timeout=10, socket_connect_timeout=10)

    def url_of(self, database: str, port: int | None = None, program: str | None = None) -> str:
        """The address of one database; through a proxy's port, under a program's name, if they are given."""
        parts = urllib.parse.urlsplit(self.database_url)
        query = urllib.parse.urlencode({"application_name": program}) if program else ""
        return urllib.parse.urlunsplit(parts._replace(netloc=_at_port(parts, port), path=f"/{database}", query=query))

    def redis_url_at(self, port: int | None) -> str:
        parts = urllib.parse.urlsplit(self.redis_url)
        return urllib.parse.urlunsplit(parts._replace(netloc=_at_port(parts, port)))

    @property
    def postgres_port(self) -> int:
        return int(urllib.parse.urlsplit(self.database_url).port or 0)

    @property
    def redis_port(self) -> int:
        return int(urllib.parse.urlsplit(self.redis_url).port or 0)

    def administer(self, statement: str) -> None:
        """A statement on the cluster as a whole."""
        with psycopg.connect(self.url_of("postgres"), autocommit=True, connect_timeout=10) as connection:
            connection.execute(statement)  # type: ignore[arg-type]


def _at_port(parts: urllib.parse.SplitResult, port: int | None) -> str:
    return parts.netloc if port is None else f"{parts.netloc.rsplit(':', 1)[0]}:{port}"
