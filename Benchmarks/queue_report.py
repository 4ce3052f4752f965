"""The figures of a queue benchmark as Markdown."""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import queue_depth
import queue_plan as plan
import report
from queue_depth import PERCENTILES, Depth
from queue_plan import Contender, Sizes
from queue_recovery import Recovery
from queue_system import Flood
from queue_turns import Load, Pickup, percentile

# Where a queue is empty this finds nothing, and there is nothing to compare with.
NOTHING_WHEN_EMPTY = "claimNext"
OPERATIONS = {
    "enqueue": "enqueue",
    "status": "status",
    "claim": "claim, by name",
    NOTHING_WHEN_EMPTY: "claim, the next in turn",
}
# Later than everything.
NEVER = float("inf")
PRODUCERS = {"http": f"wrk, {plan.CONNECTIONS} connections", "store": f"within, {plan.CONNECTIONS} at once"}


@dataclass
class Measured:
    """What the contenders did, each round by round, by part; a part that was not measured is empty."""

    floods: dict[Contender, list[Flood]] = field(default_factory=dict)
    loads: dict[Contender, list[Load]] = field(default_factory=dict)
    pickups: dict[Contender, list[Pickup]] = field(default_factory=dict)
    recoveries: dict[Contender, list[Recovery]] = field(default_factory=dict)
    depths: list[Depth] = field(default_factory=list)


def median(values: Iterable[float]) -> float:
    return statistics.median(list(values))


def span(values: Iterable[float], form: str) -> str:
    found = sorted(values)
    return f"{found[0]:{form}} to {found[-1]:{form}}"


def results_of(turns: dict[Contender, list]) -> list[report.Result]:
    """Seconds for each job, which is what ratios are made of."""
    return [report.Result(contender, [[turn.seconds / turn.jobs] for turn in all_turns]) for contender, all_turns in turns.items()]


def fastest_of(results: list[report.Result]) -> list[float]:
    """Of the peers as they are usually run."""
    return report.fastest_rounds([result for result in results if not result.contender.is_ours and result.contender.way != "flushed"])


def enqueue_table(floods: dict[Contender, list[Flood]]) -> str:
    results = results_of(floods)
    fastest = fastest_of(results)
    rows = []
    for result, turns in zip(results, floods.values()):
        producers = PRODUCERS.get(result.contender.way, f"{plan.PRODUCERS} processes")
        figures = [f"{1 / result.seconds:.0f}"] + report.ratio_cells(result, fastest)
        latencies = [f"{median(turn.p50_milliseconds for turn in turns):.1f}", f"{median(turn.p99_milliseconds for turn in turns):.1f}"]
        rows.append([result.contender.label, producers] + figures + latencies)
    return report.markdown_table(["contender", "producers", "jobs/s", "times as fast", "in the rounds", "p50 ms", "p99 ms"], rows)


def finish_table(loads: dict[Contender, list[Load]]) -> str:
    results = results_of(loads)
    fastest = fastest_of(results)
    rows = [
        [result.contender.label, result.contender.workers, f"{1 / result.seconds:.0f}"] + report.ratio_cells(result, fastest)
        for result in results
    ]
    return report.markdown_table(["contender", "workers", "jobs/s", "times as fast", "in the rounds"], rows)


def pickup_table(pickups: dict[Contender, list[Pickup]]) -> str:
    rows = []
    for contender, turns in pickups.items():
        worst = [1000 * percentile(turn.accepted, 99) for turn in turns]
        cells = [f"{1000 * median(percentile(turn.accepted, 50) for turn in turns):.1f}", f"{median(worst):.1f}", span(worst, ".1f")]
        cells += [f"{1000 * median(percentile(turn.sent, hundredth) for turn in turns):.1f}" for hundredth in (50, 99)]
        rows.append([contender.label, contender.workers] + cells)
    header = ["contender", "workers", "accepted to begun: p50 ms", "p99 ms", "in the rounds", "sent to begun: p50 ms", "p99 ms"]
    return report.markdown_table(header, rows)


def pickup_text(measured: Measured, sizes: Sizes) -> str:
    turns = measured.pickups[plan.WHORL]
    ended = [1000 * median(percentile(turn.ended, hundredth) for turn in turns) for hundredth in (50, 99)]
    return (
        f"{plan.PICKUPS_PER_SECOND} jobs a second for {sizes.pickup_seconds} s. A peer's job tells itself when it runs. Whorl's begins when it is\n"
        f"claimed, by the database's clock; its end is written {ended[0]:.1f} ms after its acceptance (p99 {ended[1]:.1f} ms)."
    )


