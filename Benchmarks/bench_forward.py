"""Measures Whorl's forward pass against torch, ONNX Runtime and OpenVINO on the same weights and pictures.

    deploy/bench-forward.sh [--rounds 7] [--parts 16,batch1,avx2,scaling] [--threads 1,2] [--quick]

Prints tables in Markdown; a full run also writes them into docs/benchmarks.md. Every contender is a process of its own,
and they take turns: A B C, A B C, … A contender whose logits are off ends the run with code 1. This script needs nothing
but Python itself; what it starts needs the packages in requirements.txt.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile

import machine
import report
from child import Child, Failed, Unavailable
from plan import PARTS, Contender, Run, count, runs

ROOT = pathlib.Path(__file__).resolve().parents[1]
HERE = ROOT / "Benchmarks"
DOCUMENT = ROOT / "docs" / "benchmarks.md"
WHORL = ROOT / ".build" / "release" / "whorl"
ROUNDS, QUICK_ROUNDS = 7, 2


def say(text: str) -> None:
    """Progress; the tables alone go to standard output."""
    print(text, file=sys.stderr, flush=True)


class Bench:
    """A folder with the inputs, and how each contender is started on them."""

    def __init__(self, whorl: pathlib.Path, folder: pathlib.Path, deadline: float):
        self.whorl = whorl
        self.folder = folder
        self.deadline = deadline
        self.available = os.sched_getaffinity(0)
        self.environment = machine.clean_environment(folder / "compiled")
        self.expected: list[float] = []
        self.started = 0

    def make_inputs(self, planned: list[Run]) -> None:
        """The weights, the pictures and torch's logits; ONNX files for the numbers of frames that peers get."""
        contenders = [contender for run in planned for contender in run.contenders]
        frames = sorted({contender.frames for contender in contenders})
        onnx = sorted({contender.frames for contender in contenders if contender.kind in ("onnxruntime", "openvino")})
        untrained = self.folder / "untrained.safetensors"
        self._run("whorl model init", [str(self.whorl), "model", "init", "--seed", "1", "--output", str(untrained)])
        command = [sys.executable, str(HERE / "make_inputs.py"), "--checkpoint", str(untrained), "--folder", str(self.folder)]
        command += ["--frames", ",".join(map(str, frames)), "--threads", str(len(self.available))]
        self._run("make_inputs.py", command + (["--onnx", ",".join(map(str, onnx))] if onnx else []))
        self.expected = json.loads((self.folder / "logits.json").read_text())

    def _run(self, name: str, command: list[str]) -> None:
        try:
            done = subprocess.run(
                command, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=self.deadline
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"{name}: not done within {self.deadline:g} s") from None
        if done.returncode != 0:
            raise Failed(f"{name}: ended with code {done.returncode}:\n{done.stderr.strip()}")

    def command(self, contender: Contender) -> list[str]:
        weights = "model.safetensors"
        if contender.is_ours:
            program = [str(self.whorl), "bench", "forward"]
            ways = ["--precision", contender.precision, "--kernels", contender.kernels, "--serve"]
        else:
            program = [sys.executable, str(HERE / "peer.py"), contender.kind]
            ways = ["--isa", contender.isa]
            if not contender.kind.startswith("torch"):
                weights = f"model-{contender.frames}.onnx"
        inputs = ["--weights", str(self.folder / weights), "--input", str(self.folder / f"frames-{contender.frames}.npy")]
        return program + inputs + ["--threads", str(contender.threads)] + ways

    def start(self, contender: Contender) -> Child:
        name = f"{contender.label} ({count(contender.frames, 'frame')}, {count(contender.threads, 'thread')})"
        self.started += 1
        cpus = machine.choose_cpus(contender.threads, self.available)
        log = self.folder / f"contender-{self.started}.log"
        return Child(name, self.command(contender), self.environment, cpus, log)

    def measure(self, run: Run, rounds: int) -> list[report.Result]:
        """Starts the contenders one after another, holds their logits against torch's, then lets them take turns."""
        results = [report.Result(contender) for contender in run.contenders]
        with contextlib.ExitStack() as stack:
            children: list[tuple[report.Result, Child]] = []
            for result in results:
                say(f"  {run.title}: starting {result.contender.label}, {count(result.contender.frames, 'frame')}")
                child = stack.enter_context(self.start(result.contender))
                if self._is_ready(result, child):
                    children.append((result, child))
            for round_number in range(rounds + 1):
                say(f"  {run.title}: " + (f"round {round_number} of {rounds}" if round_number else "warming up"))
                for result, child in children:
                    seconds = child.measure(result.contender.forwards, self.deadline)
                    if round_number > 0:
                        result.rounds.append(seconds)
        return results

    def _is_ready(self, result: report.Result, child: Child) -> bool:
        contender = result.contender
        try:
            logits = child.logits(contender.frames, contender.is_ours, self.deadline)
        except Unavailable as refusal:
            say(f"  not on this CPU: {refusal}")
            result.unavailable = str(refusal)
            return False
        wrong = result.judge_logits(logits, self.expected[: contender.frames])
        if wrong:
            raise Failed(f"{child.name}: {wrong}")
        return True


