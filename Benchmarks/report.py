"""The figures of a run as Markdown, and their place in docs/benchmarks.md."""

import math
import pathlib
import statistics
from dataclasses import dataclass, field

from plan import LOGIT_BOUND, PROBABILITY_BOUND, Contender, Run, count

BEGIN = "<!-- bench-forward:begin -->"
END = "<!-- bench-forward:end -->"

TITLES = {
    "16": "16 frames, as one clip",
    "batch1": "One frame",
    "avx2": "16 frames with AVX2 alone",
    "scaling": "From 1 to 64 frames at once",
}
NOTES = {
    "avx2": (
        "The peers are held to AVX2 by `ONEDNN_MAX_CPU_ISA`, `OV_CPU_MAX_ISA`, `ATEN_CPU_CAPABILITY` and inductor's `simdlen`.\n"
        "ONNX Runtime takes the widest kernels that the CPU has and no setting keeps it to others, so it is left out here."
    ),
    "scaling": "Milliseconds for each frame.",
}


@dataclass
class Result:
    """What one contender did: a list of seconds for each round, or why there is none."""

    contender: Contender
    rounds: list[list[float]] = field(default_factory=list)
    logit_difference: float = 0.0
    probability_difference: float = 0.0
    unavailable: str = ""

    @property
    def seconds(self) -> float:
        """The median over all forwards."""
        return statistics.median([seconds for turn in self.rounds for seconds in turn])

    def judge_logits(self, logits: list[float], expected: list[float]) -> str:
        """Keeps the largest differences; returns what is wrong with them, or nothing."""
        pairs = list(zip(logits, expected))
        self.logit_difference = largest(abs(value - other) for value, other in pairs)
        self.probability_difference = largest(abs(sigmoid(value) - sigmoid(other)) for value, other in pairs)
        # Written so that a NaN fails.
        if self.contender.precision == "bfloat16":
            if not self.probability_difference <= PROBABILITY_BOUND:
                return f"a probability is off by {self.probability_difference:.2g}, allowed is {PROBABILITY_BOUND:g}"
        elif not self.logit_difference <= LOGIT_BOUND:
            return f"a logit is off by {self.logit_difference:.2g}, allowed is {LOGIT_BOUND:g}"
        return ""


def largest(differences) -> float:
    """The largest, or NaN if there is one: `max` would lose it."""
    values = list(differences)
    return math.nan if any(math.isnan(value) for value in values) else max(values)


def sigmoid(logit: float) -> float:
    return (1 + math.tanh(logit / 2)) / 2


def fastest_peer_rounds(results: list[Result]) -> list[float]:
    """For each round the median of the peer that is fastest over all rounds; empty without peers.

    One peer for all rounds: the least of several noisy figures, taken anew each round, would be faster than any peer is.
    """
    peers = [[statistics.median(turn) for turn in result.rounds] for result in results if not result.contender.is_ours]
    return min(peers, key=statistics.median, default=[])


def ratios(result: Result, fastest: list[float]) -> list[float]:
    """Round by round how many times as fast as the fastest peer: what slows a whole round cancels out."""
    return [peer / statistics.median(turn) for peer, turn in zip(fastest, result.rounds)]


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """Padded, so that it reads on a terminal too; the first two columns are words, the others figures."""
    widths = [max(len(row[column]) for row in [header] + rows) for column in range(len(header))]

    def line(cells: list[str]) -> str:
        padded = [cell.ljust(width) for cell, width in zip(cells[:2], widths)]
        padded += [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:])]
        return "| " + " | ".join(padded) + " |"

    rule = ["-" * width if column < 2 else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    return "\n".join([line(header), line(rule)] + [line(row) for row in rows])


def comparison_row(result: Result, fastest: list[float]) -> list[str]:
    contender = result.contender
    first = [str(contender.threads), contender.label]
    if result.unavailable:
        return first + ["not on this CPU", "", "", ""]
    found = ratios(result, fastest)
    difference = f"{result.logit_difference:.1e}"
    if contender.precision == "bfloat16":
        difference += f" (probability {result.probability_difference:.4f})"
    span = f"{min(found):.2f} to {max(found):.2f}"
    return first + [f"{1000 * result.seconds:.2f}", f"{statistics.median(found):.2f}", span, difference]


def comparison(measured: list[tuple[Run, list[Result]]]) -> str:
    header = ["threads", "contender", "median ms", "times as fast", "in the rounds", "largest logit difference"]
    rows = [comparison_row(result, fastest_peer_rounds(results)) for _, results in measured for result in results]
    return markdown_table(header, rows)


def scaling(measured: list[tuple[Run, list[Result]]]) -> str:
    """One row for each number of frames, one column for each way of ours."""
    labels = list(dict.fromkeys(result.contender.label for _, results in measured for result in results))
    rows = []
    for run, results in measured:
        for frames in dict.fromkeys(result.contender.frames for result in results):
            cells = {result.contender.label: scaling_cell(result) for result in results if result.contender.frames == frames}
            rows.append([str(run.threads), str(frames)] + [cells[label] for label in labels])
    return markdown_table(["threads", "frames"] + labels, rows)


def scaling_cell(result: Result) -> str:
    if result.unavailable:
        return "not on this CPU"
    return f"{1000 * result.seconds / result.contender.frames:.2f}"


def refusals(measured: list[tuple[Run, list[Result]]]) -> list[str]:
    """What the contenders said that are not on this CPU."""
    results = [result for _, results in measured for result in results if result.unavailable]
    said = dict.fromkeys(f"{result.contender.label}: {result.unavailable}" for result in results)
    return ["Not on this CPU: " + "; ".join(said) + "."] if said else []


def part(name: str, measured: list[tuple[Run, list[Result]]]) -> str:
    table = scaling(measured) if name == "scaling" else comparison(measured)
    notes = [NOTES[name]] if name in NOTES else []
    return "\n\n".join([f"### {TITLES[name]}"] + notes + [table] + refusals(measured))


def section(facts: list[tuple[str, str]], rounds: int, measured: list[tuple[Run, list[Result]]]) -> str:
    """Everything between the markers."""
    method = (
        f"Contenders took turns, one at work at a time, for {count(rounds, 'round')}. *Times as fast* is the median over\n"
        "the rounds of the time of the fastest float32 peer (by its median) by this one's in the same round. Each\n"
        f"contender's logits are held against torch's in float32: off by {LOGIT_BOUND:g} at most, for bfloat16 a probability by {PROBABILITY_BOUND:g}."
    )
    # Each in a line of its own, as a list: what changed since the last run is then a line in the diff.
    listed = "\n".join(f"- {name}: {value}" for name, value in facts)
    names = dict.fromkeys(run.part for run, _ in measured)
    parts = [part(name, [pair for pair in measured if pair[0].part == name]) for name in names]
    return "\n\n".join([listed, method] + parts)


def with_section(text: str, new: str) -> str:
    """The document with what is between the markers replaced; everything else stays."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"needs one line {BEGIN} and after it one line {END}")
    return text[: text.index(BEGIN)] + f"{BEGIN}\n\n{new}\n\n" + text[text.index(END) :]


def write_section(path: pathlib.Path, new: str) -> None:
    """By way of a file beside it, so that a full disk leaves the old document."""
    text = with_section(path.read_text(encoding="utf-8"), new)
    beside = path.with_name(path.name + ".new")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
