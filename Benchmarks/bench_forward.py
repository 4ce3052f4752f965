"""Measures Whorl's forward pass against torch, ONNX Runtime and OpenVINO on the same weights and pictures.

    deploy/bench.sh forward [--rounds 7] [--parts 16,batch1,avx2,scaling] [--threads 1,2] [--quick]

Prints tables in Markdown; a full run also writes them into docs/benchmarks.md. Every contender is a process of its own,
and they take turns: A B C, A B C, … A contender whose logits are off ends the run with code 1. This script needs nothing
but Python itself; what it starts needs the packages in requirements.txt.
"""

import argparse
import contextlib
import json
import sys

import bench
import forward_report
from bench import HERE, Kind, Starter, say
from child import Child, Failed
from forward_plan import PACKAGES, PARTS, Contender, Run, runs
from report import count

KIND = Kind(
    "forward",
    __doc__.splitlines()[0],
    PARTS,
    PARTS,
    rounds=7,
    quick_rounds=2,
    packages=PACKAGES,
    all_adds="peers that are known to be slower too",
)


def command(starter: Starter, contender: Contender) -> list[str]:
    weights = "model.safetensors"
    if contender.is_ours:
        program = [str(starter.whorl), "bench", "forward"]
        ways = ["--precision", contender.precision, "--kernels", contender.kernels, "--serve"]
    else:
        program = [sys.executable, str(HERE / "forward_peer.py"), contender.kind]
        ways = ["--isa", contender.isa]
        if not contender.kind.startswith("torch"):
            weights = f"model-{contender.frames}.onnx"
    inputs = ["--weights", str(starter.folder / weights), "--input", str(starter.folder / f"frames-{contender.frames}.npy")]
    return program + inputs + ["--threads", str(contender.threads)] + ways


def measure_run(starter: Starter, run: Run, rounds: int, expected: list[float]) -> list[forward_report.Result]:
    """Starts the contenders one after another, holds their logits against torch's, then lets them take turns."""
    results = [forward_report.Result(contender) for contender in run.contenders]
    with contextlib.ExitStack() as stack:
        children: list[tuple[forward_report.Result, Child]] = []
        for result in results:
            contender = result.contender
            say(f"  {run.title}: starting {contender.label}, {count(contender.frames, 'frame')}")
            name = f"{contender.label} ({count(contender.frames, 'frame')}, {count(contender.threads, 'thread')})"
            child = stack.enter_context(starter.start(name, command(starter, contender), contender.threads))
            logits = bench.first_answer(result, child, contender.frames, starter.deadline)
            if logits is None:
                continue
            wrong = result.judge_logits(logits, expected[: contender.frames])
            if wrong:
                raise Failed(f"{child.name}: {wrong}")
            children.append((result, child))
        for round_number in range(rounds + 1):
            say(f"  {run.title}: " + (f"round {round_number} of {rounds}" if round_number else "warming up"))
            for result, child in children:
                # The first of a turn warms the caches and is not counted.
                seconds = child.measure(result.contender.forwards + 1, starter.deadline)[1:]
                if round_number > 0:
                    result.rounds.append(seconds)
    return results


def planned(arguments: argparse.Namespace) -> list[Run]:
    return runs(arguments.parts, arguments.threads, arguments.all, arguments.quick)


def list_plan(arguments: argparse.Namespace) -> list[str]:
    return [
        f"{run.title}: " + "; ".join(f"{one.label}, {count(one.frames, 'frame')}" for one in run.contenders)
        for run in planned(arguments)
    ]


def measure(arguments: argparse.Namespace, starter: Starter, facts: list[tuple[str, str]]) -> str:
    contenders = [contender for run in planned(arguments) for contender in run.contenders]
    onnx = {contender.frames for contender in contenders if contender.kind in ("onnxruntime", "openvino")}
    say("making weights and pictures")
    starter.make_inputs(sorted({contender.frames for contender in contenders}), sorted(onnx))
    expected = json.loads((starter.folder / "logits.json").read_text())
    measured = [(run, measure_run(starter, run, arguments.rounds, expected)) for run in planned(arguments)]
    bench.require_ours([result for _, results in measured for result in results])
    return forward_report.section(facts, arguments.rounds, measured)


if __name__ == "__main__":
    KIND.run(list_plan, measure)
