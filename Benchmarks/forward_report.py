"""The figures of a forward benchmark as Markdown."""

import math
from dataclasses import dataclass

import report
from forward_plan import LOGIT_BOUND, PROBABILITY_BOUND, Run

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
class Result(report.Result):
    """And how far its logits were off."""

    logit_difference: float = 0.0
    probability_difference: float = 0.0

    def judge_logits(self, logits: list[float], expected: list[float]) -> str:
        """Keeps the largest differences; returns what is wrong with them, or nothing."""
        pairs = list(zip(logits, expected))
        self.logit_difference = report.largest(abs(value - other) for value, other in pairs)
        self.probability_difference = report.largest(abs(sigmoid(value) - sigmoid(other)) for value, other in pairs)
        # Written so that a NaN fails.
        if self.contender.precision == "bfloat16":
            if not self.probability_difference <= PROBABILITY_BOUND:
                return f"a probability is off by {self.probability_difference:.2g}, allowed is {PROBABILITY_BOUND:g}"
        elif not self.logit_difference <= LOGIT_BOUND:
            return f"a logit is off by {self.logit_difference:.2g}, allowed is {LOGIT_BOUND:g}"
        return ""


def sigmoid(logit: float) -> float:
    return (1 + math.tanh(logit / 2)) / 2


def comparison_row(result: Result, fastest: list[float]) -> list[str]:
    contender = result.contender
    first = [str(contender.threads), contender.label]
    if result.unavailable:
        return first + ["not on this CPU", "", "", ""]
    difference = f"{result.logit_difference:.1e}"
    if contender.precision == "bfloat16":
        difference += f" (probability {result.probability_difference:.4f})"
    return first + [f"{1000 * result.seconds:.2f}"] + report.ratio_cells(result, fastest) + [difference]


def comparison(measured: list[tuple[Run, list[Result]]]) -> str:
    header = ["threads", "contender", "median ms", "times as fast", "in the rounds", "largest logit difference"]
    rows = []
    for _, results in measured:
        fastest = report.fastest_rounds([result for result in results if not result.contender.is_ours])
        rows += [comparison_row(result, fastest) for result in results]
    return report.markdown_table(header, rows)


def scaling(measured: list[tuple[Run, list[Result]]]) -> str:
    """One row for each number of frames, one column for each way of ours."""
    labels = list(dict.fromkeys(result.contender.label for _, results in measured for result in results))
    rows = []
    for run, results in measured:
        for frames in dict.fromkeys(result.contender.frames for result in results):
            cells = {result.contender.label: scaling_cell(result) for result in results if result.contender.frames == frames}
            rows.append([str(run.threads), str(frames)] + [cells[label] for label in labels])
    return report.markdown_table(["threads", "frames"] + labels, rows)


def scaling_cell(result: Result) -> str:
    if result.unavailable:
        return "not on this CPU"
    return f"{1000 * result.seconds / result.contender.frames:.2f}"


def part(name: str, measured: list[tuple[Run, list[Result]]]) -> str:
    table = scaling(measured) if name == "scaling" else comparison(measured)
    notes = [NOTES[name]] if name in NOTES else []
    refused = report.refusals([result for _, results in measured for result in results])
    return "\n\n".join([f"### {TITLES[name]}"] + notes + [table] + refused)


def section(facts: list[tuple[str, str]], rounds: int, measured: list[tuple[Run, list[Result]]]) -> str:
    """Everything between the markers."""
    method = (
        f"Contenders took turns, one at work at a time, for {report.count(rounds, 'round')}. *Times as fast* is the median over\n"
        "the rounds of the time of the fastest float32 peer (by its median) by this one's in the same round. Each\n"
        f"contender's logits are held against torch's in float32: off by {LOGIT_BOUND:g} at most, for bfloat16 a probability by {PROBABILITY_BOUND:g}."
    )
    names = dict.fromkeys(run.part for run, _ in measured)
    parts = [part(name, [pair for pair in measured if pair[0].part == name]) for name in names]
    return "\n\n".join([report.listed(facts), method] + parts)
