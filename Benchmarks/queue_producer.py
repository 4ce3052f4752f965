"""One process that gives jobs which do nothing to a peer, as fast as it can.

    PEER_REDIS_URL=redis://… python queue_producer.py celery|rq

Speaks as `whorl bench … --serve` does: an empty JSON list on one line; then for each integer on a line of its input so many jobs, and the seconds
that each took to be accepted as one JSON list on one line.
"""

import argparse
import os
import uuid
from collections.abc import Callable

import queue_tasks
import serving


def celery_sender(url: str) -> Callable[[str], object]:
    import queue_celery

    task = queue_celery.application(url).tasks["nothing"]
    return task.delay


def rq_sender(url: str) -> Callable[[str], object]:
    import redis

    import queue_rq

    queue = queue_rq.queue_on(redis.Redis.from_url(url))
    return lambda body: queue_rq.send(queue, queue_tasks.nothing, body)


SENDERS = {"celery": celery_sender, "rq": rq_sender}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", choices=SENDERS)
    arguments = parser.parse_args()
    send = SENDERS[arguments.peer](os.environ["PEER_REDIS_URL"])
    serving.serve([], lambda: send(uuid.uuid4().hex))


if __name__ == "__main__":
    main()
