"""How a peer takes turns, from its own side: as `whorl bench … --serve` does."""

import json
import os
import sys
import time
from collections.abc import Callable


def hold_to(threads: int) -> None:
    """Sets what the libraries read when they are loaded, so they are imported after this."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)


def serve(first: list, run: Callable[[], object]) -> None:
    """One line with what the first run gave; then for each integer on a line the seconds of that many runs, until the input ends."""
    print(json.dumps(first), flush=True)
    for line in sys.stdin:
        seconds = []
        for _ in range(int(line)):
            start = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - start)
        print(json.dumps(seconds), flush=True)
