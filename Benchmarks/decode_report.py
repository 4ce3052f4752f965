"""The figures of a decode benchmark as Markdown."""

import pathlib
from dataclasses import dataclass, field

import report
from decode_plan import DIFFERENCE_BOUND, FRAMES, LONG_ROUNDS, SIDE, Run
from exactness import Judgement
from memory import Peak


@dataclass
class Result(report.Result):
    """And whether its frames are the right ones, and what it took of memory."""

    judgement: Judgement | None = None
    peaks: dict[str, Peak] = field(default_factory=dict)

    @property
    def is_exact_peer(self) -> bool:
        return not self.contender.is_ours and self.judgement is not None and self.judgement.is_exact


def frames_cell(result: Result) -> str:
    if result.contender.is_ours:
        return "the yardstick" if result.contender.is_yardstick else "within one spacing"
    judgement = result.judgement
    figures = f"{judgement.difference:.2f}, neighbours {judgement.neighbours:.2f}"
    return figures if judgement.is_exact else f"**not exact**: {figures}"


def speed_table(measured: list[tuple[Run, list[Result]]]) -> str:
    header = ["threads", "contender", "median ms", "times as fast", "in the rounds", "frames differ by"]
    rows = []
    for run, results in measured:
        fastest = report.fastest_rounds([result for result in results if result.is_exact_peer])
        for result in results:
            figures = [f"{1000 * result.seconds:.1f}"] + report.ratio_cells(result, fastest)
            rows.append([str(run.threads), result.contender.label] + figures + [frames_cell(result)])
    return report.markdown_table(header, rows)


def memory_table(measured: list[tuple[Run, list[Result]]]) -> str:
    """One row for each contender and number of threads, one column for each clip: so that the length shows in a row."""
    titles = list(dict.fromkeys(run.clip.title for run, _ in measured))
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for run, results in measured:
        for result in results:
            # Whichever way of a library was fastest on the clip.
            label = result.contender.label if result.contender.is_ours else result.contender.library
            for what, peak in result.peaks.items():
                key = (str(run.threads), f"{label}{what}")
                cells.setdefault(key, {})[run.clip.title] = f"{report.megabytes(peak.resident)} ({report.megabytes(peak.proportional)})"
    rows = [list(key) + [row.get(title, "") for title in titles] for key, row in sorted(cells.items(), key=lambda item: int(item[0][0]))]
    return report.markdown_table(["threads", "process"] + titles, rows)


def clip_line(run: Run, path: pathlib.Path) -> str:
    size = path.stat().st_size
    return f"{run.clip.frames} frames of 1920×1080, {size / 1e6:.1f} MB, {8 * size / run.clip.seconds / 1e6:.1f} Mbit/s, `{path.name}`."


def section(
    facts: list[tuple[str, str]], rounds: int, measured: list[tuple[Run, list[Result]]], paths: dict[str, pathlib.Path]
) -> str:
    """Everything between the markers."""
    method = (
        f"{FRAMES} evenly spaced frames as RGB of {SIDE}×{SIDE}, the file opened anew in every run; Whorl starts its decoder anew too.\n"
        f"Contenders took turns, one at work at a time, for {report.count(rounds, 'round')} ({LONG_ROUNDS} at most of the 60 minutes). *Times as fast* is\n"
        "the median over the rounds of the time of the fastest exact peer (by its median) by this one's in the same round.\n"
        "*Frames differ by* is the largest mean difference of a frame from Whorl's in levels of 255, and the least from the frames\n"
        f"before and after it; exact is one that stays within {DIFFERENCE_BOUND:g} and nearer to each frame than to its neighbours."
    )
    parts = []
    for name in dict.fromkeys(run.clip.name for run, _ in measured):
        some = [pair for pair in measured if pair[0].clip.name == name]
        run = some[0][0]
        parts += [f"### {run.clip.title}", clip_line(run, paths[name]), speed_table(some)]
    memory = (
        "Megabytes at the peak: resident (RSS), and in brackets with shared pages divided among their users (PSS). A peer's is the whole process,\n"
        "Python and its imports included."
    )
    return "\n\n".join([report.listed(facts), method] + parts + ["### Memory of decoding", memory, memory_table(measured)])
