"""The parts of a queue benchmark, one after another, each with its rounds."""

import argparse
from collections.abc import Callable

import machine
import queue_depth
import queue_recovery
import queue_report
import queue_turns
from bench import Starter, say
from queue_plan import CONTENDERS, FULL, MOST_RECOVERIES, QUICK, Contender, Sizes
from queue_report import Measured
from servers import Servers


def take_turns(part: str, rounds: int, turn: Callable[[Contender], object]) -> dict[Contender, list]:
    turns: dict[Contender, list] = {contender: [] for contender in CONTENDERS[part]}
    for number in range(rounds):
        for contender in turns:
            say(f"  {part}: round {number + 1} of {rounds}: {contender.label}")
            turns[contender].append(turn(contender))
    return turns


def recover(servers: Servers, starter: Starter, sizes: Sizes, rounds: int) -> dict[Contender, list]:
    turns: dict[Contender, list] = {}
    for number in range(rounds):
        say(f"  recovery: round {number + 1} of {rounds}")
        # The long waits of their defaults, and of the long job, once.
        is_long = sizes.has_long_waits and number == 0
        contenders = [contender for contender in CONTENDERS["recovery"] if is_long or contender.way != "defaults"]
        for contender, recovery in queue_recovery.measure(contenders, servers, starter, sizes, tries_long_job=is_long).items():
            turns.setdefault(contender, []).append(recovery)
    return turns


def measure(arguments: argparse.Namespace, starter: Starter, facts: list[tuple[str, str]]) -> str:
    sizes, rounds, parts = QUICK if arguments.quick else FULL, arguments.rounds, arguments.parts
    measured = Measured()
    say("starting PostgreSQL and Redis")
    with Servers() as servers:
        facts += servers.facts() + [("wrk", machine.wrk_version())]
        if "depth" in parts:
            queue_depth.require_room(servers, sizes)
        if "enqueue" in parts:
            measured.floods = take_turns("enqueue", rounds, lambda one: queue_turns.enqueue(one, servers, starter, sizes))
        if "finish" in parts or "overhead" in parts:
            measured.loads = take_turns("finish", rounds, lambda one: queue_turns.finish(one, servers, starter, sizes))
        if "pickup" in parts:
            measured.pickups = take_turns("pickup", rounds, lambda one: queue_turns.pickup(one, servers, starter, sizes))
        if "recovery" in parts:
            measured.recoveries = recover(servers, starter, sizes, min(rounds, MOST_RECOVERIES))
        if "depth" in parts:
            measured.depths = queue_depth.measure(servers, starter, sizes, rounds)
    return queue_report.section(facts, rounds, sizes, parts, measured)
