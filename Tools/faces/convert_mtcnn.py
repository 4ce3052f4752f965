"""Writes the face detector's weights as the one safetensors file that Whorl ships.

    python convert_mtcnn.py [--output ../../Sources/Detector/Resources/face-detector.safetensors]
"""

import argparse
import importlib.metadata
import pathlib

import torch
from facenet_pytorch.models import mtcnn
from safetensors.torch import save_file

PACKAGE = "facenet-pytorch"
HOME = "https://github.com/timesler/facenet-pytorch"
RESOURCES = pathlib.Path(__file__).resolve().parents[2] / "Sources" / "Detector" / "Resources"


def tensors() -> dict[str, torch.Tensor]:
    """The three nets' parameters under their own names, as PyTorch stores them, prefixed with the net's."""
    state = {}
    for prefix, net in (("pnet", mtcnn.PNet()), ("rnet", mtcnn.RNet()), ("onet", mtcnn.ONet())):
        for name, value in net.state_dict().items():
            state[f"{prefix}.{name}"] = value.to(torch.float32).contiguous()
    return state


def licence() -> str:
    """The package's licence with its copyright line."""
    for file in importlib.metadata.files(PACKAGE) or []:
        if file.name == "LICENSE.md":
            return file.read_text()
    raise SystemExit(f"{PACKAGE} comes without its licence")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=pathlib.Path, default=RESOURCES / "face-detector.safetensors")
    output = parser.parse_args().output
    version = importlib.metadata.version(PACKAGE)
    metadata = {
        "name": "MTCNN (Zhang et al. 2016, arXiv:1604.02878)",
        "origin": f"{PACKAGE} {version}, {HOME}",
        "licence": "MIT, Copyright (c) 2019 Timothy Esler; the text is in face-detector.LICENSE",
        "version": version,
        "format": "pt",
    }
    save_file(tensors(), output, metadata=metadata)
    output.chmod(0o644)
    heading = (
        f"The weights in {output.name} are those of {PACKAGE} {version} "
        f"({HOME}),\n"
        "an implementation of MTCNN (Zhang, Zhang, Li and Qiao 2016, arXiv:1604.02878), stored in another format and\n"
        "otherwise unchanged. That package's licence:\n\n"
    )
    output.with_suffix(".LICENSE").write_text(heading + licence())
    print(f"{output}: {output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
