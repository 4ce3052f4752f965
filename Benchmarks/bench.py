"""What the benchmarks have in common: options, how contenders are started and take turns, and how a run ends."""

import argparse
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass

import machine
import report
from child import Child, Failed, Unavailable
from report import count
from services import Service

ROOT = pathlib.Path(__file__).resolve().parents[1]
HERE = ROOT / "Benchmarks"
DOCUMENT = ROOT / "docs" / "benchmarks.md"
WHORL = ROOT / ".build" / "release" / "whorl"


def say(text: str) -> None:
    """Progress; the tables alone go to standard output."""
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Kind:
    """One of the benchmarks: its name, its first line of help, its parts, and how many rounds it takes.

    `packages` are the peers whose versions the figures depend on, `programs` are Whorl's that take part, which lie side by side, and
    `commands` are others' on the path.
    """

    name: str
    description: str
    parts: tuple[str, ...]
    quick_parts: tuple[str, ...]
    rounds: int
    quick_rounds: int
    packages: tuple[str, ...]
    programs: tuple[str, ...] = ("whorl",)
    commands: tuple[str, ...] = ()
    has_threads: bool = True
    all_adds: str = ""

    @property
    def marker(self) -> str:
        return f"bench-{self.name}"

    @property
    def whorl_help(self) -> str:
        others = ", ".join(self.programs[1:])
        return "the program; the one built in release" + (f". {others} are taken from beside it" if others else "")

    def parser(self) -> argparse.ArgumentParser:
        made = argparse.ArgumentParser(prog=self.marker, description=self.description, allow_abbrev=False)
        made.add_argument("--rounds", type=positive, help=f"turns of each contender; {self.rounds}, with --quick {self.quick_rounds}")
        made.set_defaults(parts=None)
        if len(self.parts) > 1:
            made.add_argument("--parts", type=self.parts_of, help=f"some of {','.join(self.parts)}; all")
        made.set_defaults(threads=None)
        if self.has_threads:
            made.add_argument("--threads", type=numbers, help="numbers of threads; 1,2 as far as there are CPUs")
        made.add_argument("--quick", action="store_true", help="few rounds and sizes, to see that all of it works")
        if self.all_adds:
            made.add_argument("--all", action="store_true", help=self.all_adds)
        made.add_argument("--whorl", type=pathlib.Path, default=WHORL, help=self.whorl_help)
        made.add_argument("--deadline", type=positive, default=600, metavar="SECONDS", help="for every single answer; 600")
        made.add_argument("--list", action="store_true", help="print what would be measured, and end")
        where = made.add_mutually_exclusive_group()
        where.add_argument(
            "--output",
            type=pathlib.Path,
            help="document to write the section of; docs/benchmarks.md, if all parts are measured and not --quick",
        )
        where.add_argument("--no-write", action="store_true", help="print only")
        return made

    def parts_of(self, text: str) -> list[str]:
        names = text.split(",")
        unknown = [name for name in names if name not in self.parts]
        if unknown:
            raise argparse.ArgumentTypeError(f"no part {unknown[0]!r}; there are {', '.join(self.parts)}")
        return [name for name in self.parts if name in names]

    def arguments_of(self, words: list[str]) -> argparse.Namespace:
        made = self.parser()
        arguments = made.parse_args(words)
        cpus = len(os.sched_getaffinity(0))
        arguments.threads = arguments.threads or sorted({1, min(2, cpus)})
        if max(arguments.threads) > cpus:
            made.error(f"argument --threads: {max(arguments.threads)}, and this process may use {count(cpus, 'CPU')}")
        arguments.rounds = arguments.rounds or (self.quick_rounds if arguments.quick else self.rounds)
        arguments.parts = arguments.parts or list(self.quick_parts if arguments.quick else self.parts)
        # Figures of a part or of a few rounds shall not take the place of better ones unasked.
        is_full = not arguments.quick and arguments.parts == list(self.parts)
        if arguments.output is None and not arguments.no_write and is_full:
            arguments.output = DOCUMENT
        self.check_document(made, arguments.output)
        if not arguments.list:
            self.check_tools(made, arguments.whorl)
        return arguments

    def check_document(self, made: argparse.ArgumentParser, path: pathlib.Path | None) -> None:
        """Before minutes are spent on figures that would have no place."""
        try:
            if path is not None:
                report.with_section(path.read_text(encoding="utf-8"), self.marker, "")
        except (OSError, ValueError) as error:
            made.error(f"argument --output: {path}: {error}")

    def check_tools(self, made: argparse.ArgumentParser, whorl: pathlib.Path) -> None:
        for path in [whorl] + [whorl.with_name(name) for name in self.programs[1:]]:
            if not (path.is_file() and os.access(path, os.X_OK)):
                made.error(f"argument --whorl: {path}: no program there; build it with `swift build -c release --product {path.name}`")
        missing = [name for name in self.packages if name not in machine.versions(self.packages)]
        if missing:
            made.error(f"missing in this Python: {', '.join(missing)}; deploy/bench.sh makes an environment with them")
        missing = [name for name in self.commands if shutil.which(name) is None]
        if missing:
            made.error(f"missing: {', '.join(missing)}; deploy/install.sh bench installs what is needed")

    def run(self, list_plan: Callable, measure: Callable) -> None:
        """The program: `list_plan(arguments)` gives lines, `measure(arguments, starter, facts)` what goes between the markers."""
        words = sys.argv[1:]
        arguments = self.arguments_of(words)
        if arguments.list:
            print("\n".join(list_plan(arguments)))
            return
        # An exception unwinds to where the children are ended and the folder is removed.
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, end_on)
        facts = machine.facts(self.packages, arguments.whorl, ROOT) + [("command", f"`{self.command_line(words)}`")]
        try:
            with tempfile.TemporaryDirectory(prefix="whorl-bench-") as folder:
                section = measure(arguments, Starter(arguments.whorl.resolve(), pathlib.Path(folder), arguments.deadline), facts)
            print(section)
            if arguments.output is not None:
                report.write_section(arguments.output, self.marker, section)
                say(f"written to {arguments.output}")
        except (Failed, OSError) as error:
            raise SystemExit(f"{self.marker}: {error}") from None

    def command_line(self, words: list[str]) -> str:
        """As it was given, less the folders of this machine."""
        return shlex.join(["deploy/bench.sh", self.name] + [re.sub(r"[^=]*/", "", word) for word in words])


