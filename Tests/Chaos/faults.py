"""The list of faults: each is a function that plays on a fleet and says what it did."""

from collections.abc import Callable
from dataclasses import dataclass, field

from fleet import Fleet

Play = Callable[[Fleet], str]


@dataclass(frozen=True)
class Fault:
    """A number of docs/reliability.md, what happens, and what it happens to."""

    number: str
    name: str
    play: Play = field(repr=False)
    gateways: int = 2
    workers: int = 2
    is_quick: bool = False
    # Real clips, the real decoder and the real network instead of scripts.
    is_real: bool = False
    # A gateway dies or loses a commit's answer, so bytes may be left to the sweep.
    leaves_orphans: bool = False
    # The longest that jobs accepted before the fault may take afterwards; none where the play checks it itself.
    recovery_seconds: float | None = None
    # How long the jobs may take to end after the play; then what is found says more than that they did not.
    end_seconds: float = 120.0
    settings: dict[str, str] = field(default_factory=dict)


FAULTS: dict[str, Fault] = {}


def fault(number: str, name: str, **options) -> Callable[[Play], Play]:
    """Puts a play on the list."""

    def register(play: Play) -> Play:
        if number in FAULTS:
            raise ValueError(f"fault {number} is on the list twice")
        FAULTS[number] = Fault(number, name, play, **options)
        return play

    return register


def order(number: str) -> tuple[int, str]:
    """6 before 6b before 7."""
    digits = "".join(character for character in number if character.isdigit())
    return int(digits), number
