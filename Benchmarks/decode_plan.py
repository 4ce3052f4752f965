"""What is measured against what: the contenders of each part of the decode benchmark."""

from dataclasses import dataclass

from clips import CLIPS, Clip
from report import count

PACKAGES = ("numpy", "av", "opencv-python-headless", "decord", "torch", "torchcodec")
PARTS = tuple(CLIPS)
QUICK_PARTS = ("h264-10-30", "vp9-10")
# A run takes some ten seconds there, and it is there for the memory.
LONG = "h264-3600-250"
LONG_ROUNDS = 3
FRAMES = 16
SIDE = 224
# Levels of 255, over all of a frame's values. Scalers and the rounding of colours differ by less; another frame does not.
DIFFERENCE_BOUND = 4.0
# What lies between a frame and the next one at least, or a wrong one could not be told.
APART_BOUND = 1.0

# Every library's ways, of which the one that is fastest on a clip is measured there.
PEERS = {
    "OpenCV": {"opencv-grab": "grab to the frame", "opencv-seek": "seek"},
    "PyAV": {"pyav": "seek"},
    "decord": {"decord": "get_batch"},
    "torchcodec": {"torchcodec-exact": "exact", "torchcodec-approximate": "approximate"},
}


@dataclass(frozen=True)
class Contender:
    """One process: a way of a peer, or Whorl with one sampling."""

    library: str
    way: str
    threads: int

    @property
    def is_ours(self) -> bool:
        return self.library == "Whorl"

    @property
    def is_yardstick(self) -> bool:
        return self.is_ours and self.way == "exact"

    @property
    def label(self) -> str:
        return f"{self.library}, {self.way if self.is_ours else PEERS[self.library][self.way]}"


@dataclass(frozen=True)
class Run:
    """Contenders that take turns on a clip."""

    clip: Clip
    threads: int
    contenders: tuple[Contender, ...]

    @property
    def title(self) -> str:
        return f"{self.clip.title}, {count(self.threads, 'thread')}"

    def rounds(self, asked: int) -> int:
        return min(asked, LONG_ROUNDS) if self.clip.name == LONG else asked


def contenders(clip: Clip, threads: int) -> tuple[Contender, ...]:
    # An hour grabbed frame by frame takes minutes, which is known without measuring.
    ways = [(library, way) for library, ways in PEERS.items() for way in ways if (clip.name, way) != (LONG, "opencv-grab")]
    peers = [Contender(library, way, threads) for library, way in ways]
    # Elsewhere there are hardly any keyframes to take.
    samplings = ["exact", "keyframe"] if clip.name.endswith("-30") else ["exact"]
    return tuple(peers + [Contender("Whorl", sampling, threads) for sampling in samplings])


def runs(parts: list[str], threads: list[int]) -> list[Run]:
    return [Run(CLIPS[part], number, contenders(CLIPS[part], number)) for part in parts for number in threads]
