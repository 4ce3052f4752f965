"""Writes PyTorch's gradients and training steps of a seeded ResNet18 to Tests/DetectorTests/Fixtures/gradient-values.json.

    python make_gradient_values.py [--output ../../Tests/DetectorTests/Fixtures/gradient-values.json]

Computed in float64 from the float32 weights that the tests start from, so that what differs is the other side's rounding alone.
"""

import argparse
import json
import math
import pathlib

import numpy as np
import torch
import torchvision

import seeded_values
from make_test_values import SEED, seeded_network

PICTURES = 4
SAMPLES = 40
STEPS = 5
# By form, which pictures: such that no activation of the later layers comes so near to zero that float32 and float64 disagree about its sign.
# One that does moves every gradient before it, with batch statistics by a part in a thousand.
DRAWS = {"folded": 2, "frozen": 0, "batch": 4}
MEAN = np.array([0.485, 0.456, 0.406])
DEVIATION = np.array([0.229, 0.224, 0.225])


def pictures(draw: int) -> torch.Tensor:
    """`[4, 3, 224, 224]`, normalised: bytes as the tests make them from the same seed."""
    count = PICTURES * 224 * 224 * 3
    squares = seeded_values.uniform(SEED + draw, "coarse pictures", PICTURES * 7 * 7 * 3).reshape(PICTURES, 7, 7, 3)
    noise = seeded_values.uniform(SEED + draw, "fine pictures", count).reshape(PICTURES, 224, 224, 3)
    large = squares.repeat(32, axis=1).repeat(32, axis=2)
    rgb = np.clip(np.floor(128 + 90 * large + 30 * noise), 0, 255)
    normalised = ((rgb / 255 - MEAN) / DEVIATION).transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(normalised))


class FoldedBlock(torch.nn.Module):
    def __init__(self, block: torch.nn.Module):
        super().__init__()
        self.conv1, self.conv2 = folded(block.conv1, block.bn1), folded(block.conv2, block.bn2)
        self.downsample = None
        if block.downsample is not None:
            self.downsample = torch.nn.ModuleList([folded(block.downsample[0], block.downsample[1])])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = x if self.downsample is None else self.downsample[0](x)
        return (self.conv2(self.conv1(x).relu()) + shortcut).relu()


class FoldedNetwork(torch.nn.Module):
    """ResNet18 with a bias in place of each normalisation."""

    def __init__(self, network: torch.nn.Module):
        super().__init__()
        self.conv1 = folded(network.conv1, network.bn1)
        for layer in range(1, 5):
            blocks = [FoldedBlock(block) for block in getattr(network, f"layer{layer}")]
            setattr(self, f"layer{layer}", torch.nn.Sequential(*blocks))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.nn.functional.max_pool2d(self.conv1(x).relu(), 3, 2, 1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean(dim=(2, 3))


def folded(convolution: torch.nn.Conv2d, norm: torch.nn.BatchNorm2d) -> torch.nn.Conv2d:
    """Factors in double, weights and biases rounded to float32 as a checkpoint holds them."""
    factor = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    result = torch.nn.Conv2d(
        convolution.in_channels, convolution.out_channels, convolution.kernel_size, convolution.stride, convolution.padding
    )
    weight = (convolution.weight.double() * factor[:, None, None, None]).float()
    bias = (norm.bias.double() - norm.running_mean.double() * factor).float()
    result.load_state_dict({"weight": weight, "bias": bias})
    return result


def model(form: str) -> tuple[torch.nn.Module, torch.nn.Module]:
    network, head = seeded_network("linear")
    if form == "folded":
        network = FoldedNetwork(network)
    network, head = network.double(), head.double()
    network.train(form == "batch")
    return network, head


def summary(name: str, values: torch.Tensor) -> dict:
    flat = values.detach().reshape(-1)
    places = (seeded_values.uniform(SEED, "gradient." + name, SAMPLES) + 1) / 2 * flat.numel()
    indices = [int(place) for place in places]
    return {
        "name": name,
        "norm": float(f"{float(flat.norm()):.9g}"),
        "indices": indices,
        "values": [float(f"{float(flat[index]):.9g}") for index in indices],
    }


def parameters(network: torch.nn.Module, head: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    named = {name: value for name, value in network.named_parameters() if not name.startswith("fc.")}
    return named | {"fc." + name: value for name, value in head.named_parameters()}


def form_values(form: str, draw: int) -> dict:
    images, labels = pictures(draw), torch.tensor([0.0, 1.0] * (PICTURES // 2), dtype=torch.float64)
    network, head = model(form)
    named = parameters(network, head)
    start = {name: value.detach().clone() for name, value in named.items()}
    decaying = [value for name, value in named.items() if value.dim() > 1 and not name.startswith("fc.")]
    spared = [value for name, value in named.items() if value.dim() == 1 and not name.startswith("fc.")]
    optimiser = torch.optim.AdamW(
        [
            {"params": decaying, "lr": 1e-4, "weight_decay": 0.01},
            {"params": spared, "lr": 1e-4, "weight_decay": 0.0},
            {"params": [named["fc.weight"]], "lr": 1e-3, "weight_decay": 0.01},
            {"params": [named["fc.bias"]], "lr": 1e-3, "weight_decay": 0.0},
        ]
    )
    values: dict = {"form": form, "pictureSeed": SEED + draw, "losses": []}
    for step in range(STEPS):
        optimiser.zero_grad()
        logits = head(network(images)).reshape(-1)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)
        loss.backward()
        values["losses"].append(float(loss))
        if step == 0:
            values["logits"] = logits.tolist()
            values["gradients"] = [summary(name, value.grad) for name, value in named.items()]
        optimiser.step()
    values["updates"] = [summary(name, value.detach() - start[name]) for name, value in named.items()]
    if form == "batch":
        state = network.state_dict()
        values["statistics"] = [
            summary(name, value.double()) for name, value in state.items() if name.endswith(("running_mean", "running_var"))
        ]
    return values


def main() -> None:
    default = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "DetectorTests" / "Fixtures" / "gradient-values.json"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=pathlib.Path, default=default, help="the file to write")
    parser.add_argument("--draw", type=int, help="these pictures for every form")
    parser.add_argument("--forms", nargs="+", default=list(DRAWS))
    arguments = parser.parse_args()
    output = arguments.output
    draws = {form: DRAWS[form] if arguments.draw is None else arguments.draw for form in arguments.forms}
    values = {
        "seed": SEED,
        "pictures": PICTURES,
        "torch": torch.__version__.split("+")[0],
        "torchvision": torchvision.__version__.split("+")[0],
        "forms": [form_values(form, draw) for form, draw in draws.items()],
    }
    assert all(math.isfinite(loss) for form in values["forms"] for loss in form["losses"])
    output.write_text(json.dumps(values, separators=(",", ":")) + "\n")
    print(f"{output.stat().st_size:8d} {output.name}")


if __name__ == "__main__":
    main()
