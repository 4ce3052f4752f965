"""Test pictures made with integers alone, the same here and in Tests/DetectorTests/FacePictures.swift.

A picture is a pattern with noise on which stored pictures are laid, enlarged, turned and darkened.
"""

import dataclasses
import math

import numpy as np

ONE = 1 << 16


@dataclasses.dataclass
class Layer:
    """A stored picture on the canvas. `matrix` takes a canvas pixel (x, y, 1) to the stored one, in units of 2^-16."""

    picture: str
    matrix: list[int]
    brightness: int = 256


@dataclasses.dataclass
class Recipe:
    name: str
    width: int
    height: int
    layers: list[Layer]
    minimum: int = 40


def placed(picture: str, left: float, top: float, scale: float, degrees: float = 0, brightness: int = 256) -> Layer:
    """The picture's first pixel at (left, top), enlarged and turned about it."""
    cosine, sine = math.cos(math.radians(degrees)) / scale, math.sin(math.radians(degrees)) / scale
    rows = [(cosine, sine), (-sine, cosine)]
    matrix = [value for a, b in rows for value in (a, b, -(a * left + b * top))]
    return Layer(picture, [round(value * ONE) for value in matrix], brightness)


def background(width: int, height: int) -> np.ndarray:
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    noise = ((x * 73856093 ^ y * 19349663 ^ c * 83492791) & 0xFFFFFFFF) >> 8 & 15
    return 80 + (x * 3 + y * 5 + c * 40 >> 3) % 64 + noise


def composed(recipe: Recipe, stored: dict[str, np.ndarray]) -> np.ndarray:
    """uint8 [height, width, 3]."""
    canvas = background(recipe.width, recipe.height)
    y, x = np.meshgrid(np.arange(recipe.height), np.arange(recipe.width), indexing="ij")
    for layer in recipe.layers:
        source = stored[layer.picture].astype(np.int64)
        a = layer.matrix
        u, v = a[0] * x + a[1] * y + a[2], a[3] * x + a[4] * y + a[5]
        inside = (u >= 0) & (v >= 0) & (u < source.shape[1] - 1 << 16) & (v < source.shape[0] - 1 << 16)
        u, v = u[inside], v[inside]
        column, row, right, down = u >> 16, v >> 16, (u & 0xFFFF)[:, None], (v & 0xFFFF)[:, None]
        upper = source[row, column] * (ONE - right) + source[row, column + 1] * right
        lower = source[row + 1, column] * (ONE - right) + source[row + 1, column + 1] * right
        value = upper * (ONE - down) + lower * down + (1 << 31) >> 32
        canvas[inside] = value * layer.brightness >> 8
    return canvas.astype(np.uint8)


RECIPES = [
    Recipe("one", 640, 480, [placed("portrait", 220, 140, 1)]),
    Recipe("large", 800, 601, [placed("portrait", 130, 40, 2.6)]),
    Recipe("small", 640, 359, [placed("portrait", 401, 133, 0.46)]),
    Recipe("two", 961, 540, [placed("portrait", 60, 190, 1.25), placed("portrait", 620, 90, 0.8, 4)]),
    Recipe("turned", 500, 500, [placed("portrait", 170, 60, 1.4, 14)]),
    Recipe("dark", 480, 360, [placed("portrait", 150, 60, 1.1, brightness=40)]),
    Recipe("odd", 333, 251, [placed("portrait", 61, 23, 1.1, -6)]),
    Recipe("edge", 420, 380, [placed("portrait", -55, 70, 1.5)]),
    Recipe("fine", 301, 203, [placed("portrait", 40, 60, 0.3), placed("portrait", 190, 40, 0.42)], minimum=20),
    Recipe("wide", 1920, 1080, [
        placed("portrait", 100, 120, 3.1), placed("portrait", 900, 80, 1.7, -9), placed("portrait", 1500, 640, 1.2, 8),
        placed("portrait", 860, 700, 0.6), placed("portrait", 1250, 560, 0.5, 5, 140), placed("cat", 1250, 60, 2.5),
    ]),
    Recipe("pattern", 640, 480, []),
    Recipe("cat", 640, 480, [placed("cat", 80, 40, 2.9)]),
    Recipe("coffee", 800, 600, [placed("coffee", 20, 30, 4.5)]),
    Recipe("upside down", 480, 480, [placed("portrait", 420, 430, 1.6, 180)]),
]