def own_milliseconds(turns: list[Load] | list[Pickup]) -> float:
    return 1000 * median(turn.cpu["queue"] for turn in turns)


def overhead_table(loads: dict[Contender, list[Load]], pickups: dict[Contender, list[Pickup]]) -> str:
    rows = []
    for contender, turns in loads.items():
        parts = [1000 * median(turn.cpu[name] for turn in turns) for name in ("queue", "PostgreSQL", "Redis")]
        producers = 1000 * median(turn.cpu["producers"] for turn in turns)
        light = f"{own_milliseconds(pickups[contender]):.1f}" if contender in pickups else ""
        cells = [f"{value:.2f}" for value in parts + [sum(parts), producers]]
        rows.append([contender.label, "gateway and workers" if contender.is_ours else "workers"] + cells + [light])
    header = ["contender", "its own are", "its own ms", "PostgreSQL ms", "Redis ms", "sum ms", "producers ms", "its own, at light load, ms"]
    return report.markdown_table(header, rows)


def waits_of(turns: list[Recovery]) -> list[float]:
    """Seconds until the job ran again."""
    return [turn.restarted_seconds if turn.restarted_seconds is not None else NEVER for turn in turns]


def recovery_cells(turns: list[Recovery], bound: float) -> list[str]:
    waits = waits_of(turns)
    first, middle, last = (f"> {bound:g}" if wait == NEVER else f"{wait:.1f}" for wait in (min(waits), median(waits), max(waits)))
    long_starts = sorted({turn.long_starts for turn in turns if turn.long_starts})
    return [
        middle,
        f"{first} to {last}" if len(waits) > 1 else "",
        f"{sum(len(turn.lost) for turn in turns)} of {sum(turn.jobs for turn in turns)}",
        str(sum(turn.duplicated for turn in turns)),
        " or ".join(map(str, long_starts)) or "not tried",
    ]


def recovery_table(recoveries: dict[Contender, list[Recovery]], bound: float) -> str:
    header = ["contender", "a job is given up", "run again after s", "in the rounds", "jobs without an end", "ended twice", "starts of a long job"]
    return report.markdown_table(
        header, [[contender.label, contender.lease] + recovery_cells(turns, bound) for contender, turns in recoveries.items()]
    )


def depth_ratio(depth: Depth, operation: str, what: str) -> float:
    return median(full[what] / empty[what] for full, empty in zip(depth.full[operation], depth.empty[operation]))


def depth_table(depths: list[Depth]) -> str:
    rows = []
    for operation, label in OPERATIONS.items():
        for what in PERCENTILES:
            cells = [f"{median(turn[what] for depth in depths for turn in depth.empty[operation]):.2f}"]
            for depth in depths:
                ratio = "" if operation == NOTHING_WHEN_EMPTY else f"{depth_ratio(depth, operation, what):.2f}"
                cells += [f"{median(turn[what] for turn in depth.full[operation]):.2f}", ratio]
            rows.append([label, what] + cells)
    header = ["operation", "percentile", "empty: ms"] + [cell for depth in depths for cell in (f"{depth.title}: ms", "ratio")]
    return report.markdown_table(header, rows)


def goal(what: str, value: float, bound: float, form: str) -> str:
    told = "never" if value == NEVER else form.format(value)
    return f"- {what}: {told}, at most {form.format(bound)} was the goal: {'met' if value <= bound else '**missed**'}"


def rate_goal(what: str, turns: list[Flood] | list[Load], bound: float) -> str:
    value = 1 / median(turn.seconds / turn.jobs for turn in turns)
    return f"- {what}: {value:.0f} jobs/s, at least {bound:.0f} was the goal: {'met' if value >= bound else '**missed**'}"


