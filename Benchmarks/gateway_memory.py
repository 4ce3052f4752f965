"""What the gateway's memory comes to: after many requests, with many uploads at once, and with a large one."""

import json
import math
import shutil
import time
from dataclasses import dataclass

import memory
from bench import HERE, Starter
from child import Failed
from gateway_clips import Clips
from gateway_plan import CLIENT_THREADS, CONNECTIONS, LARGEST_UPLOAD_BYTES, Sizes
from gateway_whorl import DISK, Gateway, Place
from servers import Servers

# Until what a request left to be freed is.
SETTLE_SECONDS = 2.0
MOST_WRK_SECONDS = 30


@dataclass(frozen=True)
class Growth:
    """Bytes in memory after so many requests, and how fast those were answered in the end."""

    requests: tuple[int, int]
    resident: tuple[int, int]
    per_second: float


@dataclass(frozen=True)
class Load:
    """Uploads at once, and bytes in memory before them and at the peak."""

    uploads: int
    size: int
    idle: int
    peak: int


@dataclass(frozen=True)
class Memory:
    growth: Growth
    loads: list[Load]


def resident(gateway: Gateway) -> int:
    time.sleep(SETTLE_SECONDS)
    found = memory.now(gateway.pid)[0]
    if not found:
        raise Failed("whorl-gateway: its memory cannot be read")
    return found


def send_mixed(starter: Starter, gateway: Gateway, path: str, tag: str, count: int) -> float:
    """So many requests of all kinds; returns how many a second at best.

    wrk goes on for a time, so it is started over and over, and within a run each thread ends when it has had its share.
    """
    per_second = 0.0
    left = count
    while left > 0:
        seconds = min(MOST_WRK_SECONDS, max(1, round(left / per_second))) if per_second else 1
        words = ["wrk", "--threads", str(CLIENT_THREADS), "--connections", str(CONNECTIONS), "--duration", f"{seconds}s", "--timeout", "10s"]
        words += ["--script", str(HERE / "mixed_requests.lua"), f"http://127.0.0.1:{gateway.port}"]
        words += ["--", path, tag, str(math.ceil(left / CLIENT_THREADS))]
        figures = json.loads(starter.run("wrk", words).strip().splitlines()[-1])
        if figures["refused"] or figures["broken"] or not figures["requests"]:
            raise Failed(f"whorl-gateway: of {figures['requests']} requests {figures['refused']} had other answers, and {figures['broken']} broke")
        left -= figures["requests"]
        per_second = max(per_second, figures["requests"] / figures["seconds"])
    return per_second


def grow(servers: Servers, starter: Starter, sizes: Sizes) -> Growth:
    with Place(servers, starter) as place:
        first = place.start()
        job = place.judge(place.client(first.port))
        # Whoever made the job has done more than answer requests.
        first.service.kill()
        gateway = place.start()
        path = f"/api/jobs/{job}"
        tag = place.client(gateway.port).require(200, "GET", path).headers["etag"]
        few, many = sizes.requests
        send_mixed(starter, gateway, path, tag, few)
        after_few = resident(gateway)
        per_second = send_mixed(starter, gateway, path, tag, many - few)
        return Growth(sizes.requests, (after_few, resident(gateway)), per_second)


def upload(servers: Servers, starter: Starter, clips: Clips, uploads: int, size: int) -> Load:
    with Place(servers, starter) as place:
        gateway = place.start(WHORL_UPLOADS_MAX_BYTES=str(LARGEST_UPLOAD_BYTES))
        client = place.client(gateway.port)
        client.require(200, "GET", "/api/health")
        idle = resident(gateway)
        sent = clips.send(gateway.port, "POST", lambda _: "/api/jobs", uploads, uploads, size)
        # Since the process began, which no reading can miss.
        peak = memory.most_resident(gateway.pid)
        for body in sent.bodies:
            client.require(204, "DELETE", f"/api/jobs/{json.loads(body)['id']}")
        return Load(uploads, size, idle, peak)


def measure(servers: Servers, starter: Starter, sizes: Sizes, clips: Clips) -> Memory:
    growth = grow(servers, starter, sizes)
    several = upload(servers, starter, clips, sizes.uploads_at_once, sizes.upload_at_once_bytes)
    return Memory(growth, [several, upload(servers, starter, clips, 1, sizes.single_upload_bytes)])


def require_room(sizes: Sizes) -> None:
    """Before a disk is full."""
    wanted = 2 * max(sizes.uploads_at_once * sizes.upload_at_once_bytes, sizes.single_upload_bytes)
    parent = next(folder for folder in DISK.parents if folder.exists())
    free = shutil.disk_usage(parent).free
    if free < wanted:
        raise Failed(f"the part memory needs {wanted / 1e9:.0f} GB on the disk, and {free / 1e9:.0f} are free")
