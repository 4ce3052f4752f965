"""Breaks the running pair in every way of docs/reliability.md and holds what is left against the invariants."""

import argparse
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator

import alterations
import fault_loop
import fleet
import plays  # noqa: F401 - the list of faults fills itself
import report
from faults import FAULTS, Fault, order
from scene import Result, Stage, perform
from servers import ROOT, Servers

PROGRAMS = ("whorl", "whorl-gateway", "whorl-worker", "whorl-decoder", "whorl-scripted-worker")


def say(text: str) -> None:
    print(text, flush=True)


def arguments_of(words: list[str]) -> argparse.Namespace:
    made = argparse.ArgumentParser(prog="chaos", description=__doc__, allow_abbrev=False)
    made.add_argument("--seed", type=int, help="repeats a run's choices; a new one if not given")
    made.add_argument("--faults", type=faults_of, metavar="1,4,6b", help="these only")
    made.add_argument("--quick", action="store_true", help="the part that make test runs")
    made.add_argument("--checker", action="store_true", help="only check the checker: altered statements that it must notice")
    made.add_argument("--loop", action="store_true", help="only the loop that fails every single call of a worker")
    made.add_argument("--list", action="store_true", help="print what would be done, and end")
    made.add_argument(
        "--bin",
        type=pathlib.Path,
        default=pathlib.Path(os.environ.get("WHORL_BIN_DIR", ROOT / ".build" / "release")),
        metavar="DIR",
        help="the folder of the programs; WHORL_BIN_DIR, or the one built in release",
    )
    made.add_argument("--table", type=pathlib.Path, metavar="FILE", help="write the table into this document, between its markers")
    made.add_argument("--keep", action="store_true", help="keep databases, logs and uploads; those of a breach are kept in any case")
    arguments = made.parse_args(words)
    if sum((arguments.quick, arguments.checker, arguments.loop, arguments.faults is not None)) > 1:
        made.error("--quick, --checker, --loop and --faults exclude each other")
    if arguments.seed is None:
        arguments.seed = random.SystemRandom().randrange(1_000_000)
    arguments.bin = arguments.bin.resolve()
    if not arguments.list:
        missing = [name for name in PROGRAMS if not os.access(arguments.bin / name, os.X_OK)]
        if missing:
            made.error(f"argument --bin: {arguments.bin} lacks {', '.join(missing)}")
    if arguments.table is not None:
        try:
            report.with_section(arguments.table.read_text(encoding="utf-8"), "")
        except (OSError, ValueError) as error:
            made.error(f"argument --table: {arguments.table}: {error}")
    return arguments


def faults_of(text: str) -> list[str]:
    numbers = text.split(",")
    unknown = [number for number in numbers if number not in FAULTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no fault {unknown[0]!r}; there are {', '.join(sorted(FAULTS, key=order))}")
    return numbers


def chosen(arguments: argparse.Namespace) -> list[Fault]:
    if arguments.checker or arguments.loop:
        return []
    faults = [FAULTS[number] for number in sorted(FAULTS, key=order)]
    if arguments.faults is not None:
        return [fault for fault in faults if fault.number in arguments.faults]
    return [fault for fault in faults if fault.is_quick or not arguments.quick]


def results_of(arguments: argparse.Namespace, stage: Stage) -> Iterator[Result]:
    """All parts of a run, one after another."""
    for fault in chosen(arguments):
        yield perform(stage, fault, arguments.keep)
    is_whole = arguments.faults is None
    if arguments.checker or (is_whole and not arguments.loop):
        yield from alterations.check(stage, arguments.keep, arguments.quick)
    if arguments.loop or (is_whole and not arguments.checker):
        yield from fault_loop.loop(stage, arguments.keep, arguments.quick)


def prepare(arguments: argparse.Namespace, folder: pathlib.Path, servers: Servers) -> Stage:
    servers.start()
    model = folder / "model.safetensors"
    making = ["model", "init", "--seed", "1", "--region", "frame", "--output", str(model)]
    fleet.run(arguments.bin / "whorl", making, {"PATH": "/usr/bin:/bin"}, folder)
    fleet.prepare_template(servers, arguments.bin, folder, "chaos_template")
    return Stage(servers, arguments.bin, model, folder, "chaos_template", arguments.seed)


def end_on(number: int, _frame: object) -> None:
    """An exception unwinds to where everything that was started is ended."""
    raise SystemExit(128 + number)


def run(arguments: argparse.Namespace) -> int:
    say(f"seed {arguments.seed}")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="whorl-chaos-"))
    # PostgreSQL's own user has to get at its data.
    folder.chmod(0o711)
    servers = Servers(folder / "servers")
    results: list[Result] = []
    keeps = arguments.keep
    stage: Stage | None = None
    try:
        stage = prepare(arguments, folder, servers)
        for result in results_of(arguments, stage):
            results.append(result)
            say(report.line(result))
    finally:
        keeps = keeps or any(not result.is_passed for result in results)
        if stage is not None:
            stage.end()
        servers.remove()
        if keeps:
            say(f"logs and uploads are in {folder}")
        else:
            shutil.rmtree(folder)
    finish(arguments, results)
    failed = sum(not result.is_passed for result in results)
    say(f"seed {arguments.seed}")
    say(f"chaos: {len(results) - failed} passed, {failed} failed")
    return 1 if failed or not results else 0


def finish(arguments: argparse.Namespace, results: list[Result]) -> None:
    written = report.table(results)
    if not arguments.quick:
        say(written)
    if arguments.table is not None:
        report.write(arguments.table, f"Seed {arguments.seed}; lease {fleet.LEASE_SECONDS:g} s.\n\n{written}")


def main() -> int:
    arguments = arguments_of(sys.argv[1:])
    if arguments.list:
        say("\n".join(f"{fault.number:>3}  {fault.name}" for fault in chosen(arguments)))
        return 0
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, end_on)
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