def goals(measured: Measured) -> str:
    """Of those parts that were measured."""
    lines = []
    for turns, what, contender, bound in (
        (measured.floods, "accepted over HTTP", plan.WHORL, plan.HTTP_GOAL_PER_SECOND),
        (measured.floods, "accepted at the store", plan.STORE, plan.STORE_GOAL_PER_SECOND),
        (measured.loads, "done, all accepted before", plan.WHORL_DRAIN, plan.FINISH_GOAL_PER_SECOND),
    ):
        if found := turns.get(contender):
            lines.append(rate_goal(what, found, bound))
    if turns := measured.pickups.get(plan.WHORL):
        worst = 1000 * median(percentile(turn.accepted, 99) for turn in turns)
        lines.append(goal("pickup at light load, p99", worst, plan.PICKUP_P99_GOAL_MILLISECONDS, "{:.1f} ms"))
    if loads := measured.loads.get(plan.WHORL):
        lines.append(goal("a job's own CPU time", own_milliseconds(loads), plan.OVERHEAD_GOAL_MILLISECONDS, "{:.2f} ms"))
    if recoveries := measured.recoveries.get(plan.WHORL):
        latest = max(waits_of(recoveries))
        lines.append(goal("a killed worker's job runs again, at the latest after", latest, plan.RECOVERY_GOAL_SECONDS, "{:.1f} s"))
    if measured.depths:
        worst = max(depth_ratio(depth, name, "p50") for depth in measured.depths for name in OPERATIONS if name != NOTHING_WHEN_EMPTY)
        lines.append(goal("the full queue's medians by the empty one's, the largest", worst, plan.DEPTH_GOAL_RATIO, "{:.2f}"))
    return "\n".join(lines)


def part(title: str, text: str | Callable[[], str], table: Callable[[], str], is_measured: bool) -> list[str]:
    if not is_measured:
        return []
    return [f"### {title}", text if isinstance(text, str) else text(), table()]


def section(facts: list[tuple[str, str]], rounds: int, sizes: Sizes, parts: list[str], measured: Measured) -> str:
    """Everything between the markers."""
    method = (
        f"Contenders took turns for {report.count(rounds, 'round')}, each started anew with nothing in its queue; figures are medians over\n"
        "the rounds. *Times as fast* is the median of the time that the fastest peer (by its median) took for a job by this one's in\n"
        "the same round."
    )
    found = [report.listed(facts), method]
    found += [goals(measured)] if goals(measured) else []
    found += part(
        "Jobs accepted",
        "From the producer's call to its answer; nothing works on the jobs meanwhile. Whorl has them on the disk by then, the peers in\n"
        "Redis, whose file is flushed once a second; in the rows *every write flushed* it is flushed before each answer.",
        lambda: enqueue_table(measured.floods),
        "enqueue" in parts,
    )
    found += part(
        "Jobs done",
        "From the first job sent to the last one ended, producers, workers and servers sharing the machine; in the row *all accepted"
        " before* from the workers' start, with the queue full.",
        lambda: finish_table(measured.loads),
        "finish" in parts,
    )
    found += part(
        "Until a job begins",
        lambda: pickup_text(measured, sizes),
        lambda: pickup_table(measured.pickups),
        "pickup" in parts,
    )
    found += part(
        "CPU time of a job",
        "Milliseconds for each job that does nothing, in the runs of *jobs done*; at light load in those of *until a job begins*.",
        lambda: overhead_table(measured.loads, measured.pickups),
        "overhead" in parts,
    )
    found += part(
        "After a worker is killed",
        f"SIGKILL for all processes of one of two workers, some {plan.CRASH_AFTER_SECONDS:g} s into a job of {plan.CRASHED_JOB_SECONDS:g} s and\n"
        f"amid {plan.BATCH_JOBS} short ones; all contenders at once, and the peers' own defaults in the first round alone. A long job takes\n"
        f"{plan.LONG_JOB_SECONDS:g} s on the worker that lives: more than one start of it is one too many.\n"
        f"Jobs had {sizes.recovery_bound_seconds + plan.CRASHED_JOB_SECONDS:g} s after the kill to end; by defaults that wait longer one may yet.",
        lambda: recovery_table(measured.recoveries, sizes.recovery_bound_seconds),
        "recovery" in parts,
    )
    found += part(
        "Depth",
        f"Single calls of Whorl's store, one after another; the full database and one with an empty queue take turns,\n"
        f"{queue_depth.EXCHANGES * rounds} times with {sizes.latencies} calls of each kind. Medians over the turns, and of the ratios of each two.",
        lambda: depth_table(measured.depths),
        "depth" in parts,
    )
    return "\n\n".join(found)
