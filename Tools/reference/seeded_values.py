"""Values computed from integers alone, the same here and in Tests/DetectorTests/SeededValues.swift."""

import math

import numpy as np

GOLDEN = 0x9E3779B97F4A7C15
FRAME_SIZE = 224
COARSE_SIZE = 32


def stream_seed(seed: int, name: str) -> int:
    """FNV-1a of the name, mixed with the seed: each tensor has a stream of its own."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value ^ ((seed * GOLDEN) & 0xFFFFFFFFFFFFFFFF)


def uniform(seed: int, name: str, count: int) -> np.ndarray:
    """`count` float64 values in [-1, 1), multiples of 2^-23: SplitMix64's upper 24 bits."""
    with np.errstate(over="ignore"):
        z = np.uint64(stream_seed(seed, name)) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1.0


def affine(seed: int, name: str, shape: list[int], centre: float, spread: float) -> np.ndarray:
    """float32 values in [centre - spread, centre + spread)."""
    count = math.prod(shape)
    return (centre + spread * uniform(seed, name, count)).astype(np.float32).reshape(shape)


def tensor(seed: int, name: str, shape: list[int]) -> np.ndarray:
    """The tensor of that torchvision name: He-scaled weights, plausible statistics, residual branches and output damped."""
    if name.endswith("running_mean"):
        return affine(seed, name, shape, 0.0, 0.1)
    if name.endswith("running_var"):
        return affine(seed, name, shape, 1.0, 0.5)
    if shape[0] == 1 and len(shape) == 2:
        return affine(seed, name, shape, 0.0, 0.01)
    if len(shape) >= 2:
        fan_in = math.prod(shape[1:])
        return affine(seed, name, shape, 0.0, math.sqrt(6.0 / fan_in))
    if name.endswith("bias"):
        return affine(seed, name, shape, 0.0, 0.1)
    if ".bn2." in name:
        return affine(seed, name, shape, 0.4, 0.2)
    return affine(seed, name, shape, 1.0, 0.3)


def frames(seed: int, count: int) -> np.ndarray:
    """`[count, 3, 224, 224]`: squares of 32 pixels with noise on them, so that the maps differ over the picture."""
    squares = FRAME_SIZE // COARSE_SIZE
    coarse = uniform(seed, "coarse", count * 3 * squares * squares).reshape(count, 3, squares, squares)
    fine = uniform(seed, "fine", count * 3 * FRAME_SIZE * FRAME_SIZE).reshape(count, 3, FRAME_SIZE, FRAME_SIZE)
    large = coarse.repeat(COARSE_SIZE, axis=2).repeat(COARSE_SIZE, axis=3)
    return (1.5 * large + 0.5 * fine).astype(np.float32)
