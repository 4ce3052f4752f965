"""Writes what TensorFlow Lite's interpreter makes of the face mesh's network to Tests/DetectorTests/Fixtures.

    python make_mesh_reference.py

Needs face-values.json, which make_reference.py writes.
"""

import json
import math
import pathlib
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

import test_pictures
from convert_face_mesh import NETWORK, packaged
from test_pictures import placed

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "Tools" / "reference"))
import seeded_values  # noqa: E402

FIXTURES = ROOT / "Tests" / "DetectorTests" / "Fixtures"
SEED = 11
EXTENT = 192
# What the network is shown as it is: a face as it is cut out, one that lies askew, and none.
INPUTS = [
    test_pictures.Recipe("face", EXTENT, EXTENT, [placed("portrait", -10, -24, 1.1)]),
    test_pictures.Recipe("askew", EXTENT, EXTENT, [placed("portrait", 30, -20, 0.8, 21, brightness=120)]),
    test_pictures.Recipe("pattern", EXTENT, EXTENT, []),
]
# Pictures of face-values.json: faces as they are, to be made smaller, to be enlarged, to be turned, dark, and cut by the edge.
PICTURES = ["one", "large", "small", "turned", "dark", "edge"]


class Network:
    def __init__(self) -> None:
        self.interpreter = Interpreter(str(packaged(NETWORK)), num_threads=1)
        self.interpreter.allocate_tensors()

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """1404 coordinates in pixels and the logit, of float32 [192, 192, 3] in 0…1."""
        self.interpreter.set_tensor(self.interpreter.get_input_details()[0]["index"], picture[np.newaxis])
        self.interpreter.invoke()
        outputs = [self.interpreter.get_tensor(detail["index"]).reshape(-1) for detail in self.interpreter.get_output_details()]
        return np.concatenate(sorted(outputs, key=len, reverse=True))


def level_square(picture: np.ndarray, box: list[float], landmarks: list[list[float]]) -> tuple[np.ndarray, np.ndarray]:
    """The network's input for a face, and the matrix [2, 3] that takes its points to the picture's; Detector's LevelSquare in float64."""
    left, top, right, bottom = box
    pixel = 1.5 * max(right - left, bottom - top) / EXTENT
    angle = math.atan2(landmarks[1][1] - landmarks[0][1], landmarks[1][0] - landmarks[0][0])
    across = pixel * np.array([math.cos(angle), math.sin(angle)])
    matrix = np.array([[across[0], -across[1], (left + right) / 2], [across[1], across[0], (top + bottom) / 2]])
    matrix[:, 2] -= matrix[:, :2] @ np.full(2, EXTENT / 2)

    samples = max(1, math.ceil(pixel))
    axis = (np.arange(EXTENT * samples) + 0.5) / samples
    x, y = np.meshgrid(axis, axis)
    height, width = picture.shape[:2]
    u = np.clip(matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] - 0.5, 0, width - 1)
    v = np.clip(matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] - 0.5, 0, height - 1)
    column, row = np.minimum(u.astype(int), width - 2), np.minimum(v.astype(int), height - 2)
    u, v = (u - column)[..., None], (v - row)[..., None]
    source = picture.astype(np.float64)
    upper = source[row, column] * (1 - u) + source[row, column + 1] * u
    lower = source[row + 1, column] * (1 - u) + source[row + 1, column + 1] * u
    fine = upper * (1 - v) + lower * v
    mean = fine.reshape(EXTENT, samples, EXTENT, samples, 3).mean(axis=(1, 3))
    return (mean / 255).astype(np.float32), matrix


def rounded(values: np.ndarray, digits: int = 7) -> list[float]:
    return [float(f"{value:.{digits}g}") for value in values.reshape(-1).tolist()]


def main() -> None:
    network = Network()
    reference = json.loads((FIXTURES / "face-values.json").read_text())
    stored = {
        name: np.frombuffer((FIXTURES / entry["file"]).read_bytes(), np.uint8).reshape(entry["height"], entry["width"], 3)
        for name, entry in reference["stored"].items()
    }

    noise = (seeded_values.uniform(SEED, "noise", EXTENT * EXTENT * 3).reshape(EXTENT, EXTENT, 3) + 1) / 2
    inputs = [{"name": "noise", "layers": None, "outputs": rounded(network(noise.astype(np.float32)))}]
    for recipe in INPUTS:
        picture = test_pictures.composed(recipe, stored).astype(np.float32) / np.float32(255)
        inputs.append({
            "name": recipe.name, "layers": [vars(layer) for layer in recipe.layers], "outputs": rounded(network(picture)),
        })

    meshes = []
    recipes = {recipe.name: recipe for recipe in test_pictures.RECIPES}
    for entry in reference["pictures"]:
        if entry["name"] not in PICTURES:
            continue
        picture = test_pictures.composed(recipes[entry["name"]], stored)
        face = entry["faces"][0]
        square, matrix = level_square(picture, face["box"], face["landmarks"])
        outputs = network(square)
        points = outputs[:-1].reshape(-1, 3)[:, :2].astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
        meshes.append({
            "picture": entry["name"], "points": rounded(points, 6), "score": float(1 / (1 + np.exp(-np.float64(outputs[-1])))),
        })
        print(entry["name"], meshes[-1]["score"])
    for entry in inputs:
        print(entry["name"], "logit", entry["outputs"][-1])
    (FIXTURES / "face-mesh-values.json").write_text(json.dumps({"seed": SEED, "inputs": inputs, "meshes": meshes}) + "\n")


if __name__ == "__main__":
    main()
