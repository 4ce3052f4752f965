"""Writes Tests/DetectorTests/Fixtures/calibrated.safetensors: a seeded network's measured batch norms and its results.

    python make_calibrated_values.py [--output ../../Tests/DetectorTests/Fixtures/calibrated.safetensors]
    python make_calibrated_values.py --study [--clips 8]

The convolutions, gammas and betas are `seeded_values`' own and are not stored. The statistics of the batch norms are
measured on made-up pictures, so that every layer's values are of order 1 and half of them are cut by the ReLU, as in a
trained network; the head is scaled so that the logits of those pictures have mean 0 and standard deviation 1. So this
network tells what a number format costs, which that of `make_test_values.py`, whose statistics are made up, does not.

`--study` stores nothing: it runs the network in emulated number formats and prints how far they are from float32.
"""

import argparse
import json
import pathlib
from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as functional
import torchvision
from safetensors.torch import save

import make_reference
import make_test_values
import seeded_values

SEED = 20250
FRAMES = 2
# Pictures of each kind that the statistics are measured on.
CALIBRATION_FRAMES = 16
WAVES = 5


def waves(seed: int, count: int) -> np.ndarray:
    """`[count, 3, 224, 224]`: smooth coloured waves of differing brightness and contrast with fine noise on them."""
    size = seeded_values.FRAME_SIZE
    y, x = np.mgrid[0:size, 0:size] / size
    pictures = np.empty((count, 3, size, size), dtype=np.float32)
    for index in range(count):
        parameters = seeded_values.uniform(seed, f"waves{index}", WAVES * 6 + 5)
        picture = np.zeros((3, size, size))
        for wave in parameters[: WAVES * 6].reshape(WAVES, 6):
            across, down, phase = 6 * wave[0], 6 * wave[1], wave[2] / 2
            picture += np.cos(2 * np.pi * (across * x + down * y + phase)) * wave[3:, None, None]
        contrast, noise = parameters[-5:-3]
        brightness = parameters[-3:, None, None]
        fine = seeded_values.uniform(seed, f"noise{index}", 3 * size * size).reshape(3, size, size)
        pictures[index] = (0.75 + 0.5 * contrast) * picture + brightness + (0.25 + 0.25 * noise) * fine
    return pictures


def calibration_pictures() -> torch.Tensor:
    """Squares as in the tests' input and waves; never the pictures that the results are of."""
    squares = seeded_values.frames(SEED + 1, CALIBRATION_FRAMES)
    return torch.from_numpy(np.concatenate([squares, waves(SEED + 2, CALIBRATION_FRAMES)]))


def calibrated_network(pictures: torch.Tensor) -> tuple[torch.nn.Module, torch.nn.Linear]:
    """The seeded backbone with measured statistics and a head scaled to the pictures' features, both float32.

    Measured in float64, so that a rerun elsewhere rounds to the same float32 values.
    """
    backbone = torchvision.models.resnet18(weights=None)
    backbone.fc = torch.nn.Identity()
    shapes = {name: list(value.shape) for name, value in backbone.named_parameters()}
    weights = {name: torch.from_numpy(seeded_values.tensor(SEED, name, shape)) for name, shape in shapes.items()}
    backbone.load_state_dict(weights, strict=False)
    for module in backbone.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    with torch.no_grad():
        backbone.double().train()(pictures.double())
        # Rounded before the features are computed: they are to be those of the stored statistics.
        backbone.float().eval()
        features = backbone.double()(pictures.double())
        backbone.float()
        weight = torch.from_numpy(seeded_values.tensor(SEED, "fc.weight", [1, 512])).double()
        logits = features @ weight[0]
        head = torch.nn.Linear(512, 1)
        head.weight.copy_(weight / logits.std())
        head.bias.copy_(-logits.mean() / logits.std())
    return backbone, head.eval()


def results(backbone: torch.nn.Module, head: torch.nn.Module, frames: torch.Tensor) -> dict[str, torch.Tensor]:
    """The results as `make_reference` has them, with layer4 and the logit of each frame by itself; no input."""
    activations = []
    hook = backbone.layer4.register_forward_hook(lambda _module, _input, output: activations.append(output.detach()))
    try:
        tensors = make_reference.reference_tensors(backbone, head, frames)
    finally:
        hook.remove()
    del tensors["input"]
    tensors["layer4"] = activations[0].contiguous()
    with torch.no_grad():
        tensors["frame_logits"] = head(tensors["features"]).reshape(-1)
    return tensors


