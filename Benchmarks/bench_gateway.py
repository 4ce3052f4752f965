"""Measures the gateway: polling against FastAPI, uploads against nginx, and what waiting, memory and idle connections cost.

    deploy/bench.sh gateway [--rounds 3] [--parts polling,uploads] [--quick]

Prints tables in Markdown; a full run also writes them into docs/benchmarks.md. PostgreSQL and Redis are the benchmark's own, and every contender is
started anew in each of its turns: A B C, A B C, … An answer that is not the expected one ends the run with code 1.
"""

import argparse

from bench import Kind, Starter
from gateway_plan import COMMANDS, CONTENDERS, PACKAGES, PARTS, PROGRAMS

KIND = Kind(
    "gateway",
    __doc__.splitlines()[0],
    PARTS,
    PARTS,
    rounds=3,
    quick_rounds=1,
    packages=PACKAGES,
    programs=PROGRAMS,
    commands=COMMANDS,
    has_threads=False,
)


def list_plan(arguments: argparse.Namespace) -> list[str]:
    return [f"{part}: " + "; ".join(contender.label for contender in CONTENDERS[part]) for part in arguments.parts]


def measure(arguments: argparse.Namespace, starter: Starter, facts: list[tuple[str, str]]) -> str:
    # Not before: what is listed is known without the peers.
    import gateway_rounds

    return gateway_rounds.measure(arguments, starter, facts)


if __name__ == "__main__":
    KIND.run(list_plan, measure)
