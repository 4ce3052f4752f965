"""Holds the running gateway, the OpenAPI document, the sources and the pages of docs/ against each other."""

import argparse
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

import commands
import crossing
import examples
import framing
import fuzzing
import paths
import problems
import routes
import service
import tus_client
from document import Document
from waiting import Breach

PROGRAMS = ("whorl", "whorl-gateway", "whorl-worker", "whorl-decoder", "whorl-scripted-worker")
PARTS = ("routes", "problems", "framing", "tenants", "commands", "pieces", "fuzzing")


class Report:
    """What was checked, line by line."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def note(self, name: str, breach: str = "", is_quiet: bool = False) -> None:
        if breach:
            self.failed += 1
            say(f"FAILED: {name}: {' '.join(breach.split())[:1500]}")
        else:
            self.passed += 1
            if not is_quiet:
                say(f"passed: {name}")


def say(text: str) -> None:
    print(text, flush=True)


def arguments_of(words: list[str]) -> argparse.Namespace:
    made = argparse.ArgumentParser(prog="conformance", description=__doc__, allow_abbrev=False)
    made.add_argument("--seed", type=int, help="repeats a run's requests; a new one if not given")
    made.add_argument("--examples", type=int, default=30, help="generated requests an operation and phase, at most")
    made.add_argument("--parts", type=parts_of, default=list(PARTS), metavar=",".join(PARTS), help="these only")
    made.add_argument(
        "--bin",
        type=pathlib.Path,
        default=pathlib.Path(os.environ.get("WHORL_BIN_DIR", paths.ROOT / ".build" / "release")),
        metavar="DIR",
        help="the folder of the programs; WHORL_BIN_DIR, or the one built in release",
    )
    made.add_argument(
        "--database-url", default=os.environ.get("DATABASE_URL"), help="a PostgreSQL where databases can be made; DATABASE_URL"
    )
    made.add_argument("--redis-url", default=os.environ.get("REDIS_URL"), help="REDIS_URL")
    made.add_argument("--keep", action="store_true", help="keep logs and reports; those of a failed run are kept in any case")
    arguments = made.parse_args(words)
    if arguments.seed is None:
        arguments.seed = random.SystemRandom().randrange(1_000_000)
    arguments.bin = arguments.bin.resolve()
    missing = [name for name in PROGRAMS if not os.access(arguments.bin / name, os.X_OK)]
    if missing:
        made.error(f"argument --bin: {arguments.bin} lacks {', '.join(missing)}")
    if not arguments.database_url or not arguments.redis_url:
        made.error("--database-url and --redis-url are needed, or DATABASE_URL and REDIS_URL")
    return arguments


def parts_of(text: str) -> list[str]:
    words = text.split(",")
    unknown = [word for word in words if word not in PARTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    return words


def check_sources(arguments: argparse.Namespace, report: Report) -> None:
    """What needs no server."""
    document = Document()
    if "routes" in arguments.parts:
        report.note("the document has the code's routes with their scopes, and no others", "; ".join(routes.differences(document)))
        report.note("the document's examples are as its schemas say", "; ".join(examples.wrong(document)))
        report.note("a member that is not described is noticed wherever it stands", "; ".join(examples.unnoticed(document)))
    if "problems" in arguments.parts:
        report.note("the document lists the code's problems", "; ".join(problems.document_differences(document)))
        report.note("docs/problems.md has the code's table", "; ".join(problems.page_differences()))


def document_difference(served: bytes) -> str:
    return "" if served == paths.DOCUMENT.read_bytes() else f"it serves {len(served)} other bytes: the programs are older than the file"


def check_service(arguments: argparse.Namespace, report: Report, folder: pathlib.Path) -> None:
    running = service.Service(arguments.bin, arguments.database_url, arguments.redis_url, folder)
    try:
        running.start()
        alder, birch = running.make_tenant("alder"), running.make_tenant("birch")
        judged = crossing.judge_samples(running, alder, birch)
        running.start_worker()
        if "framing" in arguments.parts:
            report.note("the gateway serves this document", document_difference(alder.send("GET", "/openapi.yaml").body))
            for name, breach in framing.checks(Document(), alder):
                report.note(name, breach)
        if "tenants" in arguments.parts:
            for name, breach in crossing.checks(running, Document(), alder, birch, judged):
                report.note(name, breach)
        if "commands" in arguments.parts:
            if not commands.blocks():
                say("skipped: docs/api.md shows no command yet")
            for name, breach in commands.checks(running.url, alder.key, folder):
                report.note(name, breach)
        if "pieces" in arguments.parts:
            for name, breach in tus_client.checks(running.url, alder.key, folder, random.Random(arguments.seed)):
                report.note(name, breach)
        if "fuzzing" in arguments.parts:
            say(f"schemathesis: seed {arguments.seed}, at most {arguments.examples} requests an operation and phase")
            dead = [crossing.make_dead(alder, number) for number in range(20)]
            judged_jobs = [judged[alder.name]]
            outcomes = fuzzing.run(running.url, alder.key, arguments.seed, arguments.examples, judged_jobs, dead, folder)
            for outcome in outcomes:
                report.note(f"schemathesis {outcome.name}", outcome.failure)
        report.note("gateway and workers logged no mistake of their own", "; ".join(running.errors()))
    finally:
        running.end()


def end_on(number: int, _frame: object) -> None:
    """An exception unwinds to where everything that was started is ended."""
    raise SystemExit(128 + number)


def run(arguments: argparse.Namespace) -> int:
    say(f"seed {arguments.seed}")
    started = time.monotonic()
    report = Report()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="whorl-api-"))
    is_over = False
    try:
        check_sources(arguments, report)
        if set(arguments.parts) - {"routes", "problems"}:
            check_service(arguments, report, folder)
        is_over = True
    except Breach as breach:
        report.note("the run as a whole", str(breach))
        is_over = True
    finally:
        if arguments.keep or report.failed or not is_over:
            say(f"logs and reports are in {folder}")
        else:
            shutil.rmtree(folder)
    say(f"seed {arguments.seed}, {time.monotonic() - started:.0f} s")
    say(f"api: {report.passed} passed, {report.failed} failed")
    return 1 if report.failed or not report.passed else 0


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, end_on)
    return run(arguments_of(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