def numbers(text: str) -> list[int]:
    try:
        values = [int(word) for word in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"no list of numbers as 1,2: {text!r}") from None
    if min(values) < 1:
        raise argparse.ArgumentTypeError("at least 1 each")
    return list(dict.fromkeys(values))


def parts(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    return [name for name in PARTS if name in names]


def positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if not 1 <= value <= 100_000:
        raise argparse.ArgumentTypeError(f"no whole number from 1 to 100000: {text!r}")
    return value


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="bench-forward", description=__doc__.splitlines()[0], allow_abbrev=False)
    made.add_argument("--rounds", type=positive, help=f"turns of each contender; {ROUNDS}, with --quick {QUICK_ROUNDS}")
    made.add_argument("--parts", type=parts, default=list(PARTS), help=f"some of {','.join(PARTS)}; all")
    made.add_argument("--threads", type=numbers, help="numbers of threads; 1,2 as far as there are CPUs")
    made.add_argument("--quick", action="store_true", help="few rounds and sizes, to see that all of it works")
    made.add_argument("--all", action="store_true", help="peers that are known to be slower too")
    made.add_argument("--whorl", type=pathlib.Path, default=WHORL, help="the program; the one built in release")
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


def arguments_of(words: list[str]) -> argparse.Namespace:
    made = parser()
    arguments = made.parse_args(words)
    cpus = len(os.sched_getaffinity(0))
    arguments.threads = arguments.threads or sorted({1, min(2, cpus)})
    if max(arguments.threads) > cpus:
        made.error(f"argument --threads: {max(arguments.threads)}, and this process may use {count(cpus, 'CPU')}")
    arguments.rounds = arguments.rounds or (QUICK_ROUNDS if arguments.quick else ROUNDS)
    # Figures of a part or of a few rounds shall not take the place of better ones unasked.
    if arguments.output is None and not arguments.no_write and not arguments.quick and arguments.parts == list(PARTS):
        arguments.output = DOCUMENT
    check_document(made, arguments.output)
    if not arguments.list:
        check_tools(made, arguments.whorl)
    return arguments


def check_document(made: argparse.ArgumentParser, path: pathlib.Path | None) -> None:
    """Before minutes are spent on figures that would have no place."""
    try:
        if path is not None:
            report.with_section(path.read_text(encoding="utf-8"), "")
    except (OSError, ValueError) as error:
        made.error(f"argument --output: {path}: {error}")


def check_tools(made: argparse.ArgumentParser, whorl: pathlib.Path) -> None:
    if not (whorl.is_file() and os.access(whorl, os.X_OK)):
        made.error(f"argument --whorl: {whorl}: no program there; build it with `swift build -c release --product whorl`")
    packages = machine.required_packages(HERE / "requirements.txt")
    missing = [name for name in packages if name not in machine.versions(packages)]
    if missing:
        made.error(f"missing in this Python: {', '.join(missing)}; deploy/bench-forward.sh makes an environment with them")


def command_line(words: list[str]) -> str:
    """As it was given, less the folders of this machine."""
    return shlex.join(["deploy/bench-forward.sh"] + [re.sub(r"[^=]*/", "", word) for word in words])


def measure(arguments: argparse.Namespace, planned: list[Run], facts: list[tuple[str, str]]) -> str:
    with tempfile.TemporaryDirectory(prefix="whorl-bench-") as folder:
        bench = Bench(arguments.whorl.resolve(), pathlib.Path(folder), arguments.deadline)
        say("making weights and pictures")
        bench.make_inputs(planned)
        measured = [(run, bench.measure(run, arguments.rounds)) for run in planned]
    if not any(result.rounds for _, results in measured for result in results if result.contender.is_ours):
        refusals = {result.unavailable for _, results in measured for result in results if result.unavailable}
        raise Failed("nothing of Whorl ran on this CPU: " + "; ".join(sorted(refusals)))
    return report.section(facts, arguments.rounds, measured)


def end_on(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def main() -> None:
    words = sys.argv[1:]
    arguments = arguments_of(words)
    planned = runs(arguments.parts, arguments.threads, arguments.all, arguments.quick)
    if arguments.list:
        for run in planned:
            print(f"{run.title}: " + "; ".join(f"{one.label}, {count(one.frames, 'frame')}" for one in run.contenders))
        return
    # An exception unwinds to where the children are ended and the folder is removed.
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, end_on)
    packages = machine.required_packages(HERE / "requirements.txt")
    facts = machine.facts(packages, arguments.whorl, ROOT) + [("command", f"`{command_line(words)}`")]
    try:
        section = measure(arguments, planned, facts)
        print(section)
        if arguments.output is not None:
            report.write_section(arguments.output, section)
            say(f"written to {arguments.output}")
    except (Failed, OSError) as error:
        raise SystemExit(f"bench-forward: {error}") from None


if __name__ == "__main__":
    main()
