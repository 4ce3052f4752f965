"""A worker on a host whose clock is wrong."""

import pathlib
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

from faults import fault
from fleet import Fleet
from program import Program
from waiting import Broken, expect

OFFSET_SECONDS = 300
SOURCE = pathlib.Path(__file__).with_name("wrong-clock.c")


def library(folder: pathlib.Path) -> str:
    """What moves a program's date, made with the C compiler that Swift brings along."""
    compiler = next((path for path in map(shutil.which, ("clang", "cc", "gcc")) if path), None)
    if compiler is None:
        raise Broken("there is no C compiler to make wrong-clock.c with")
    made = folder / "wrong-clock.so"
    command = [compiler, "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", str(made), str(SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise Broken(f"{compiler} does not make wrong-clock.c: {done.stderr.strip()}")
    return str(made)


def logged_offset(worker: Program) -> timedelta:
    """How far a worker's clock is from ours, by the last line of its log."""
    stamps = [record["time"] for record in worker.records() if "time" in record]
    if not stamps:
        raise Broken(f"{worker.name} has logged no time:\n{worker.text()[-500:]}")
    logged = datetime.fromisoformat(stamps[-1].replace("Z", "+00:00"))
    return logged - datetime.fromtimestamp(worker.log.stat().st_mtime, UTC)


@fault("27", "the clocks of workers' hosts are 5 minutes off", workers=0)
def wrong_clocks(fleet: Fleet) -> str:
    offsets = [OFFSET_SECONDS, -OFFSET_SECONDS, 0]
    preloaded = library(fleet.folder)
    for offset in offsets:
        extra = {"LD_PRELOAD": preloaded, "WRONG_CLOCK_SECONDS": str(offset)}
        worker = fleet.start_worker(extra=extra if offset else {})
        seen = logged_offset(worker).total_seconds()
        if abs(seen - offset) > 10:
            raise Broken(f"{worker.name} should be {offset} s off and is {seen:.1f} s off")
    fleet.mark_fault()
    with fleet.load(rate=25, longest=0.3):
        fleet.wait_for_load(60)
        # Longer than its lease, so that renewals matter too.
        slow = [fleet.submit(fleet.clips.script("sleep 5")) for _ in range(6)]
    for identity in slow:
        fleet.wait_for_state(identity, "succeeded")
        expect(fleet.attempts(identity) == ["succeeded"], f"a job's attempts are {fleet.attempts(identity)}")
    lost = fleet.value("SELECT count(*) FROM attempts WHERE outcome <> 'succeeded'")
    expect(lost == 0, f"{lost} attempts did not succeed")
    return "3 workers, one 5 minutes ahead, one 5 minutes behind; jobs longer than a lease among them"
