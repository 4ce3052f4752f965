"""Measures the job queue, with jobs that do nothing, against Celery and RQ on the same Redis.

    deploy/bench.sh queue [--rounds 3] [--parts enqueue,pickup] [--quick]

Prints tables in Markdown; a full run also writes them into docs/benchmarks.md. PostgreSQL and Redis are the benchmark's own, and every contender is
started anew in each of its turns: A B C, A B C, … A job that is refused or fails ends the run with code 1.
"""

import argparse

from bench import Kind, Starter
from queue_plan import CONTENDERS, PACKAGES, PARTS, PROGRAMS

KIND = Kind(
    "queue",
    __doc__.splitlines()[0],
    PARTS,
    PARTS,
    rounds=3,
    quick_rounds=1,
    packages=PACKAGES,
    programs=PROGRAMS,
    commands=("wrk",),
    has_threads=False,
)


def list_plan(arguments: argparse.Namespace) -> list[str]:
    return [f"{part}: " + "; ".join(contender.label for contender in CONTENDERS[part]) for part in arguments.parts]


def measure(arguments: argparse.Namespace, starter: Starter, facts: list[tuple[str, str]]) -> str:
    # Not before: what is listed is known without the peers.
    import queue_rounds

    return queue_rounds.measure(arguments, starter, facts)


if __name__ == "__main__":
    KIND.run(list_plan, measure)
