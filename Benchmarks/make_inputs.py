"""Makes what every contender is given: calibrated weights, pictures, the same network as ONNX, and torch's own logits.

    python make_inputs.py --checkpoint untrained.safetensors --folder inputs --frames 1,16,64 --onnx 1,16

An initialised network has batch norms that have seen nothing, so its activations grow or vanish from layer to layer
and a comparison of its logits would say little. A few batches of made-up pictures set the running statistics, and the
head is laid along what those pictures differ in most, with logits of standard deviation 1. The card stays as it is.

The folder gets `model.safetensors`, for each T `frames-T.npy` [T, 3, 224, 224], the same as bytes in `pictures-T.rgb` [T, 224, 224, 3], and `model-T.onnx` (of fixed shape, so that
its runtimes can prepare for it), and `logits.json` with the logits of all 64 pictures, of which each T has the first.
"""

import argparse
import json
import math
import pathlib

import numpy as np
import torch
import torchvision
from safetensors import safe_open
from safetensors.torch import save_file

from normalisation import MEAN, STANDARD_DEVIATION

FRAME_SIZE = 224
MOST_FRAMES = 64
CALIBRATION_BATCHES = 4
CALIBRATION_BATCH = 16
WAVES = 12


def picture(seed: int, index: int) -> np.ndarray:
    """`[3, 224, 224]`, normalised: waves of a few cycles over the picture, the slower the stronger, and fine noise.

    Photographs have such a falling spectrum; white noise has not, and its activations are all alike.
    """
    random = np.random.default_rng([seed, index])
    steps = np.linspace(0, 2 * math.pi, FRAME_SIZE, endpoint=False, dtype=np.float32)
    total = np.zeros((3, FRAME_SIZE, FRAME_SIZE), dtype=np.float32)
    for _ in range(WAVES):
        down, right = random.uniform(-6, 6, size=2)
        wave = np.cos(down * steps[:, None] + right * steps[None, :] + random.uniform(0, 2 * math.pi))
        colour = random.normal(size=3) + 2 * random.normal()
        total += (colour[:, None, None] / (1 + math.hypot(down, right)) * wave).astype(np.float32)
    total *= random.uniform(0.08, 0.28) / total.std()
    total += random.uniform(0.25, 0.75, size=(3, 1, 1)).astype(np.float32)
    total += random.uniform(0.01, 0.06) * random.standard_normal(total.shape, dtype=np.float32)
    return (total.clip(0, 1) - MEAN[:, None, None]) / STANDARD_DEVIATION[:, None, None]


def pictures(seed: int, first: int, count: int) -> np.ndarray:
    return np.stack([picture(seed, index) for index in range(first, first + count)])


def rgb24(frames: np.ndarray) -> np.ndarray:
    """`[T, 224, 224, 3]` bytes, the nearest to the normalised frames."""
    values = frames * STANDARD_DEVIATION[:, None, None] + MEAN[:, None, None]
    return np.rint(255 * values).clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1)


def load(path: pathlib.Path) -> tuple[dict[str, torch.Tensor], dict[str, str] | None]:
    """The tensors and the metadata, in which the card is."""
    with safe_open(str(path), "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


def network(state: dict[str, torch.Tensor]) -> torch.nn.Module:
    """torchvision's ResNet18 with one output; Whorl's checkpoints have no counters of training steps."""
    net = torchvision.models.resnet18(weights=None, num_classes=1)
    missing, unexpected = net.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise SystemExit(f"make_inputs: no ResNet18 with a linear head: {', '.join(missing + unexpected)}")
    return net.eval()


def calibrate(net: torch.nn.Module, batches: list[torch.Tensor]) -> None:
    """Sets every batch norm's running statistics to the plain mean over the batches."""
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    net.train()
    with torch.no_grad():
        for batch in batches:
            net(batch)
    net.eval()


def features(net: torch.nn.Module, frames: torch.Tensor) -> torch.Tensor:
    """`[T, 512]`, what the head is given."""
    kept = []
    hook = net.fc.register_forward_hook(lambda _module, given, _output: kept.append(given[0]))
    try:
        with torch.no_grad():
            net(frames)
    finally:
        hook.remove()
    return kept[0]


def set_head(net: torch.nn.Module, batches: list[torch.Tensor]) -> None:
    """The first principal direction of the batches' features, scaled to logits of mean 0 and standard deviation 1.

    Training finds a direction in which pictures differ. A random one hardly sees them differ, and scaled to logits of
    the same spread it multiplies every rounding error by more than any trained head does.
    """
    seen = torch.cat([features(net, batch) for batch in batches]).double()
    mean = seen.mean(dim=0)
    direction = torch.linalg.svd(seen - mean, full_matrices=False).Vh[0]
    # Its sign is an accident of the decomposition.
    direction = direction * direction.sum().sign()
    weight = direction / ((seen - mean) @ direction).std()
    with torch.no_grad():
        net.fc.weight.copy_(weight[None])
        net.fc.bias.copy_(-(mean @ weight)[None])


def export(net: torch.nn.Module, frames: torch.Tensor, path: pathlib.Path) -> None:
    torch.onnx.export(
        net,
        (frames,),
        str(path),
        dynamo=True,
        external_data=False,
        input_names=["frames"],
        output_names=["logits"],
        verbose=False,
    )


def frame_counts(text: str) -> list[int]:
    try:
        counts = [int(word) for word in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"no list of numbers as 1,16: {text}") from None
    if not all(1 <= count <= MOST_FRAMES for count in counts):
        raise argparse.ArgumentTypeError(f"frames are 1 to {MOST_FRAMES}")
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", required=True, type=pathlib.Path, help="from `whorl model init`")
    parser.add_argument("--folder", required=True, type=pathlib.Path, help="where to write")
    parser.add_argument("--frames", required=True, type=frame_counts, help="as 1,16: a file of 1 picture and one of 16")
    parser.add_argument("--onnx", type=frame_counts, default=[], help="the same for ONNX files")
    parser.add_argument("--seed", type=int, default=1, help="of the pictures")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    state, metadata = load(arguments.checkpoint)
    net = network(state)
    # The head and the statistics never see the pictures that are measured with.
    firsts = [MOST_FRAMES + batch * CALIBRATION_BATCH for batch in range(CALIBRATION_BATCHES)]
    batches = [torch.from_numpy(pictures(arguments.seed, first, CALIBRATION_BATCH)) for first in firsts]
    calibrate(net, batches)
    set_head(net, batches)
    frames = pictures(arguments.seed, 0, MOST_FRAMES)
    calibrated = {name: net.state_dict()[name].contiguous() for name in state}
    save_file(calibrated, str(arguments.folder / "model.safetensors"), metadata=metadata)

    for count in arguments.frames:
        np.save(arguments.folder / f"frames-{count}.npy", frames[:count])
        (arguments.folder / f"pictures-{count}.rgb").write_bytes(rgb24(frames[:count]).tobytes())
    for count in arguments.onnx:
        export(net, torch.from_numpy(frames[:count]), arguments.folder / f"model-{count}.onnx")
    with torch.no_grad():
        logits = net(torch.from_numpy(frames)).reshape(-1)
    (arguments.folder / "logits.json").write_text(json.dumps(logits.tolist()) + "\n")


if __name__ == "__main__":
    main()
