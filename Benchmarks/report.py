"""What the benchmarks' reports have in common: medians, ratios, tables, and the place in docs/benchmarks.md."""

import math
import pathlib
import statistics
from dataclasses import dataclass, field


@dataclass
class Result:
    """What one contender did: a list of seconds for each round, or why there is none."""

    contender: object
    rounds: list[list[float]] = field(default_factory=list)
    unavailable: str = ""

    @property
    def seconds(self) -> float:
        """The median over all runs."""
        return statistics.median([seconds for turn in self.rounds for seconds in turn])


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def largest(differences) -> float:
    """The largest, or NaN if there is one: `max` would lose it."""
    values = list(differences)
    return math.nan if any(math.isnan(value) for value in values) else max(values)


def fastest_rounds(results: list[Result]) -> list[float]:
    """For each round the median of the one that is fastest over all rounds; empty without any.

    One for all rounds: the least of several noisy figures, taken anew each round, would be faster than any peer is.
    """
    return min(([statistics.median(turn) for turn in result.rounds] for result in results), key=statistics.median, default=[])


def ratios(result: Result, fastest: list[float]) -> list[float]:
    """Round by round how many times as fast as the fastest peer: what slows a whole round cancels out."""
    return [peer / statistics.median(turn) for peer, turn in zip(fastest, result.rounds)]


def ratio_cells(result: Result, fastest: list[float]) -> list[str]:
    """The median and the span; without a peer neither."""
    found = ratios(result, fastest)
    return [f"{statistics.median(found):.2f}", f"{min(found):.2f} to {max(found):.2f}"] if found else ["", ""]


def megabytes(size: int) -> str:
    return f"{size / 1e6:.0f}" if size else "not readable"


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """Padded, so that it reads on a terminal too; the first two columns are words, the others figures."""
    widths = [max(len(row[column]) for row in [header] + rows) for column in range(len(header))]

    def line(cells: list[str]) -> str:
        padded = [cell.ljust(width) for cell, width in zip(cells[:2], widths)]
        padded += [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:])]
        return "| " + " | ".join(padded) + " |"

    rule = ["-" * width if column < 2 else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    return "\n".join([line(header), line(rule)] + [line(row) for row in rows])


def listed(facts: list[tuple[str, str]]) -> str:
    """Each in a line of its own: what changed since the last run is then a line in the diff."""
    return "\n".join(f"- {name}: {value}" for name, value in facts)


def refusals(results: list[Result]) -> list[str]:
    """What the contenders said that are not on this CPU."""
    said = dict.fromkeys(f"{result.contender.label}: {result.unavailable}" for result in results if result.unavailable)
    return ["Not on this CPU: " + "; ".join(said) + "."] if said else []


def with_section(text: str, name: str, new: str) -> str:
    """The document with what is between the markers of `name` replaced; everything else stays."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"needs one line {begin} and after it one line {end}")
    return text[: text.index(begin)] + f"{begin}\n\n{new}\n\n" + text[text.index(end) :]


def write_section(path: pathlib.Path, name: str, new: str) -> None:
    """By way of a file beside it, so that a full disk leaves the old document."""
    text = with_section(path.read_text(encoding="utf-8"), name, new)
    beside = path.with_name(path.name + ".new")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