class Starter:
    """A folder for the inputs, and how programs are started beside it."""

    def __init__(self, whorl: pathlib.Path, folder: pathlib.Path, deadline: float):
        self.whorl = whorl
        self.folder = folder
        self.deadline = deadline
        self.available = os.sched_getaffinity(0)
        self.environment = machine.clean_environment(folder / "compiled")
        self.started = 0

    def run(self, name: str, command: list[str], settings: dict[str, str] | None = None, folder: pathlib.Path | None = None) -> str:
        """What a program prints that shall end well."""
        try:
            done = subprocess.run(
                command,
                env=self.environment | (settings or {}),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=self.deadline,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"{name}: not done within {self.deadline:g} s") from None
        if done.returncode != 0:
            raise Failed(f"{name}: ended with code {done.returncode}:\n{done.stderr.strip()}")
        return done.stdout

    def make_inputs(self, frames: list[int], onnx: list[int]) -> None:
        """The weights, the pictures and torch's logits; ONNX files for the numbers of frames that peers get."""
        untrained = self.folder / "untrained.safetensors"
        self.run("whorl model init", [str(self.whorl), "model", "init", "--seed", "1", "--output", str(untrained)])
        command = [sys.executable, str(HERE / "make_inputs.py"), "--checkpoint", str(untrained), "--folder", str(self.folder)]
        command += ["--frames", ",".join(map(str, frames)), "--threads", str(len(self.available))]
        self.run("make_inputs.py", command + (["--onnx", ",".join(map(str, onnx))] if onnx else []))

    def start(self, name: str, command: list[str], threads: int, settings: dict[str, str] | None = None) -> Child:
        """A contender, or a part of one, that takes turns."""
        cpus = machine.choose_cpus(threads, self.available)
        return Child(name, command, self.environment | (settings or {}), cpus, self.next_log())

    def serve(self, name: str, command: list[str], settings: dict[str, str]) -> Service:
        """A program that runs until it is ended, on all CPUs."""
        return Service(name, command, self.environment | settings, self.next_log())

    def next_log(self) -> pathlib.Path:
        self.started += 1
        return self.folder / f"contender-{self.started}.log"


def first_answer(result: report.Result, child: Child, wanted: int, deadline: float) -> list[float] | None:
    """The first line of a contender, or none of one that is not for this CPU; that goes for Whorl alone, since a peer runs everywhere."""
    try:
        return child.first(wanted, result.contender.is_ours, deadline)
    except Unavailable as refusal:
        say(f"  not on this CPU: {refusal}")
        result.unavailable = str(refusal)
        return None


def require_ours(results: list[report.Result]) -> None:
    if not any(result.rounds for result in results if result.contender.is_ours):
        raise Failed("nothing of Whorl ran on this CPU: " + "; ".join(sorted({result.unavailable for result in results} - {""})))


def numbers(text: str) -> list[int]:
    try:
        values = [int(word) for word in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"no list of numbers as 1,2: {text!r}") from None
    if min(values) < 1:
        raise argparse.ArgumentTypeError("at least 1 each")
    return list(dict.fromkeys(values))


def positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if not 1 <= value <= 100_000:
        raise argparse.ArgumentTypeError(f"no whole number from 1 to 100000: {text!r}")
    return value


def end_on(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)
