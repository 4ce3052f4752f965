"""Measures a clip's whole way to its verdict and pictures against Python workers that do the same.

    deploy/bench.sh clip [--rounds 7] [--threads 1,2] [--quick]

Prints tables in Markdown; a full run also writes them into docs/benchmarks.md. Every contender is a process of its own, and they take turns:
A B C, A B C, … A contender whose logits are off ends the run with code 1.
"""

import argparse
import contextlib
import json
import pathlib
import sys

import bench
import clip_report
import clips
import machine
from bench import HERE, Kind, Starter, say
from child import Child, Failed
from clip_plan import CLIP, FRAMES, PACKAGES, PARTS, Contender, Run, runs
from memory import Watch

KIND = Kind("clip", __doc__.splitlines()[0], PARTS, PARTS, rounds=7, quick_rounds=1, packages=PACKAGES)


def command(starter: Starter, contender: Contender, clip: pathlib.Path, pixels: pathlib.Path) -> list[str]:
    weights = str(starter.folder / "model.safetensors")
    threads = ["--threads", str(contender.threads)]
    if contender.is_ours:
        ways = ["--precision", contender.precision, "--kernels", contender.kernels, "--frames", str(FRAMES), "--serve"]
        return [str(starter.whorl), "bench", "clip", str(clip), "--model", weights] + ways + threads
    program = [sys.executable, str(HERE / "clip_peer.py"), contender.kind, "--clip", str(clip), "--weights", weights]
    onnx = [] if contender.kind == "plain" else ["--onnx", str(starter.folder / f"model-{FRAMES}.onnx")]
    return program + onnx + ["--same", str(pixels)] + threads


def whorls_pixels(starter: Starter, clip: pathlib.Path) -> pathlib.Path:
    """What Whorl's network is given of the clip."""
    pixels = starter.folder / "same.rgb"
    words = [str(starter.whorl), "bench", "decode", str(clip), "--frames", str(FRAMES), "--serve", "--pixels", str(pixels)]
    numbers = json.loads(starter.run("whorl bench decode", words))
    if numbers != clips.CLIPS[CLIP].wanted(FRAMES):
        raise Failed(f"whorl bench decode: frames {numbers}, {clips.CLIPS[CLIP].wanted(FRAMES)} are wanted")
    return pixels


def start_all(
    starter: Starter, run: Run, clip: pathlib.Path, pixels: pathlib.Path, stack: contextlib.ExitStack
) -> tuple[list[clip_report.Result], list[tuple[clip_report.Result, Child]]]:
    """Starts the contenders one after another and holds their logits against those of the first, the plain worker."""
    results = [clip_report.Result(contender) for contender in run.contenders]
    children = []
    expected: list[float] = []
    for result in results:
        contender = result.contender
        say(f"  {run.title}: starting {contender.label}")
        name = f"{contender.label} ({run.title})"
        child = stack.enter_context(starter.start(name, command(starter, contender, clip, pixels), contender.threads))
        logits = bench.first_answer(result, child, FRAMES if contender.is_ours else 2 * FRAMES, starter.deadline)
        if logits is None:
            continue
        expected = expected or logits
        # Whorl's own pixels are the ones that the peers were given too, so its logits stand for both.
        wrong = result.judge_logits(logits[-FRAMES:], logits[:FRAMES], expected[-FRAMES:], expected[:FRAMES])
        if wrong:
            raise Failed(f"{name}: {wrong}")
        children.append((result, child))
    return results, children


def measure_run(starter: Starter, run: Run, rounds: int, clip: pathlib.Path, pixels: pathlib.Path) -> list[clip_report.Result]:
    with contextlib.ExitStack() as stack:
        results, children = start_all(starter, run, clip, pixels, stack)
        for round_number in range(rounds + 1):
            say(f"  {run.title}: " + (f"round {round_number} of {rounds}" if round_number else "warming up"))
            for result, child in children:
                seconds = child.measure(1, starter.deadline)
                if round_number > 0:
                    result.rounds.append(seconds)
        say(f"  {run.title}: memory")
        for result, child in children:
            watch = Watch(child.process.pid, "whorl-decoder" if result.contender.is_ours else "")
            # Not timed: to be read every few milliseconds slows a process down.
            child.measure(1, starter.deadline, watch.read)
            result.peak = watch.all
    return results


def list_plan(arguments: argparse.Namespace) -> list[str]:
    return [f"{run.title}: " + "; ".join(one.label for one in run.contenders) for run in runs(arguments.threads)]


def measure(arguments: argparse.Namespace, starter: Starter, facts: list[tuple[str, str]]) -> str:
    clip = clips.provided([CLIP])[CLIP]
    say("making weights")
    starter.make_inputs([FRAMES], [FRAMES])
    pixels = whorls_pixels(starter, clip)
    measured = [(run, measure_run(starter, run, arguments.rounds, clip, pixels)) for run in runs(arguments.threads)]
    bench.require_ours([result for _, results in measured for result in results])
    facts.append(("ffmpeg", machine.ffmpeg_version()))
    return clip_report.section(facts, arguments.rounds, clips.CLIPS[CLIP].title, measured)


if __name__ == "__main__":
    KIND.run(list_plan, measure)
