"""What is measured against what: the contenders of the clip benchmark."""

from dataclasses import dataclass

import decode_plan
import forward_plan
from report import count

CLIP = "h264-10-250"
PACKAGES = tuple(dict.fromkeys(forward_plan.PACKAGES + decode_plan.PACKAGES))
PARTS = ("clip",)
FRAMES = 16
# Of a network's logits from PyTorch's, given the same pixels. bfloat16 is coarser, which has to be chosen.
LOGIT_BOUND = 1e-3
COARSE_LOGIT_BOUND = 5e-2
# With frames that each has scaled itself, where OpenCV's quickest way skips pixels. The weights spread pictures' logits by 1, so this is wide: the
# same pixels are the proof, and this sees a worker that judges another clip.
OWN_BOUND = 1.0

PEERS = {
    "plain": "plain: OpenCV, PyTorch, autograd",
    "pyav-openvino": "mixed: PyAV, OpenVINO",
    "torchcodec-openvino": "mixed: torchcodec, OpenVINO",
}


@dataclass(frozen=True)
class Contender:
    """One process: a Python worker, or Whorl with one precision and one set of kernels."""

    kind: str
    threads: int
    precision: str = "float32"
    kernels: str = ""

    @property
    def is_ours(self) -> bool:
        return self.kind == "whorl"

    @property
    def label(self) -> str:
        return f"Whorl {self.precision}, {self.kernels}" if self.is_ours else PEERS[self.kind]

    @property
    def bound(self) -> float:
        return COARSE_LOGIT_BOUND if self.precision == "bfloat16" else LOGIT_BOUND


@dataclass(frozen=True)
class Run:
    """Contenders that take turns. The plain worker is first: its logits are what the others are held to."""

    threads: int
    contenders: tuple[Contender, ...]

    @property
    def title(self) -> str:
        return count(self.threads, "thread")


def runs(threads: list[int]) -> list[Run]:
    return [
        Run(
            number,
            tuple(Contender(kind, number) for kind in PEERS)
            + tuple(Contender("whorl", number, precision, kernels) for precision, kernels in forward_plan.OURS),
        )
        for number in threads
    ]
