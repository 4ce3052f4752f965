"""The extension in a real browser, with the real gateway and a real worker behind it."""

import argparse
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import action_scenes  # noqa: F401 - the list of scenes fills itself
import fault_scenes  # noqa: F401
import figure_scenes  # noqa: F401
import page_scenes  # noqa: F401
import places
import source_scenes  # noqa: F401
import trust_scenes  # noqa: F401
from clips import Clips
from scenes import SCENES, Scene
from stage import Stage, Theatre
from system import System


class Report:
    """What was played, line by line."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0
        self._lock = threading.Lock()

    def note(self, scene: Scene, seconds: float, figures: list[str], breach: str) -> None:
        line = f"{scene.name}: {scene.promise} ({seconds:.1f} s)"
        with self._lock:
            for figure in figures:
                say(f"figure: {figure}")
            if breach:
                self.failed += 1
                say(f"FAILED: {line}: {' '.join(breach.split())[:1500]}")
            else:
                self.passed += 1
                say(f"passed: {line}")


def say(text: str) -> None:
    print(text, flush=True)


def arguments_of(words: list[str]) -> argparse.Namespace:
    made = argparse.ArgumentParser(prog="browser", description=__doc__, allow_abbrev=False)
    made.add_argument("--seed", type=int, help="repeats a run's choices; a new one if not given")
    made.add_argument("--scenes", nargs="+", choices=sorted(SCENES), metavar="NAME", help="these only; --list prints their names")
    made.add_argument("--at-once", type=int, default=2, metavar="N", help="so many scenes at a time, apart from those that must be alone")
    made.add_argument("--list", action="store_true", help="print what would be played, and end")
    made.add_argument(
        "--bin",
        type=pathlib.Path,
        default=pathlib.Path(os.environ.get("WHORL_BIN_DIR", places.ROOT / ".build" / "release")),
        metavar="DIR",
        help="the folder of the programs; WHORL_BIN_DIR, or the one built in release",
    )
    made.add_argument(
        "--database-url", default=os.environ.get("DATABASE_URL"), help="a PostgreSQL where databases can be made; DATABASE_URL"
    )
    made.add_argument("--redis-url", default=os.environ.get("REDIS_URL"), help="REDIS_URL")
    made.add_argument("--screenshots", type=pathlib.Path, metavar="DIR", help="pictures of every page as a scene leaves it")
    made.add_argument("--keep", action="store_true", help="keep logs and profiles; those of a failed run are kept in any case")
    arguments = made.parse_args(words)
    if arguments.seed is None:
        arguments.seed = random.SystemRandom().randrange(1_000_000)
    if not arguments.list:
        arguments.bin = arguments.bin.resolve()
        missing = [name for name in places.PROGRAMS if not os.access(arguments.bin / name, os.X_OK)]
        if missing:
            made.error(f"argument --bin: {arguments.bin} lacks {', '.join(missing)}")
        if not arguments.database_url or not arguments.redis_url:
            made.error("--database-url and --redis-url are needed, or DATABASE_URL and REDIS_URL")
    return arguments


def chosen(arguments: argparse.Namespace) -> list[Scene]:
    return [SCENES[name] for name in SCENES if arguments.scenes is None or name in arguments.scenes]


def play(scene: Scene, theatre: Theatre, arguments: argparse.Namespace, report: Report) -> None:
    started = time.monotonic()
    stage = Stage(theatre, scene.name, arguments.seed)
    breach = ""
    try:
        scene.play(stage)
    # Whatever goes wrong in one scene, the others are played.
    except Exception as error:  # noqa: BLE001
        breach = f"{type(error).__name__}: {error}"
    try:
        if breach or arguments.screenshots:
            stage.save_pictures((arguments.screenshots or theatre.folder) / scene.name)
        if breach:
            stage.save_story()
    finally:
        stage.end()
    report.note(scene, time.monotonic() - started, stage.figures, breach)


def play_all(arguments: argparse.Namespace, folder: pathlib.Path, report: Report) -> None:
    clips = Clips(folder / "clips")
    clips.make()
    system = System(arguments.bin, arguments.database_url, arguments.redis_url, folder)
    try:
        system.start()
        theatre = Theatre(system, clips, folder)
        scenes = chosen(arguments)
        play_together([scene for scene in scenes if not scene.is_alone], theatre, arguments, report)
        for scene in scenes:
            if scene.is_alone:
                play(scene, theatre, arguments, report)
        if mistakes := system.errors():
            report.failed += 1
            say(f"FAILED: gateway and worker logged mistakes of their own: {'; '.join(mistakes)[:1500]}")
    finally:
        system.end()


def play_together(scenes: list[Scene], theatre: Theatre, arguments: argparse.Namespace, report: Report) -> None:
    """So many at a time: most of a scene is waiting."""
    pool = ThreadPoolExecutor(arguments.at_once)
    playing = [pool.submit(play, scene, theatre, arguments, report) for scene in scenes]
    try:
        for scene in playing:
            scene.result()
    finally:
        # Those that are under way end at their next step when the run is broken off.
        pool.shutdown(wait=False, cancel_futures=True)
        if any(not scene.done() for scene in playing):
            theatre.end()
        pool.shutdown(wait=True)


def end_on(number: int, _frame: object) -> None:
    """An exception unwinds to where everything that was started is ended."""
    raise SystemExit(128 + number)


def run(arguments: argparse.Namespace) -> int:
    say(f"seed {arguments.seed}")
    started = time.monotonic()
    report = Report()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="whorl-extension-"))
    is_over = False
    try:
        play_all(arguments, folder, report)
        is_over = True
    finally:
        if arguments.keep or report.failed or not is_over:
            say(f"logs and pictures are in {folder}")
        else:
            shutil.rmtree(folder)
    say(f"seed {arguments.seed}, {time.monotonic() - started:.0f} s")
    say(f"extension: {report.passed} passed, {report.failed} failed")
    return 1 if report.failed or not report.passed else 0


def main() -> int:
    arguments = arguments_of(sys.argv[1:])
    if arguments.list:
        say("\n".join(f"{scene.name:24} {scene.promise}" for scene in chosen(arguments)))
        return 0
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, end_on)
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
