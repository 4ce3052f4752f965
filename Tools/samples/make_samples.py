#!/usr/bin/env python3
"""Makes the two sample clips in samples/ from one public-domain portrait.

    pip install numpy scikit-image
    python3 Tools/samples/make_samples.py [--output samples]

astronaut-real.mp4 is NASA's portrait of Eileen Collins (scikit-image ships it) seen by a camera that drifts, zooms and
sways a little. astronaut-blended.mp4 is the same shot, but in every frame the face is blended from a transformed copy of
itself (Shiohara and Yamasaki, "Detecting Deepfakes with Self-Blended Images", CVPR 2022, section 3): warped, recoloured,
pasted through a soft mask, and flickering, as face swaps do. Needs the ffmpeg command with libx264.
"""

import argparse
import pathlib
import subprocess

import numpy as np
from skimage import data, filters, transform

SIZE = 480
FRAMES_PER_SECOND = 25
FRAME_COUNT = 100
# The face's centre and half axes in the portrait, in pixels.
FACE_X, FACE_Y, FACE_HALF_WIDTH, FACE_HALF_HEIGHT = 223.0, 116.0, 46.0, 62.0


def smooth_noise(rng, count, scale, width):
    """`count` values that wander smoothly: white noise under a Gaussian of `width` frames, standard deviation `scale`."""
    values = filters.gaussian(rng.standard_normal(count + 8 * width), sigma=width)[4 * width : 4 * width + count]
    return scale * values / (values.std() + 1e-9)


def camera(frame, sway):
    """The transform from output pixels to portrait pixels for one frame."""
    phase = 2 * np.pi * frame / FRAME_COUNT
    window = 300 - 22 * np.cos(phase)
    angle = np.deg2rad(1.4 * np.sin(phase) + sway[2][frame])
    center_x = 226 + 9 * np.sin(phase) + sway[0][frame]
    center_y = 172 + 4 * np.cos(phase) + sway[1][frame]
    to_center = transform.SimilarityTransform(translation=(-(SIZE - 1) / 2, -(SIZE - 1) / 2))
    place = transform.SimilarityTransform(scale=window / SIZE, rotation=angle, translation=(center_x, center_y))
    return to_center + place


def face_mask(shape, shift_x, shift_y, softness):
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    radius = np.hypot(
        (columns - FACE_X - shift_x) / FACE_HALF_WIDTH, (rows - FACE_Y - shift_y) / FACE_HALF_HEIGHT
    )
    return np.clip((1 + softness - radius) / (2 * softness), 0, 1)[..., None]


def transformed_copy(portrait, wander):
    """The portrait scaled, turned and bent around the face's centre, recoloured and a little softer."""
    rows, columns = np.mgrid[0 : portrait.shape[0], 0 : portrait.shape[1]].astype(float)
    angle, scale = np.deg2rad(2.0 + 0.5 * wander[0]), 1 / (1.05 + 0.006 * wander[1])
    x, y = columns - FACE_X, rows - FACE_Y
    source_x = FACE_X + scale * (np.cos(angle) * x - np.sin(angle) * y) + 1.6 * np.sin(y / 17) - 2.2 - 0.6 * wander[2]
    source_y = FACE_Y + scale * (np.sin(angle) * x + np.cos(angle) * y) + 1.3 * np.sin(x / 15) + 1.6 + 0.6 * wander[3]
    bent = np.stack(
        [transform.warp(portrait[..., c], np.array([source_y, source_x]), order=1, mode="edge") for c in range(3)],
        axis=-1,
    )
    soft = filters.gaussian(bent, sigma=0.9, channel_axis=-1)
    gain = np.array([1.07, 0.99, 0.90]) * (1 + 0.012 * wander[4])
    return np.clip(soft * gain + np.array([0.015, 0.0, -0.01]), 0, 1)


def frames(blended, seed):
    portrait = data.astronaut().astype(float) / 255
    sway_source = np.random.default_rng(seed)
    sway = [smooth_noise(sway_source, FRAME_COUNT, scale, 4) for scale in (0.8, 0.8, 0.12)]
    wander_source = np.random.default_rng(seed + 1)
    wander = np.stack([smooth_noise(wander_source, FRAME_COUNT, 1.0, 2) for _ in range(6)], axis=-1)
    grain_source = np.random.default_rng(seed + 2)
    for index in range(FRAME_COUNT):
        picture = portrait
        if blended:
            strength = np.clip(0.92 + 0.06 * wander[index][5], 0, 1)
            mask = strength * face_mask(portrait.shape, wander[index][2], wander[index][3], 0.16)
            picture = mask * transformed_copy(portrait, wander[index]) + (1 - mask) * portrait
        view = transform.warp(picture, camera(index, sway), output_shape=(SIZE, SIZE), order=3, mode="edge")
        grain = 0.006 * grain_source.standard_normal((SIZE, SIZE, 1))
        yield (np.clip(view + grain, 0, 1) * 255 + 0.5).astype(np.uint8)


def encode(path, pictures):
    command = [
        "ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{SIZE}x{SIZE}",
        "-r", str(FRAMES_PER_SECOND), "-i", "-", "-vf", "scale=out_color_matrix=bt709:out_range=tv",
        "-c:v", "libx264", "-preset", "veryslow", "-crf", "24", "-pix_fmt", "yuv420p", "-colorspace", "bt709",
        "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv", "-threads", "1",
        "-movflags", "+faststart", "-bitexact", str(path),
    ]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE) as encoder:
        for picture in pictures:
            encoder.stdin.write(picture.tobytes())
        encoder.stdin.close()
        if encoder.wait() != 0:
            raise SystemExit(f"ffmpeg could not write {path}")
    print(f"{path}: {path.stat().st_size} bytes")


def main():
    parser = argparse.ArgumentParser(description="Makes Whorl's sample clips.")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("samples"))
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    encode(arguments.output / "astronaut-real.mp4", frames(False, arguments.seed))
    encode(arguments.output / "astronaut-blended.mp4", frames(True, arguments.seed))


if __name__ == "__main__":
    main()
