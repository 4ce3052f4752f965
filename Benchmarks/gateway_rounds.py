"""The parts of a gateway's benchmark, one after another, each with its rounds."""

import argparse
from collections.abc import Callable

import gateway_connections
import gateway_memory
import gateway_report
import gateway_uploads
import gateway_waiting
import machine
from bench import Starter, say
from gateway_clips import Clips
from gateway_plan import CONTENDERS, FULL, QUICK, UPLOAD_CONNECTIONS, Contender
from gateway_polling import Polling
from gateway_report import Measured
from servers import Servers


def take_turns(part: str, rounds: int, turn: Callable[[Contender], object], what: str = "") -> dict[Contender, list]:
    turns: dict[Contender, list] = {contender: [] for contender in CONTENDERS[part]}
    for number in range(rounds):
        for contender in turns:
            say(f"  {part}{what}: round {number + 1} of {rounds}: {contender.label}")
            turns[contender].append(turn(contender))
    return turns


def repeat(part: str, rounds: int, turn: Callable[[], object]) -> list:
    found = []
    for number in range(rounds):
        say(f"  {part}: round {number + 1} of {rounds}")
        found.append(turn())
    return found


def measure(arguments: argparse.Namespace, starter: Starter, facts: list[tuple[str, str]]) -> str:
    sizes, rounds, parts = QUICK if arguments.quick else FULL, arguments.rounds, arguments.parts
    measured = Measured()
    if "memory" in parts:
        gateway_memory.require_room(sizes)
    say("starting PostgreSQL and Redis")
    with Servers() as servers, Clips() as clips:
        facts += servers.facts() + [("wrk", machine.wrk_version()), ("nginx", machine.nginx_version())]
        if "polling" in parts:
            with Polling(servers, starter, sizes) as polling:
                measured.body_bytes = len(polling.job.body)
                measured.polls = take_turns("polling", rounds, polling.turn)
        if "waiting" in parts:
            measured.waits = repeat("waiting", rounds, lambda: gateway_waiting.measure(servers, starter, sizes))
        if "uploads" in parts:
            for connections in UPLOAD_CONNECTIONS:
                measured.uploads[connections] = take_turns(
                    "uploads",
                    rounds,
                    lambda one: gateway_uploads.turn(one, servers, starter, sizes, clips, connections),
                    f" over {connections}",
                )
        if "memory" in parts:
            say("  memory")
            measured.memory = gateway_memory.measure(servers, starter, sizes, clips)
        if "connections" in parts:
            measured.connections = repeat("connections", rounds, lambda: gateway_connections.measure(servers, starter, sizes))
    return gateway_report.section(facts, rounds, sizes, parts, measured)
