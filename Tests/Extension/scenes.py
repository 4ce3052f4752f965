"""The list of scenes: each is a function that plays on a stage and asserts what a person sees and what the gateway has."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stage import Stage

Play = Callable[["Stage"], None]


@dataclass(frozen=True)
class Scene:
    """A name for the command line, and what must be so."""

    name: str
    promise: str
    play: Play = field(repr=False)
    # It stops what other scenes need, or it measures.
    is_alone: bool = False


SCENES: dict[str, Scene] = {}


def scene(promise: str, *, is_alone: bool = False) -> Callable[[Play], Play]:
    """Puts a function on the list, under its own name with dashes."""

    def register(play: Play) -> Play:
        name = play.__name__.replace("_", "-")
        if name in SCENES:
            raise ValueError(f"the scene {name} is on the list twice")
        SCENES[name] = Scene(name, promise, play, is_alone)
        return play

    return register
