"""How fast clips come to the disk, by Whorl's gateway and by nginx."""

import contextlib
import os
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass

import services
from bench import Starter
from child import Failed
from gateway_clips import Clips
from gateway_nginx import nginx, reader
from gateway_plan import LARGEST_UPLOAD_BYTES, NGINX_FLUSHED, WHORL, Contender, Sizes
from gateway_whorl import Place, empty_folder
from servers import Servers


@dataclass(frozen=True)
class Upload:
    """What a turn gave; CPU seconds are the server's own for each megabyte."""

    bytes_per_second: float
    cpu_seconds: float


@dataclass(frozen=True)
class Target:
    """Where clips are sent to, and the folder in which they are found by their numbers, if there is one."""

    pid: int
    port: int
    method: str
    path: str
    folder: pathlib.Path | None = None


@contextlib.contextmanager
def target(contender: Contender, servers: Servers, starter: Starter) -> Iterator[Target]:
    """All that was kept is gone after it."""
    if contender is WHORL:
        with Place(servers, starter) as place:
            gateway = place.start(WHORL_UPLOADS_MAX_BYTES=str(LARGEST_UPLOAD_BYTES))
            yield Target(gateway.pid, gateway.port, "POST", "/api/jobs?number=")
    elif contender.system == "nginx":
        with empty_folder() as folder, nginx(starter, folder) as (service, port):
            yield Target(service.pid, port, "PUT", "/", folder / "stored")
    else:
        with reader(starter) as (service, port):
            yield Target(service.pid, port, "PUT", "/")


def flush(path: pathlib.Path) -> None:
    """The file and the name that it has in its folder, as Whorl's gateway does before it answers."""
    for place in (path, path.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def turn(contender: Contender, servers: Servers, starter: Starter, sizes: Sizes, clips: Clips, connections: int) -> Upload:
    with target(contender, servers, starter) as there:
        kept = (lambda number: flush(there.folder / str(number))) if contender is NGINX_FLUSHED else None
        # What runs for the first time takes longer.
        clips.send(there.port, there.method, lambda _: f"{there.path}warm-up", 1, 1, sizes.upload_bytes)
        # What an earlier turn left to be written is not this one's.
        os.sync()
        count = sizes.uploads[connections]
        before = services.cpu_seconds({"own": [there.pid]})["own"]
        sent = clips.send(there.port, there.method, lambda number: f"{there.path}{number}", count, connections, sizes.upload_bytes, kept)
        after = services.cpu_seconds({"own": [there.pid]})["own"]
        whole = count * sizes.upload_bytes
        if there.folder is not None:
            stored = sum((there.folder / str(number)).stat().st_size for number in range(count))
            if stored != whole:
                raise Failed(f"{contender.label}: keeps {stored} bytes of {whole}")
        return Upload(whole / sent.seconds, (after - before) / whole * 1e6)
