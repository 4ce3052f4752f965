"""Measures how fast Whorl takes frames from a clip, and in how much memory, against OpenCV, PyAV, decord and torchcodec.

    deploy/bench.sh decode [--rounds 5] [--parts h264-10-250,vp9-10] [--threads 1,2] [--quick]

Prints tables in Markdown; a full run also writes them into docs/benchmarks.md. Every contender is a process of its own, and they take turns:
A B C, A B C, … Before they do, the pixels of each are held against Whorl's; a peer that gives other frames is shown and compared with nobody.
The clips are made when they are missing, which takes some minutes, and kept beside the peers.
"""

import argparse
import contextlib
import json
import pathlib
import sys

import clips
import decode_report
import machine
from bench import HERE, Kind, Starter, say
from child import Child, Failed
from decode_plan import FRAMES, PACKAGES, PARTS, QUICK_PARTS, Contender, Run, runs
from exactness import Yardstick
from memory import Watch

KIND = Kind(
    "decode",
    __doc__.splitlines()[0],
    PARTS,
    QUICK_PARTS,
    rounds=5,
    quick_rounds=1,
    packages=PACKAGES,
    all_adds="every way of a library, not its fastest alone",
)
# Those that take turns.
Taking = list[tuple[decode_report.Result, Child]]


def command(starter: Starter, contender: Contender, clip: pathlib.Path, pixels: pathlib.Path) -> list[str]:
    if contender.is_ours:
        program = [str(starter.whorl), "bench", "decode", str(clip), "--sampling", contender.way, "--serve"]
    else:
        program = [sys.executable, str(HERE / "decode_peer.py"), contender.way, "--clip", str(clip)]
    return program + ["--frames", str(FRAMES), "--threads", str(contender.threads), "--pixels", str(pixels)]


def yardstick(starter: Starter, run: Run, clip: pathlib.Path) -> Yardstick:
    """Whorl's frames and their neighbours, by another of its samplings."""
    pixels = starter.folder / "yardstick.rgb"
    words = [str(starter.whorl), "bench", "decode", str(clip), "--windows", f"{FRAMES}x3", "--serve", "--pixels", str(pixels)]
    numbers = json.loads(starter.run("whorl bench decode", words))
    if numbers != [number + step for number in run.clip.wanted(FRAMES) for step in (-1, 0, 1)]:
        raise Failed(f"whorl bench decode --windows: frames {numbers}, which are not the wanted ones and their neighbours")
    return Yardstick(pixels)


def start_all(starter: Starter, run: Run, clip: pathlib.Path, stack: contextlib.ExitStack) -> Taking:
    """Starts the contenders one after another and looks at the frames of each."""
    wanted = run.clip.wanted(FRAMES)
    expected = yardstick(starter, run, clip)
    taking: Taking = []
    for contender in run.contenders:
        say(f"  {run.title}: starting {contender.label}")
        pixels = starter.folder / "pixels.rgb"
        child = stack.enter_context(
            starter.start(f"{contender.label} ({run.title})", command(starter, contender, clip, pixels), contender.threads)
        )
        numbers = child.first(FRAMES, False, starter.deadline)
        result = decode_report.Result(contender)
        if contender.is_yardstick or not contender.is_ours:
            if numbers != wanted:
                say(f"  {child.name}: thinks of the frames {numbers}, {wanted} are wanted")
            result.judgement = expected.judge(pixels)
            if not result.judgement.is_exact:
                say(f"  {child.name}: other frames than Whorl's: {result.judgement}")
            if contender.is_yardstick and not result.judgement.is_exact:
                raise Failed(f"{child.name}: other frames than Whorl's own between their neighbours")
        pixels.unlink()
        taking.append((result, child))
    return taking


def fastest_ways(taking: Taking, deadline: float) -> Taking:
    """Of each library the exact way that is fastest here, if it has one; the other processes are ended."""
    kept: Taking = []
    for library in dict.fromkeys(result.contender.library for result, _ in taking):
        ways = [(result, child) for result, child in taking if result.contender.library == library]
        if ways[0][0].contender.is_ours:
            kept += ways
            continue
        exact = [way for way in ways if way[0].judgement.is_exact] or ways
        best = min(exact, key=lambda way: min(way[1].measure(2, deadline))) if len(exact) > 1 else exact[0]
        kept.append(best)
        for way in ways:
            if way is not best:
                way[1].end()
    return kept


def watch_memory(taking: Taking, deadline: float) -> None:
    """One more run of each that is not timed: to be read every few milliseconds slows a process down."""
    for result, child in taking:
        watch = Watch(child.process.pid, "whorl-decoder" if result.contender.is_ours else "")
        child.measure(1, deadline, watch.read)
        if result.contender.is_ours:
            result.peaks = {": decoder": watch.child, ": decoder and parent": watch.all}
        else:
            result.peaks = {"": watch.all}


def measure_run(starter: Starter, run: Run, rounds: int, every: bool, clip: pathlib.Path) -> list[decode_report.Result]:
    with contextlib.ExitStack() as stack:
        taking = start_all(starter, run, clip, stack)
        if not every:
            say(f"  {run.title}: which of a library's ways is its fastest")
            taking = fastest_ways(taking, starter.deadline)
        for round_number in range(1, rounds + 1):
            say(f"  {run.title}: round {round_number} of {rounds}")
            for result, child in taking:
                result.rounds.append(child.measure(1, starter.deadline))
        say(f"  {run.title}: memory")
        watch_memory(taking, starter.deadline)
    return [result for result, _ in taking]


def list_plan(arguments: argparse.Namespace) -> list[str]:
    return [f"{run.title}: " + "; ".join(one.label for one in run.contenders) for run in runs(arguments.parts, arguments.threads)]


def measure(arguments: argparse.Namespace, starter: Starter, facts: list[tuple[str, str]]) -> str:
    paths = clips.provided(arguments.parts)
    measured = []
    for run in runs(arguments.parts, arguments.threads):
        measured.append((run, measure_run(starter, run, run.rounds(arguments.rounds), arguments.all, paths[run.clip.name])))
    facts.append(("ffmpeg", machine.ffmpeg_version()))
    return decode_report.section(facts, arguments.rounds, measured, paths)


if __name__ == "__main__":
    KIND.run(list_plan, measure)
