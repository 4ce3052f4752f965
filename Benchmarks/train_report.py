"""The figures of a training benchmark as Markdown."""

from dataclasses import dataclass

import report
from train_plan import GOAL, LOSS_BOUND, PICTURES, Run

TITLES = {"folded": "Batch norms folded, as self-blend trains", "batch": "With batch norms on the batch's statistics"}


@dataclass
class Result(report.Result):
    """And how far its losses were off, and what it took of memory at most, in bytes."""

    loss_difference: float = 0.0
    resident: int = 0

    def judge_losses(self, losses: list[float], expected: list[float]) -> str:
        """Keeps the largest difference; returns what is wrong, or nothing."""
        self.loss_difference = report.largest(abs(value - other) for value, other in zip(losses, expected))
        # Written so that a NaN fails.
        if not self.loss_difference <= LOSS_BOUND:
            return f"a loss is off by {self.loss_difference:.2g}, allowed is {LOSS_BOUND:g}"
        return ""


def row(result: Result, peer: list[float]) -> list[str]:
    first = [str(result.contender.threads), result.contender.label]
    if result.unavailable:
        return first + ["not on this CPU", "", "", "", ""]
    cells = report.ratio_cells(result, peer)
    return first + [f"{1000 * result.seconds:.0f}"] + cells + [report.megabytes(result.resident), f"{result.loss_difference:.1e}"]


def part(name: str, measured: list[tuple[Run, list[Result]]]) -> str:
    header = ["threads", "contender", "median ms", "times as fast", "in the rounds", "peak MB", "largest loss difference"]
    rows = []
    for _, results in measured:
        peer = report.fastest_rounds([result for result in results if not result.contender.is_ours])
        rows += [row(result, peer) for result in results]
    refused = report.refusals([result for _, results in measured for result in results])
    return "\n\n".join([f"### {TITLES[name]}", report.markdown_table(header, rows)] + refused)


def section(facts: list[tuple[str, str]], rounds: int, measured: list[tuple[Run, list[Result]]]) -> str:
    """Everything between the markers."""
    method = (
        f"A step is forward, backward and AdamW's update of the whole network on {PICTURES} pictures of 224 × 224, float32. Contenders took\n"
        f"turns, one at work at a time, for {report.count(rounds, 'round')}. *Times as fast* is the median over the rounds of the time of the\n"
        f"fastest peer by this one's in the same round; the goal is {GOAL:g}. *Peak MB* is the process's largest resident set. The losses of the\n"
        f"first three steps are held against torch's, channels last: off by {LOSS_BOUND:g} at most."
    )
    names = dict.fromkeys(run.part for run, _ in measured)
    parts = [part(name, [pair for pair in measured if pair[0].part == name]) for name in names]
    return "\n\n".join([report.listed(facts), method] + parts)
