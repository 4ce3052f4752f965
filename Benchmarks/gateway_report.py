"""The figures of a gateway's benchmark as Markdown."""

import math
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import gateway_plan as plan
import report
from gateway_connections import Connections
from gateway_memory import Load, Memory
from gateway_plan import Contender, Sizes
from gateway_polling import Poll
from gateway_uploads import Upload
from gateway_waiting import Waiting


@dataclass
class Measured:
    """What the contenders did, each round by round, by part; a part that was not measured is empty."""

    body_bytes: int = 0
    polls: dict[Contender, list[Poll]] = field(default_factory=dict)
    waits: list[Waiting] = field(default_factory=list)
    uploads: dict[int, dict[Contender, list[Upload]]] = field(default_factory=dict)
    memory: Memory | None = None
    connections: list[Connections] = field(default_factory=list)


def median(values: Iterable[float]) -> float:
    return statistics.median(list(values))


def percentile(values: list[float], hundredth: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[hundredth - 1]


def ratios(ours: Iterable[float], theirs: Iterable[float]) -> list[float]:
    """Round by round: what slows a whole round cancels out."""
    return [one / other for one, other in zip(ours, theirs)]


def ratio_cells(found: list[float]) -> list[str]:
    return [f"{median(found):.2f}", f"{min(found):.2f} to {max(found):.2f}"]


def goal(what: str, told: str, bound: str, is_met: bool) -> str:
    return f"- {what}: {told}, {bound} was the goal: {'met' if is_met else '**missed**'}"


def alternatives(numbers: Iterable[int]) -> str:
    """What was found in the rounds, each once."""
    return " or ".join(str(number) for number in sorted(set(numbers)))


def size_text(size: int) -> str:
    """In the binary units that clips of the plan are of."""
    return f"{size >> 30} GiB" if size >= 1 << 30 else f"{size >> 20} MiB"


# Polling.


def like_for_like(contender: Contender) -> Contender:
    """The peer of one process whose answers are the like of a contender's."""
    return plan.FASTAPI_UNCHANGED if contender in plan.UNCHANGED else plan.FASTAPI_KEEPING


def polling_table(polls: dict[Contender, list[Poll]]) -> str:
    rows = []
    for contender, turns in polls.items():
        processes = "1, 2 threads" if contender.is_ours else "2" if contender is plan.FASTAPI_TWO else "1"
        found = ratios((turn.per_second for turn in turns), (turn.per_second for turn in polls[like_for_like(contender)]))
        cells = [f"{median(turn.per_second for turn in turns):.0f}"] + ratio_cells(found)
        cells += [f"{median(turn.p50_milliseconds for turn in turns):.2f}", f"{median(turn.p99_milliseconds for turn in turns):.2f}"]
        cells += [f"{1e6 * median(turn.cpu[name] for turn in turns):.0f}" for name in ("own", "PostgreSQL")]
        rows.append([contender.label, processes] + cells)
    header = ["contender", "processes", "requests/s", "times as many", "in the rounds", "p50 ms", "p99 ms", "its own CPU µs", "PostgreSQL µs"]
    return report.markdown_table(header, rows)


def polling_goals(polls: dict[Contender, list[Poll]]) -> list[str]:
    ours = polls[plan.WHORL]
    worst = median(turn.p99_milliseconds for turn in ours)
    lines = []
    for peer in (plan.FASTAPI, plan.FASTAPI_KEEPING):
        theirs = polls[peer]
        times = median(ratios((turn.per_second for turn in ours), (turn.per_second for turn in theirs)))
        bound = plan.POLLING_GOAL_RATIO
        lines.append(goal(f"polls by those of {peer.label}", f"{times:.2f} times as many", f"at least {bound:g} times", times >= bound))
        middle = median(turn.p50_milliseconds for turn in theirs)
        told = f"{worst:.2f} ms, and {middle:.2f} ms"
        lines.append(goal(f"a poll's p99, and the p50 of {peer.label}", told, "less than that", worst < middle))
    return lines


# Waiting.


def most_statements(wait: Waiting) -> int:
    """As many as a query every so often makes in a window, wherever that begins."""
    return math.floor(wait.window_seconds / plan.WAITERS_POLL_SECONDS) + 1


def waiting_table(waits: list[Waiting]) -> str:
    per_client = [(wait.resident - wait.resident_before) / wait.clients for wait in waits]
    told = [[1000 * percentile(wait.told_seconds, hundredth) for wait in waits] for hundredth in (50, 99)]
    nobody, everybody = (median(values) for values in zip(*((wait.resident_before, wait.resident) for wait in waits)))
    rows = [
        ["sent to PostgreSQL while all wait", "statements", alternatives(sum(wait.statements.values()) for wait in waits)],
        ["jobs read whole while all wait", "queries", alternatives(wait.status_queries for wait in waits)],
        ["sent to PostgreSQL while they come", "statements", f"{median(wait.coming_statements for wait in waits):.0f}"],
        ["the gateway's RSS with nobody", "MB", report.megabytes(int(nobody))],
        ["with all", "MB", report.megabytes(int(everybody))],
        ["for each of them", "KB", f"{median(per_client) / 1000:.1f}"],
        ["answered with their jobs' ends", "clients", alternatives(wait.clients for wait in waits)],
        ["all jobs ended within", "s", f"{median(wait.ending_seconds for wait in waits):.1f}"],
        ["from a job's end to its client's answer, p50", "ms", f"{median(told[0]):.1f}"],
        ["p99", "ms", f"{median(told[1]):.1f}"],
        ["the last of all", "ms", f"{1000 * max(max(wait.told_seconds) for wait in waits):.1f}"],
    ]
    return report.markdown_table(["what", "in", "figure"], rows)


def waiting_text(waits: list[Waiting]) -> str:
    seen = sorted({text for wait in waits for text in wait.statements})
    named = "; ".join(f"`{text if len(text) < 100 else text[:100] + '…'}`" for text in seen) or "none"
    return (
        f"{waits[0].clients:,} clients with `Prefer: wait={plan.WAIT_SECONDS}`, each on a queued job and a connection of its own, and no worker.\n"
        f"Statements are those in PostgreSQL's log in {waits[0].window_seconds:g} s that the same gateway does not send when nobody waits: {named}.\n"
        f"Then a worker starts, and the clients' answers are compared with their jobs' ends as PostgreSQL has them, before its commit."
    )


def waiting_goals(waits: list[Waiting]) -> list[str]:
    worst = max(waits, key=lambda wait: sum(wait.statements.values()) - most_statements(wait))
    found, bound = sum(worst.statements.values()), most_statements(worst)
    what = f"statements for {worst.clients:,} waiting clients in {worst.window_seconds:g} s"
    return [goal(what, str(found), f"at most {bound}, one every {plan.WAITERS_POLL_SECONDS} s for all of them,", found <= bound)]


# Uploads.


def uploads_table(uploads: dict[int, dict[Contender, list[Upload]]]) -> str:
    rows = []
    for connections, turns_of in uploads.items():
        speeds = {contender: [turn.bytes_per_second for turn in turns] for contender, turns in turns_of.items()}
        for contender, turns in turns_of.items():
            cells = [f"{median(speeds[contender]) / 1e6:.0f}"]
            for peer in (plan.NGINX_FLUSHED, plan.NGINX):
                cells += ratio_cells(ratios(speeds[contender], speeds[peer]))
            cells.append(f"{1000 * median(turn.cpu_seconds for turn in turns):.2f}")
            rows.append([contender.label, str(connections)] + cells)
    header = ["contender", "connections", "MB/s", "by nginx, flushed", "in the rounds", "by nginx", "in the rounds", "its own CPU ms for each MB"]
    return report.markdown_table(header, rows)


def uploads_goals(uploads: dict[int, dict[Contender, list[Upload]]]) -> list[str]:
    lines = []
    for peer in (plan.NGINX_FLUSHED, plan.NGINX):
        for connections, turns in uploads.items():
            ours, theirs = turns[plan.WHORL], turns[peer]
            found = median(ratios((turn.bytes_per_second for turn in ours), (turn.bytes_per_second for turn in theirs)))
            over = report.count(connections, "connection")
            bound = plan.UPLOAD_GOAL_RATIO
            lines.append(goal(f"uploads over {over} by those of {peer.label}", f"{found:.2f}", f"at least {bound:g}", found >= bound))
    return lines


# Memory.


def load_text(load: Load) -> str:
    return f"{report.count(load.uploads, 'upload')} at once of {size_text(load.size)}"


def growth_percent(memory: Memory) -> float:
    few, many = memory.growth.resident
    return 100 * (many / few - 1)


def memory_table(memory: Memory) -> str:
    growth = memory.growth
    rows = [["requests", f"{number:,}", report.megabytes(resident), ""] for number, resident in zip(growth.requests, growth.resident)]
    for load in memory.loads:
        more = f"{(load.peak - load.idle) / 1e6:.0f}"
        rows.append([f"uploads at once, of {size_text(load.size)}", str(load.uploads), report.megabytes(load.peak), more])
    return report.markdown_table(["after", "how many", "RSS MB", "above idle MB"], rows)


def memory_goals(memory: Memory) -> list[str]:
    few, many = memory.growth.requests
    percent = growth_percent(memory)
    lines = [
        goal(
            f"memory after {many:,} requests by that after {few:,}",
            f"{percent:+.1f} %",
            f"within {plan.GROWTH_GOAL_PERCENT:g} %",
            percent <= plan.GROWTH_GOAL_PERCENT,
        )
    ]
    for load in memory.loads:
        more = load.peak - load.idle
        bound = plan.UPLOAD_MEMORY_GOAL_BYTES
        lines.append(goal(f"memory for {load_text(load)}", f"{more / 1e6:.0f} MB", f"at most {bound / 1e6:.0f} MB", more <= bound))
    return lines


# Connections.


def connections_table(found: list[Connections]) -> str:
    rows = []
    for what, waits in (("none", [one.alone_seconds for one in found]), ("all", [one.health_seconds for one in found])):
        held = "0" if what == "none" else alternatives(one.held for one in found)
        resident = median(one.resident_before if what == "none" else one.resident for one in found)
        each = "" if what == "none" else f"{median((one.resident - one.resident_before) / one.opened for one in found) / 1000:.1f}"
        cells = [f"{1000 * median(percentile(seconds, hundredth) for seconds in waits):.1f}" for hundredth in (50, 99)]
        cells.append(f"{1000 * max(max(seconds) for seconds in waits):.1f}")
        opened = "0" if what == "none" else str(found[0].opened)
        rows.append([opened, held, report.megabytes(int(resident)), each] + cells)
    return report.markdown_table(["opened", "held", "RSS MB", "KB a connection", "health p50 ms", "p99 ms", "the longest ms"], rows)


def connections_goals(found: list[Connections]) -> list[str]:
    fewest = min(min(one.held, one.counted) for one in found)
    opened = found[0].opened
    return [goal("idle connections held", f"{fewest:,} of {opened:,}", "all", fewest >= opened)]


def goals(measured: Measured) -> list[str]:
    """Of those parts that were measured."""
    lines = polling_goals(measured.polls) if measured.polls else []
    lines += waiting_goals(measured.waits) if measured.waits else []
    lines += uploads_goals(measured.uploads) if measured.uploads else []
    lines += memory_goals(measured.memory) if measured.memory else []
    return lines + (connections_goals(measured.connections) if measured.connections else [])


def part(title: str, text: Callable[[], str], table: Callable[[], str], is_measured: object) -> list[str]:
    return [f"### {title}", text(), table()] if is_measured else []


def section(facts: list[tuple[str, str]], rounds: int, sizes: Sizes, parts: list[str], measured: Measured) -> str:
    """Everything between the markers."""
    method = (
        f"Contenders took turns for {report.count(rounds, 'round')}, each started anew; figures are medians over the rounds, ratios those of\n"
        "the same round."
    )
    if measured.memory:
        method += " The part *memory* ran once."
    found = [report.listed(facts), method, "\n".join(goals(measured))]
    found += part(
        "Polling",
        lambda: (
            f"`GET /api/jobs/{{id}}` of a job with a verdict of sixteen frames, {measured.body_bytes} bytes of JSON, the same from everybody;\n"
            f"wrk with {plan.CONNECTIONS} connections for {sizes.polling_seconds} s. *Times as many* is by FastAPI with renderings kept in one\n"
            "process, with If-None-Match by the same with that. CPU time is a request's."
        ),
        lambda: polling_table(measured.polls),
        measured.polls,
    )
    found += part("Waiting", lambda: waiting_text(measured.waits), lambda: waiting_table(measured.waits), measured.waits)
    found += part(
        "Uploads",
        lambda: (
            f"Clips of {size_text(sizes.upload_bytes)}, "
            + " and ".join(f"{sizes.uploads[number]} over {report.count(number, 'connection')}" for number in plan.UPLOAD_CONNECTIONS)
            + ", to the same disk. Whorl hashes a clip, flushes it to the disk\n"
            "and commits its job before it answers. nginx leaves it in the system's memory; *then flushed* is the same nginx, and a clip counts when\n"
            "its client has flushed the file and its folder. The reader shows what the clients could send."
        ),
        lambda: uploads_table(measured.uploads),
        measured.uploads,
    )
    found += part(
        "Memory",
        lambda: (
            "Of ten requests five are polls, two polls with If-None-Match, two for what is not there, and one a page of jobs; over\n"
            f"{plan.CONNECTIONS} connections, {measured.memory.growth.per_second:.0f} a second at best. For uploads the peak is the kernel's,\n"
            "which no reading can miss."
        ),
        lambda: memory_table(measured.memory),
        measured.memory,
    )
    found += part(
        "Idle connections",
        lambda: (
            f"{measured.connections[0].opened:,} connections, each answered once and then silent for {sizes.connections_seconds:g} s, while every\n"
            "tenth of a second a new one asks for the health, which looks after PostgreSQL, Redis and the disk. Then each is asked again."
        ),
        lambda: connections_table(measured.connections),
        measured.connections,
    )
    return "\n\n".join(text for text in found if text)
