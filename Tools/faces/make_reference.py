"""Writes what facenet-pytorch finds in the test pictures to Tests/DetectorTests/Fixtures.

    python make_reference.py [--pictures FOLDER]

FOLDER is that of scikit-image's data, from which the stored pictures are cut; without it those in Fixtures are used.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
import torch
from facenet_pytorch import MTCNN
from PIL import Image

import test_pictures

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "Tools" / "reference"))
import seeded_values  # noqa: E402

FIXTURES = ROOT / "Tests" / "DetectorTests" / "Fixtures"
SEED = 7
# name: file, box, size after it was made smaller.
STORED = {
    "portrait": ("astronaut.png", (128, 8, 328, 228), (200, 220)),
    "cat": ("chelsea.png", (40, 0, 440, 300), (160, 120)),
    "coffee": ("coffee.png", (0, 0, 600, 400), (150, 100)),
}
NETS = {"pnet": (1, 29, 37), "rnet": (5, 24, 24), "onet": (3, 48, 48)}


def stored_pictures(folder: pathlib.Path | None) -> dict[str, np.ndarray]:
    """uint8 [height, width, 3] by name; cut anew and written if there is a folder."""
    pictures = {}
    for name, (file, box, size) in STORED.items():
        path = FIXTURES / f"face-{name}-{size[0]}x{size[1]}.rgb"
        if folder:
            cut = Image.open(folder / file).convert("RGB").crop(box)
            path.write_bytes((cut if cut.size == size else cut.resize(size, Image.Resampling.LANCZOS)).tobytes())
        pictures[name] = np.frombuffer(path.read_bytes(), np.uint8).reshape(size[1], size[0], 3)
    return pictures


def checksum(picture: np.ndarray) -> int:
    """Sum of every byte times its place's remainder, so that no exchange of pixels goes unnoticed."""
    values = picture.reshape(-1).astype(np.int64)
    return int((values * (np.arange(values.size) % 65521 + 1)).sum())


def faces(recipe: test_pictures.Recipe, picture: np.ndarray) -> list[dict]:
    detector = MTCNN(keep_all=True, min_face_size=recipe.minimum)
    boxes, scores, landmarks = detector.detect(picture, landmarks=True)
    if boxes is None:
        return []
    return [
        {"box": box.tolist(), "score": float(score), "landmarks": points.tolist()}
        for box, score, points in zip(boxes, scores, landmarks)
    ]


@torch.no_grad()
def net_values(name: str) -> dict:
    """The net's outputs on seeded values: probability of a face, offsets and points, [frames, rows, columns, outputs]."""
    count, height, width = NETS[name]
    values = seeded_values.uniform(SEED, name, count * 3 * height * width).reshape(count, 3, height, width)
    outputs = getattr(MTCNN(), name)(torch.from_numpy(values.astype(np.float32)))
    # (offsets, [points,] probabilities), whatever has no rows and columns being one place.
    parts = [outputs[-1][:, 1:2], *outputs[:-1]]
    parts = [part.reshape(count, part.shape[1], *(part.shape[2:] or (1, 1))) for part in parts]
    joined = torch.cat(parts, dim=1).permute(0, 2, 3, 1)
    return {
        "frames": count, "height": height, "width": width, "shape": list(joined.shape),
        "values": [float(f"{value:.7g}") for value in joined.reshape(-1).tolist()],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=pathlib.Path)
    stored = stored_pictures(parser.parse_args().pictures)
    pictures = []
    for recipe in test_pictures.RECIPES:
        picture = test_pictures.composed(recipe, stored)
        found = faces(recipe, picture)
        print(recipe.name, [[round(value) for value in face["box"]] + [round(face["score"], 4)] for face in found])
        pictures.append({
            "name": recipe.name, "width": recipe.width, "height": recipe.height, "minimum": recipe.minimum,
            "layers": [vars(layer) for layer in recipe.layers], "checksum": checksum(picture), "faces": found,
        })
    sizes = {name: {"file": f"face-{name}-{w}x{h}.rgb", "width": w, "height": h} for name, (_, _, (w, h)) in STORED.items()}
    reference = {
        "seed": SEED, "stored": sizes, "pictures": pictures, "nets": {name: net_values(name) for name in NETS},
    }
    (FIXTURES / "face-values.json").write_text(json.dumps(reference) + "\n")


if __name__ == "__main__":
    main()