def exact_results(backbone: torch.nn.Module, head: torch.nn.Module, frames: torch.Tensor) -> dict[str, torch.Tensor]:
    """The results in float64 from the same float32 weights."""
    try:
        return results(backbone.double(), head.double(), frames.double())
    finally:
        backbone.float()
        head.float()


def relative_error(values: torch.Tensor, expected: torch.Tensor) -> float:
    """The largest difference as a part of the largest expected value."""
    return float((values.double() - expected.double()).abs().max() / expected.double().abs().max())


def stored_tensors(backbone: torch.nn.Module, head: torch.nn.Module) -> dict[str, torch.Tensor]:
    frames = torch.from_numpy(seeded_values.frames(SEED, FRAMES))
    computed = results(backbone, head, frames)
    exact = exact_results(backbone, head, frames)
    tensors = {
        name: value for name, value in backbone.state_dict().items() if name.endswith(("running_mean", "running_var"))
    }
    tensors |= {"fc.weight": head.weight.detach(), "fc.bias": head.bias.detach()}
    tensors |= computed
    tensors["layer4_f64_error"] = torch.tensor([relative_error(computed["layer4"], exact["layer4"])])

    print("PyTorch's float32 against its float64, largest difference / largest value:")
    for name in ("layer4", "features", "cam"):
        print(f"  {name:8s} {relative_error(computed[name], exact[name]):.1e}")
    print(f"  logit    {float((computed['logit'].double() - exact['logit']).abs()):.1e} (absolute)")
    print(f"frame logits {[round(value, 4) for value in computed['frame_logits'].tolist()]}, ", end="")
    print(f"clip {computed['logit'].item():.4f}, cam {computed['cam'].min():.4f} to {computed['cam'].max():.4f}")
    return tensors


def file_bytes(tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> bytes:
    """A safetensors file; the library alone orders the metadata differently in every run."""
    data = save(tensors, metadata)
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8:end]) | {"__metadata__": metadata}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data[end:]


def print_layers(backbone: torch.nn.Module, head: torch.nn.Module, pictures: torch.Tensor) -> None:
    """What the layers look like on pictures that the statistics were not measured on."""
    print(f"{'layer':20s} {'std':>6s} {'max':>6s} {'zeros':>6s}  channels that are 0 throughout")
    for name, values in make_test_values.layer_outputs(backbone, pictures).items():
        largest = values.abs().amax(dim=(0, 2, 3))
        silent = f"{int((largest == 0).sum())} of {len(largest)}"
        print(f"{name:20s} {values.std():6.3f} {values.abs().max():6.2f} {(values == 0).float().mean():6.1%}  {silent}")
    with torch.no_grad():
        logits = head(backbone(pictures))
    print(f"logits of these {len(pictures)} pictures: mean {logits.mean():.3f}, std {logits.std():.3f}; ", end="")
    print(f"norm of the head's weights {head.weight.detach().norm():.2f}, bias {head.bias.item():.3f}")


class NumberFormat:
    """What a tensor is stored as between layers, and the parts that a convolution multiplies, float32 accumulated."""

    def __init__(self, name: str, parts: Callable[[torch.Tensor], list[torch.Tensor]], products: list[tuple[int, int]]):
        self.name = name
        # The stored value is the sum of the parts.
        self.parts = parts
        # Which part of the input meets which part of the weights.
        self.products = products

    def stored(self, values: torch.Tensor) -> torch.Tensor:
        return sum(self.parts(values))

    def convolve(self, values: torch.Tensor, weights: torch.Tensor, stride: int, padding: int) -> torch.Tensor:
        """All products in one sum: the parts lie side by side as channels of a single float32 convolution."""
        inputs, factors = self.parts(values), self.parts(weights)
        wide = torch.cat([inputs[left] for left, _ in self.products], dim=1)
        kernels = torch.cat([factors[right] for _, right in self.products], dim=1)
        return functional.conv2d(wide, kernels, stride=stride, padding=padding)


def rounded(values: torch.Tensor) -> torch.Tensor:
    return values.bfloat16().float()


def halves(values: torch.Tensor) -> list[torch.Tensor]:
    high = rounded(values)
    return [high, rounded(values - high)]


FORMATS = [
    NumberFormat("float32", lambda values: [values], [(0, 0)]),
    NumberFormat("split", halves, [(0, 0), (0, 1), (1, 0)]),
    NumberFormat("bf16", lambda values: [rounded(values)], [(0, 0)]),
]


