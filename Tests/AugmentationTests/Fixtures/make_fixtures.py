#!/usr/bin/env python3
"""Writes what OpenCV makes of a small picture, for ArithmeticTests: pip install opencv-python-headless numpy; python3 make_fixtures.py

One JSON file: the picture [height, width, 3] of floats, and per operation its parameters and its result, flat.
"""
import json
import pathlib

import cv2
import numpy as np

HEIGHT, WIDTH = 19, 26
generator = np.random.default_rng(20)
smooth = cv2.resize(generator.uniform(0, 255, (7, 9, 3)).astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
picture = np.round(np.clip(smooth + generator.normal(0, 12, smooth.shape), 0, 255)).astype(np.float32)


def flat(values):
    return [round(float(value), 4) for value in np.asarray(values, np.float32).reshape(-1)]


scalings = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC, "nearest": cv2.INTER_NEAREST}
result = {"height": HEIGHT, "width": WIDTH, "picture": flat(picture), "resized": [], "blurred": [], "warped": []}
for name, flag in scalings.items():
    for width, height in [(13, 10), (9, 7), (41, 31)]:
        if name == "area" and width > WIDTH:
            continue
        result["resized"].append(
            {"by": name, "width": width, "height": height, "values": flat(cv2.resize(picture, (width, height), interpolation=flag))})
for sigma in (0.6, 1.0, 2.7):
    result["blurred"].append({"sigma": sigma, "values": flat(cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101))})

# OpenCV's own warp rounds its places to 1/32 of a pixel, so places are sampled here by the definition, in double.
matrix = np.array([[1.04, 0.06, -1.7], [-0.05, 0.97, 1.2]])


def pixel(x, y, border):
    if border == "constant":
        return picture[y, x].astype(np.float64) if 0 <= x < WIDTH and 0 <= y < HEIGHT else np.zeros(3)
    if border == "replicate":
        return picture[min(max(y, 0), HEIGHT - 1), min(max(x, 0), WIDTH - 1)].astype(np.float64)

    def reflected(at, count):
        at %= 2 * count
        return at if at < count else 2 * count - 1 - at
    return picture[reflected(y, HEIGHT), reflected(x, WIDTH)].astype(np.float64)


for border in ("replicate", "reflect", "constant"):
    out = np.zeros_like(picture)
    for y in range(HEIGHT):
        for x in range(WIDTH):
            at = matrix @ [x + 0.5, y + 0.5, 1] - 0.5
            left, top = int(np.floor(at[0])), int(np.floor(at[1]))
            fx, fy = at[0] - left, at[1] - top
            above = pixel(left, top, border) * (1 - fx) + pixel(left + 1, top, border) * fx
            below = pixel(left, top + 1, border) * (1 - fx) + pixel(left + 1, top + 1, border) * fx
            out[y, x] = above * (1 - fy) + below * fy
    result["warped"].append({"border": border, "matrix": matrix.reshape(-1).tolist(), "values": flat(out)})

hsv = cv2.cvtColor(picture / 255, cv2.COLOR_RGB2HSV)
hue, saturation, value = 33.0, 21.0, -14.0
hsv[..., 0] = (hsv[..., 0] + hue) % 360
hsv[..., 1] = np.clip(hsv[..., 1] + saturation / 255, 0, 1)
hsv[..., 2] = np.clip(hsv[..., 2] + value / 255, 0, 1)
result["hsv"] = {"hue": hue, "saturation": saturation, "value": value, "values": flat(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255)}
sharp = picture + 1.3 * (picture - cv2.GaussianBlur(picture, (0, 0), 1.0))
result["sharpened"] = {"amount": 1.3, "values": flat(np.clip(sharp, 0, 255))}
points = generator.uniform(2, 17, (14, 2))
hull = cv2.convexHull(points.astype(np.float32)).reshape(-1, 2)
inside = np.zeros((HEIGHT, WIDTH), np.float32)
for y in range(HEIGHT):
    for x in range(WIDTH):
        inside[y, x] = cv2.pointPolygonTest(hull.astype(np.float32), (x + 0.5, y + 0.5), False) > 0
result["hull"] = {"points": flat(points), "corners": len(hull), "area": float(cv2.contourArea(hull)), "mask": flat(inside)}
pathlib.Path(__file__).with_name("opencv.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
