"""The figures of a clip benchmark as Markdown."""

from dataclasses import dataclass, field

import report
from clip_plan import LOGIT_BOUND, OWN_BOUND, Run
from memory import Peak


@dataclass
class Result(report.Result):
    """And how far its logits are from the plain worker's, given the same pixels and its own, and what it took of memory."""

    same_difference: float = 0.0
    own_difference: float = 0.0
    peak: Peak = field(default_factory=Peak)

    def judge_logits(self, same: list[float], own: list[float], expected: list[float], expected_own: list[float]) -> str:
        """Keeps the largest differences; returns what is wrong with them, or nothing."""
        self.same_difference = report.largest(abs(value - other) for value, other in zip(same, expected))
        self.own_difference = report.largest(abs(value - other) for value, other in zip(own, expected_own))
        # Written so that a NaN fails.
        if not self.same_difference <= self.contender.bound:
            return f"a logit of the same pixels is off by {self.same_difference:.2g}, allowed is {self.contender.bound:g}"
        if not self.own_difference <= OWN_BOUND:
            return f"a logit is off by {self.own_difference:.2g}, allowed is {OWN_BOUND:g}"
        return ""


def speed_row(result: Result, plain: list[float], mixed: list[float]) -> list[str]:
    first = [str(result.contender.threads), result.contender.label]
    if result.unavailable:
        return first + ["not on this CPU", "", "", "", "", ""]
    logits = f"{result.same_difference:.1e} ({result.own_difference:.2f})"
    figures = report.ratio_cells(result, plain) + report.ratio_cells(result, mixed)
    return first + [f"{1000 * result.seconds:.1f}"] + figures + [logits]


def speed_table(measured: list[tuple[Run, list[Result]]]) -> str:
    header = ["threads", "worker", "median ms", "times the plain", "in the rounds", "times the mixed", "in the rounds", "logits differ by"]
    rows = []
    for _, results in measured:
        plain = report.fastest_rounds([result for result in results if result.contender.kind == "plain"])
        mixed = report.fastest_rounds([result for result in results if result.contender.kind.endswith("openvino")])
        rows += [speed_row(result, plain, mixed) for result in results]
    return report.markdown_table(header, rows)


def memory_table(measured: list[tuple[Run, list[Result]]]) -> str:
    rows = []
    for _, results in measured:
        plain = next(result.peak for result in results if result.contender.kind == "plain")
        for result in results:
            if result.unavailable:
                continue
            share = f"{result.peak.proportional / plain.proportional:.2f}" if plain.proportional else ""
            figures = [report.megabytes(result.peak.resident), report.megabytes(result.peak.proportional), share]
            rows.append([str(result.contender.threads), result.contender.label] + figures)
    return report.markdown_table(["threads", "worker", "RSS MB", "PSS MB", "of the plain's PSS"], rows)


def section(facts: list[tuple[str, str]], rounds: int, clip_title: str, measured: list[tuple[Run, list[Result]]]) -> str:
    """Everything between the markers."""
    method = (
        f"A clip of 1080p ({clip_title}) to 16 logits and 16 pictures of 480×270 with Grad-CAM over them as JPEG; Whorl also encodes\n"
        "each picture without it and each map, 48 files in all, and starts its decoder anew in each run. Contenders took turns, one at\n"
        f"work at a time, for {report.count(rounds, 'round')}. *Times the plain* and *times the mixed* are medians over the rounds of the time of the\n"
        "plain worker and of the faster mixed one (by its median) by this one's in the same round. *Logits differ by*: given Whorl's\n"
        f"pixels, from PyTorch's in float32 ({LOGIT_BOUND:g} at most, `bfloat16` apart); in brackets with frames scaled by each itself, from the\n"
        "plain worker's."
    )
    memory = "Megabytes at the peak. Whorl's are the sum of the program and its decoder; the PSS divides pages among those that share them."
    refused = report.refusals([result for _, results in measured for result in results])
    return "\n\n".join(
        [report.listed(facts), method, speed_table(measured)] + refused + ["### Memory of a clip", memory, memory_table(measured)]
    )
