"""Whether a peer's frames are those that were asked for: seen in the pixels, since its own word for it proves nothing."""

import pathlib
from dataclasses import dataclass

from child import Failed
from decode_plan import APART_BOUND, DIFFERENCE_BOUND, FRAMES, SIDE

FRAME_BYTES = 3 * SIDE * SIDE


@dataclass(frozen=True)
class Judgement:
    """In levels of 255: the largest mean difference from a wanted frame, the least from one of its neighbours."""

    difference: float
    neighbours: float
    nearer_to_neighbour: int

    @property
    def is_exact(self) -> bool:
        return self.nearer_to_neighbour == 0 and self.difference <= DIFFERENCE_BOUND


class Yardstick:
    """Each wanted frame between the one before and the one after it, as Whorl decodes them."""

    def __init__(self, path: pathlib.Path):
        self.frames = self._read(path, 3 * FRAMES).reshape(FRAMES, 3, FRAME_BYTES)
        apart = abs(self.frames[:, (0, 2)] - self.frames[:, 1:2]).mean(axis=2).min()
        if not apart >= APART_BOUND:
            raise Failed(f"this clip tells no frame from its neighbours: {apart:.2f} levels between two of them")
        # A mistake in the judging would show here: nothing else does while every peer is exact.
        for name, place in (("before", 0), ("after", 2)):
            if self._judge(self.frames[:, place]).is_exact:
                raise Failed(f"the frames {name} the wanted ones pass for them")

    def judge(self, path: pathlib.Path) -> Judgement:
        return self._judge(self._read(path, FRAMES))

    @staticmethod
    def _read(path: pathlib.Path, count: int):
        import numpy as np

        pixels = np.fromfile(path, dtype=np.uint8)
        if pixels.size != count * FRAME_BYTES:
            raise Failed(f"{path.name}: {pixels.size} bytes, {count * FRAME_BYTES} expected for {count} frames")
        return pixels.reshape(count, FRAME_BYTES).astype(np.int16)

    def _judge(self, pixels) -> Judgement:
        differences = abs(self.frames - pixels[:, None]).mean(axis=2)
        neighbours = differences[:, (0, 2)].min(axis=1)
        nearer = int((neighbours <= differences[:, 1]).sum())
        return Judgement(float(differences[:, 1].max()), float(neighbours.min()), nearer)
