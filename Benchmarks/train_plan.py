"""What is measured against what: the contenders of a step of training."""

from dataclasses import dataclass

from report import count

PACKAGES = ("torch", "torchvision", "safetensors", "numpy")
PARTS = ("folded", "batch")
PICTURES = 32
# Of the losses of the first three steps from torch's, channels last.
LOSS_BOUND = 1e-3
GOAL = 1.3

PEERS = {
    "torch-channels-last": "torch, channels last",
    "torch-eager": "torch",
    "torch-compiled": "torch.compile, channels last",
}


@dataclass(frozen=True)
class Contender:
    """One process: a peer, or Whorl with one set of kernels."""

    kind: str
    norms: str
    threads: int
    kernels: str = ""

    @property
    def is_ours(self) -> bool:
        return self.kind == "whorl"

    @property
    def label(self) -> str:
        return f"Whorl, {self.kernels}" if self.is_ours else PEERS[self.kind]


@dataclass(frozen=True)
class Run:
    """Contenders that take turns."""

    part: str
    threads: int
    contenders: tuple[Contender, ...]

    @property
    def title(self) -> str:
        return f"part {self.part}, {count(self.threads, 'thread')}"


def contenders(norms: str, threads: int, every: bool) -> list[Contender]:
    """`every` adds the peers that are known to be slower, and AVX2."""
    peers = list(PEERS) if every else ["torch-channels-last"]
    kernels = ["avx512", "avx2"] if every else ["avx512"]
    return [Contender(name, norms, threads) for name in peers] + [Contender("whorl", norms, threads, name) for name in kernels]


def runs(parts: list[str], threads: list[int], every: bool) -> list[Run]:
    return [Run(part, number, tuple(contenders(part, number, every))) for part in parts for number in threads]