class FoldedNetwork:
    """The backbone as Whorl runs it: normalisation folded into the convolutions in float64, biases float32."""

    def __init__(self, backbone: torch.nn.Module):
        self.backbone = backbone

    def layer4(self, frames: torch.Tensor, form: NumberFormat) -> torch.Tensor:
        """Layer4 as stored, [T, 512, 7, 7]; the residual is added and the ReLU applied before the rounding."""
        network = self.backbone
        current = form.stored(self._convolution(network.conv1, network.bn1, frames, form).relu())
        current = functional.max_pool2d(current, kernel_size=3, stride=2, padding=1)
        for layer in (network.layer1, network.layer2, network.layer3, network.layer4):
            for block in layer:
                inner = form.stored(self._convolution(block.conv1, block.bn1, current, form).relu())
                shortcut = current
                if block.downsample is not None:
                    shortcut = form.stored(self._convolution(*block.downsample, current, form))
                current = form.stored((self._convolution(block.conv2, block.bn2, inner, form) + shortcut).relu())
        return current

    @staticmethod
    def _convolution(
        convolution: torch.nn.Conv2d, norm: torch.nn.BatchNorm2d, values: torch.Tensor, form: NumberFormat
    ) -> torch.Tensor:
        factor = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
        weights = (convolution.weight.double() * factor[:, None, None, None]).float()
        bias = (norm.bias.double() - norm.running_mean.double() * factor).float()
        sums = form.convolve(values, weights, convolution.stride[0], convolution.padding[0])
        return sums + bias[:, None, None]


def study_clips(count: int) -> Iterator[tuple[str, torch.Tensor]]:
    for clip in range(count):
        kind, pictures = ("waves", waves) if clip % 2 else ("squares", seeded_values.frames)
        yield kind, torch.from_numpy(pictures(SEED + 100 + clip, FRAMES))


def study(backbone: torch.nn.Module, head: torch.nn.Linear, clips: int) -> None:
    """Differences of each number format from PyTorch's float32; means, head and map are float32 in all of them."""
    folded = FoldedNetwork(backbone)
    columns = ["layer4", "cam", "frame logit", "logit", "probability"]
    print("layer4 and cam: largest difference / largest value; logits and probability: difference")
    print(f"{'format':8s} {'clip':12s} " + " ".join(f"{column:>11s}" for column in columns))
    errors: dict[str, list[list[float]]] = {form.name: [] for form in FORMATS}
    for clip, (kind, frames) in enumerate(study_clips(clips)):
        expected = results(backbone, head, frames)
        for form in FORMATS:
            with torch.no_grad():
                layer4 = folded.layer4(form.stored(frames), form)
                features = layer4.mean(dim=(2, 3))
                frame_logits = head(features).reshape(-1)
                logit = head(features.mean(dim=0, keepdim=True)).reshape(1)
                cam = (head.weight.reshape(1, 512, 1, 1) * layer4).sum(dim=1) / (len(frames) * 49)
            probabilities = logit.double().sigmoid(), expected["logit"].double().sigmoid()
            row = [
                relative_error(layer4, expected["layer4"]),
                relative_error(cam, expected["cam"]),
                float((frame_logits - expected["frame_logits"]).abs().max()),
                float((logit - expected["logit"]).abs()),
                float((probabilities[0] - probabilities[1]).abs()),
            ]
            errors[form.name].append(row)
            label = f"{clip} {kind}"
            print(f"{form.name:8s} {label:12s} " + " ".join(f"{value:11.1e}" for value in row))
    for form in FORMATS:
        rows = np.array(errors[form.name])
        for label, values in (("mean", rows.mean(axis=0)), ("worst", rows.max(axis=0))):
            print(f"{form.name:8s} {label:12s} " + " ".join(f"{value:11.1e}" for value in values))


def main() -> None:
    folder = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "DetectorTests" / "Fixtures"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = folder / "calibrated.safetensors"
    parser.add_argument("--output", type=pathlib.Path, default=default, help="the file to write")
    parser.add_argument("--study", action="store_true", help="compare number formats and write nothing")
    parser.add_argument("--clips", type=int, default=8, help="of the study, two frames each")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    backbone, head = calibrated_network(calibration_pictures())
    if arguments.study:
        study(backbone, head, arguments.clips)
        return
    fresh = np.concatenate([seeded_values.frames(SEED + 3, 8), waves(SEED + 4, 8)])
    print_layers(backbone, head, torch.from_numpy(fresh))
    tensors = stored_tensors(backbone, head)
    metadata = {"seed": str(SEED), "frames": str(FRAMES), "torch": torch.__version__.split("+")[0]}
    arguments.output.write_bytes(file_bytes(tensors, metadata))
    print(f"{arguments.output.stat().st_size} bytes {arguments.output.name}")


if __name__ == "__main__":
    main()
