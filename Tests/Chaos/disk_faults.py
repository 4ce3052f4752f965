"""Disks without room."""

import os
import pathlib
import resource
import signal
import subprocess
from collections import Counter

from faults import fault
from fleet import Fleet
from moments import Once, is_verdict
from postgres_wire import PostgresProxy
from scene import stored_files
from waiting import Broken, expect, wait_for
from wire import Decision, Way

DISK_BYTES = 4 << 20
CLIP_BYTES = 600_000


def mounted(folder: pathlib.Path) -> bool:
    """A small disk at the folder, if this user may make one."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)], capture_output=True, text=True, timeout=20
    )
    return done.returncode == 0


def unmount(folder: pathlib.Path) -> None:
    done = subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, text=True, timeout=20)
    if done.returncode != 0:
        raise Broken(f"umount {folder}: {done.stderr.strip()}")


def limit_files() -> None:
    """Stands in for a full disk where none can be mounted: a file ends at so many bytes, and that is an error, not a signal."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (CLIP_BYTES // 2, CLIP_BYTES // 2))


def large(fleet: Fleet) -> bytes:
    """A script with a long comment."""
    return fleet.clips.script("# " + "x" * CLIP_BYTES)


@fault("28", "the disk fills during an upload", gateways=0, workers=0)
def fill_the_disk(fleet: Fleet) -> str:
    if os.geteuid() == 0 and mounted(fleet.uploads):
        try:
            return _with_disk(fleet)
        finally:
            unmount(fleet.uploads)
    return _with_limit(fleet)


def _with_disk(fleet: Fleet) -> str:
    gateways = [fleet.start_gateway(UPLOADS_KEEP_SECONDS="0") for _ in range(2)]
    told: Counter[str] = Counter()
    fleet.mark_fault()
    for number in range(12):
        answer = fleet.client(gateways[number % 2]).post(large(fleet))
        told[f"{answer.status} {answer.code}".strip()] += 1
        fleet.tally.note(answer)
        expect(answer.status in (202, 507), f"a clip for a full disk is answered {answer.status} {answer.code}")
        expect(answer.status == 202 or "retry-after" in answer.headers, "the 507 says nothing about when to try again")
    expect({answer.split()[0] for answer in told} == {"202", "507"}, f"12 clips of {CLIP_BYTES} bytes were answered {dict(told)}")
    left = [path.name for path in (fleet.uploads / "incoming").iterdir()]
    expect(not left, f"{len(left)} half-written files are left")
    whole = {path.stat().st_size for path in fleet.uploads.glob("??/*")}
    expect(min(whole) > CLIP_BYTES, f"a half-written file is in its place: {sorted(whole)}")
    fleet.start_worker()
    for identity in fleet.tally.ids():
        fleet.wait_for_state(identity, "succeeded")
    wait_for("there is room again", lambda: not list(stored_files(fleet.uploads)), 20)
    fleet.wait_for_state(fleet.submit(large(fleet)), "succeeded")
    # The disk goes with the scene, so what is on it is looked at here.
    wait_for("the last clip's bytes are removed", lambda: not list(stored_files(fleet.uploads)), 20)
    return f"uploads on a disk of {DISK_BYTES >> 20} MB: {dict(told)}"


def _with_limit(fleet: Fleet) -> str:
    gateway = fleet.start_gateway(prepare=limit_files)
    fleet.mark_fault()
    for _ in range(4):
        answer = fleet.client(gateway).post(large(fleet))
        expect(answer.status in (503, 507), f"a clip that finds no room is answered {answer.status} {answer.code}")
        left = [str(path) for path in fleet.uploads.rglob("*") if path.is_file()]
        expect(not left, f"{len(left)} half-written files are left")
    fleet.start_worker()
    fleet.wait_for_state(fleet.submit(fleet.clips.script()), "succeeded")
    return "no right to mount a disk, so files that may not grow beyond half a clip"


@fault("28b", "PostgreSQL's disk fills during a verdict", workers=0)
def fill_postgres(fleet: Fleet) -> str:
    refusals = [
        Once(is_verdict, Decision(Way.REFUSE, refusal=("53100", "could not extend file: No space left on device")), skip=skip)
        for skip in (0, fleet.random.randrange(1, 5))
    ]
    for refusal in refusals:
        fleet.start_worker(database=fleet.through(PostgresProxy(fleet.servers.postgres_port, refusal)))
    with fleet.load(rate=20, longest=0.1):
        for refusal in refusals:
            wait_for("a verdict was refused", refusal.struck.is_set, 30)
        fleet.mark_fault()
        fleet.wait_for_load(fleet.tally.count() + 20)
    again = fleet.value("SELECT count(*) FROM attempts WHERE outcome <> 'succeeded'")
    expect(again == 0, f"{again} attempts did not succeed although their work was done")
    return "the verdicts of 2 workers refused with 53100 (disk full); they were stored at the next try"
