"""Frames of the sample clip, and a heat laid over them."""

import functools
import io
import pathlib
import subprocess

from PIL import Image, ImageChops, ImageDraw, ImageFilter

WIDTH, HEIGHT = 640, 360
FRAMES_PER_SECOND = 4


@functools.cache
def frames(clip: pathlib.Path) -> list[Image.Image]:
    size = f"scale={WIDTH}:{HEIGHT}:force_original_aspect_ratio=increase,crop={WIDTH}:{HEIGHT}:0:0"
    command = [
        "ffmpeg",
        "-loglevel",
        "error",
        "-i",
        str(clip),
        "-vf",
        f"fps={FRAMES_PER_SECOND},{size}",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-",
    ]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    length = WIDTH * HEIGHT * 3
    return [Image.frombytes("RGB", (WIDTH, HEIGHT), raw[at : at + length]) for at in range(0, len(raw) - length + 1, length)]


@functools.cache
def picture(clip: pathlib.Path, index: int, is_heat: bool) -> bytes:
    every = frames(clip)
    shown = every[index % len(every)]
    if is_heat:
        shown = Image.composite(heat(index), shown, heat_mask(index))
    body = io.BytesIO()
    shown.save(body, "JPEG", quality=88)
    return body.getvalue()


def heat(index: int) -> Image.Image:
    colours = Image.new("RGB", (WIDTH, HEIGHT), (200, 30, 30))
    ImageDraw.Draw(colours).ellipse(blob(index, 0.68), fill=(30, 60, 210))
    return colours


def heat_mask(index: int) -> Image.Image:
    red, blue = (Image.new("L", (WIDTH, HEIGHT), 0) for _ in range(2))
    ImageDraw.Draw(red).ellipse(blob(index, 0.42), fill=170)
    ImageDraw.Draw(blue).ellipse(blob(index, 0.68), fill=110)
    return ImageChops.lighter(red, blue).filter(ImageFilter.GaussianBlur(26))


def blob(index: int, across: float) -> tuple[float, float, float, float]:
    x, y = WIDTH * across + 12 * (index % 5), HEIGHT * 0.45 + 9 * (index % 3)
    return (x - 70, y - 60, x + 70, y + 60)
