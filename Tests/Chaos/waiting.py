"""Waiting for conditions, each time with a deadline, and the two ways in which a run goes wrong."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

INTERVAL_SECONDS = 0.05


class Breach(Exception):
    """The product broke a promise; the message says which."""


class Broken(Exception):
    """The harness could not do its part, so the run says nothing about the product."""


def wait_for(
    what: str,
    condition: Callable[[], Value | None],
    seconds: float,
    error: type[Exception] = Breach,
    interval: float = INTERVAL_SECONDS,
) -> Value:
    """The condition's first true value; `error` if there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise error(f"{what}: not within {seconds:g} s")
        time.sleep(interval)


def expect(condition: bool, words: str) -> None:
    """A promise of a fault's own, beside the invariants."""
    if not condition:
        raise Breach(words)


def holds_for(condition: Callable[[], bool], seconds: float, interval: float = INTERVAL_SECONDS) -> bool:
    """Whether the condition is true all the time: for what must not happen there is nothing to wait for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not condition():
            return False
        time.sleep(interval)
    return True
