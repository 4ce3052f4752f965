"""What is measured against what: the contenders of each part of the forward benchmark."""

from dataclasses import dataclass

from report import count

PACKAGES = ("torch", "torchvision", "safetensors", "onnx", "onnxscript", "onnxruntime", "openvino", "numpy")
PARTS = ("16", "batch1", "avx2", "scaling")
SCALING_FRAMES = (1, 2, 4, 8, 16, 32, 64)
# Of a contender's logits from torch's in float32, and for bfloat16 of the probabilities.
LOGIT_BOUND = 1e-4
PROBABILITY_BOUND = 0.005

PEERS = {
    "torch-eager": "torch",
    "torch-channels-last": "torch, channels last",
    "torch-compiled": "torch.compile, channels last",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
}
OURS = (("float32", "avx512"), ("split", "amx"), ("bfloat16", "amx"))


@dataclass(frozen=True)
class Contender:
    """One process: a peer, or Whorl with one precision and one set of kernels."""

    kind: str
    frames: int
    threads: int
    precision: str = "float32"
    kernels: str = ""
    isa: str = "native"

    @property
    def is_ours(self) -> bool:
        return self.kind == "whorl"

    @property
    def label(self) -> str:
        if self.is_ours:
            return f"Whorl {self.precision}, {self.kernels}"
        return PEERS[self.kind]

    @property
    def forwards(self) -> int:
        """How many forwards one turn measures: enough of the short ones, not too many of the long ones."""
        return max(2, min(15, 48 // self.frames))


@dataclass(frozen=True)
class Run:
    """Contenders that take turns."""

    part: str
    threads: int
    contenders: tuple[Contender, ...]

    @property
    def title(self) -> str:
        return f"part {self.part}, {count(self.threads, 'thread')}"


def peers(names: list[str], frames: int, threads: int, every: bool, isa: str = "native") -> list[Contender]:
    """`every` adds the peers that are known to be slower."""
    if every:
        possible = [name for name in PEERS if isa == "native" or name != "onnxruntime"]
        names = [name for name in PEERS if name in possible]
    return [Contender(name, frames, threads, isa=isa) for name in names]


def ours(frames: int, threads: int) -> list[Contender]:
    return [Contender("whorl", frames, threads, precision, kernels) for precision, kernels in OURS]


def contenders(part: str, threads: int, every: bool, scaling_frames: tuple[int, ...]) -> list[Contender]:
    if part == "16":
        fast = ["torch-channels-last", "torch-compiled", "onnxruntime", "openvino"]
        return peers(fast, 16, threads, every) + ours(16, threads)
    if part == "batch1":
        return peers(["onnxruntime", "openvino"], 1, threads, every) + ours(1, threads)
    if part == "avx2":
        # ONNX Runtime cannot be held to AVX2 where the CPU has more.
        held = peers(["torch-channels-last", "torch-compiled", "openvino"], 16, threads, every, isa="avx2")
        return held + [Contender("whorl", 16, threads, "float32", "avx2")]
    return [contender for frames in scaling_frames for contender in ours(frames, threads)]


def runs(parts: list[str], threads: list[int], every: bool, quick: bool) -> list[Run]:
    frames = (1, 16) if quick else SCALING_FRAMES
    return [Run(part, number, tuple(contenders(part, number, every, frames))) for part in parts for number in threads]
