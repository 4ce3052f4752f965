"""Measures a step of training against PyTorch on the same weights and pictures.

    deploy/bench.sh train [--rounds 7] [--parts folded,batch] [--threads 1,2] [--quick]

Prints tables in Markdown; a full run also writes them into docs/benchmarks.md. Every contender is a process of its own, and they take turns:
A B, A B, … A contender whose losses are off ends the run with code 1. This script needs nothing but Python itself; what it starts needs the
packages in requirements.txt.
"""

import argparse
import contextlib
import sys

import bench
import memory
import train_report
from bench import HERE, Kind, Starter, say
from child import Child, Failed
from train_plan import PACKAGES, PARTS, PICTURES, Contender, Run, runs

KIND = Kind(
    "train",
    __doc__.splitlines()[0],
    PARTS,
    ("folded",),
    rounds=7,
    quick_rounds=2,
    packages=PACKAGES,
    all_adds="peers that are known to be slower too, and AVX2",
)
STEPS = 3


def command(starter: Starter, contender: Contender) -> list[str]:
    if contender.is_ours:
        program = [str(starter.whorl), "bench", "train", "--kernels", contender.kernels, "--serve"]
    else:
        program = [sys.executable, str(HERE / "train_peer.py"), contender.kind]
    inputs = ["--weights", str(starter.folder / "model.safetensors"), "--pictures", str(starter.folder / f"pictures-{PICTURES}.rgb")]
    return program + inputs + ["--norms", contender.norms, "--threads", str(contender.threads)]


def measure_run(starter: Starter, run: Run, rounds: int) -> list[train_report.Result]:
    """Starts the contenders one after another, holds their losses against the first's, then lets them take turns."""
    results = [train_report.Result(contender) for contender in run.contenders]
    expected: list[float] = []
    with contextlib.ExitStack() as stack:
        children: list[tuple[train_report.Result, Child]] = []
        for result in results:
            contender = result.contender
            say(f"  {run.title}: starting {contender.label}")
            child = stack.enter_context(starter.start(contender.label, command(starter, contender), contender.threads))
            losses = bench.first_answer(result, child, 3, starter.deadline)
            if losses is None:
                continue
            expected = expected or losses
            wrong = result.judge_losses(losses, expected)
            if wrong:
                raise Failed(f"{child.name}: {wrong}")
            children.append((result, child))
        for round_number in range(rounds + 1):
            say(f"  {run.title}: " + (f"round {round_number} of {rounds}" if round_number else "warming up"))
            for result, child in children:
                # The first of a turn warms the caches and is not counted.
                seconds = child.measure(STEPS + 1, starter.deadline)[1:]
                if round_number > 0:
                    result.rounds.append(seconds)
        for result, child in children:
            result.resident = memory.most_resident(child.process.pid)
    return results


def planned(arguments: argparse.Namespace) -> list[Run]:
    return runs(arguments.parts, arguments.threads, arguments.all)


def list_plan(arguments: argparse.Namespace) -> list[str]:
    return [f"{run.title}: " + "; ".join(one.label for one in run.contenders) for run in planned(arguments)]


def measure(arguments: argparse.Namespace, starter: Starter, facts: list[tuple[str, str]]) -> str:
    say("making weights and pictures")
    starter.make_inputs([PICTURES], [])
    measured = [(run, measure_run(starter, run, arguments.rounds)) for run in planned(arguments)]
    bench.require_ours([result for _, results in measured for result in results])
    return train_report.section(facts, arguments.rounds, measured)


if __name__ == "__main__":
    KIND.run(list_plan, measure)
