"""Celery with the settings that promise the least loss on Redis, and its worker as a program.

    PEER_REDIS_URL=redis://… python queue_celery.py --concurrency 4 [--pool prefork] [--defaults]
"""

import argparse
import os

import celery

import queue_tasks
from queue_plan import LEASE_SECONDS, SWEEP_SECONDS

QUEUE = "celery"
UNACKED = "unacked"
RESULT_PREFIX = "celery-task-meta-"


def application(url: str, *, has_defaults: bool = False) -> celery.Celery:
    """With `has_defaults` a lost worker's jobs come back as Celery does it by itself: after an hour, or 100 s later."""
    app = celery.Celery("bench", broker=url, backend=url)
    app.conf.update(
        # Acknowledged when it is done, and given back when a child of the pool dies of it.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        # Nobody holds more than it works on.
        worker_prefetch_multiplier=1,
        task_track_started=True,
        broker_connection_retry_on_startup=True,
        worker_redirect_stdouts=False,
    )
    if not has_defaults:
        # What is not acknowledged within the lease goes back to the queue; looked for as often as Whorl's sweep does,
        # by default it is every hundred seconds.
        app.conf.broker_transport_options = {
            "visibility_timeout": LEASE_SECONDS,
            "unacked_restore_interval": SWEEP_SECONDS,
            "unacked_restore_throttle": 1,
        }
    app.task(name="nothing")(queue_tasks.nothing)
    app.task(name="wait")(queue_tasks.wait)
    return app


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--concurrency", type=int, required=True)
    parser.add_argument("--pool", default="prefork", choices=["prefork", "threads", "solo"])
    parser.add_argument("--defaults", action="store_true", help="recovery as Celery has it by itself")
    parser.add_argument("--name", required=True, help="of the worker")
    arguments = parser.parse_args()
    app = application(os.environ["PEER_REDIS_URL"], has_defaults=arguments.defaults)
    # What workers tell each other is of no use to two of them, and costs them something.
    quiet = ["--loglevel=WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    way = [f"--concurrency={arguments.concurrency}", f"--pool={arguments.pool}", f"--hostname={arguments.name}@localhost"]
    app.worker_main(["worker"] + way + quiet)


if __name__ == "__main__":
    main()
