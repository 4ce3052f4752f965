"""RQ with the settings that bring back a lost worker's jobs the soonest, and its worker as a program.

    PEER_REDIS_URL=redis://… python queue_rq.py --name a [--simple] [--defaults]
"""

import argparse
import functools
import os
from collections.abc import Callable

import redis
import rq
from rq.job import Job

from queue_plan import HEARTBEAT_SECONDS, LEASE_SECONDS, SWEEP_SECONDS

QUEUE = "bench"
# A job whose worker was lost is only run again if it has a retry left.
RETRIES = 3
# An idle worker sees to lost jobs when its wait for new ones ends, which is so much less than its own time to live.
TTL_LESS_WAIT = 15


def queue_on(connection: redis.Redis) -> rq.Queue:
    return rq.Queue(QUEUE, connection=connection)


def send(queue: rq.Queue, task: Callable, *words: object, timeout: int = 10 * LEASE_SECONDS) -> Job:
    return queue.enqueue(task, *words, job_timeout=timeout, retry=rq.Retry(max=RETRIES))


def worker(connection: redis.Redis, name: str, *, is_simple: bool, has_defaults: bool) -> rq.worker.BaseWorker:
    """A simple one runs jobs in its own process, the other forks for each."""
    kind = rq.SimpleWorker if is_simple else rq.Worker
    make = functools.partial(kind, [queue_on(connection)], name=name, connection=connection, log_job_description=False)
    if has_defaults:
        return make()
    return make(
        worker_ttl=SWEEP_SECONDS + TTL_LESS_WAIT,
        maintenance_interval=SWEEP_SECONDS,
        job_monitoring_interval=HEARTBEAT_SECONDS,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simple", action="store_true", help="jobs in the worker's own process")
    parser.add_argument("--defaults", action="store_true", help="recovery as RQ has it by itself")
    parser.add_argument("--name", required=True, help="of the worker")
    arguments = parser.parse_args()
    connection = redis.Redis.from_url(os.environ["PEER_REDIS_URL"])
    made = worker(connection, arguments.name, is_simple=arguments.simple, has_defaults=arguments.defaults)
    made.work(logging_level="WARNING")


if __name__ == "__main__":
    main()
