"""PyTorch as a process: loads a network once, takes three steps of AdamW, prints their losses, then takes as many as it is told to.

    python train_peer.py torch-channels-last --weights model.safetensors --pictures pictures-32.rgb --norms folded --threads 2

It speaks as `whorl bench train --serve` does: the losses as one JSON list on one line; then for each integer read from a line the seconds of
that many steps as one JSON list on one line, until the input ends.
"""

import argparse
import os
import pathlib
from collections.abc import Callable

import numpy as np

import serving
from normalisation import MEAN, STANDARD_DEVIATION

SIDE = 224


def folded(network):
    """The same network with each batch norm folded into its convolution, which gets a bias."""
    import torch
    from torch.nn.utils.fusion import fuse_conv_bn_weights

    def fuse(convolution, norm):
        weight, bias = fuse_conv_bn_weights(
            convolution.weight, None, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
        )
        made = torch.nn.Conv2d(
            convolution.in_channels, convolution.out_channels, convolution.kernel_size, convolution.stride, convolution.padding
        )
        made.load_state_dict({"weight": weight.detach(), "bias": bias.detach()})
        return made

    network.conv1, network.bn1 = fuse(network.conv1, network.bn1), torch.nn.Identity()
    for layer in (network.layer1, network.layer2, network.layer3, network.layer4):
        for block in layer:
            block.conv1, block.bn1 = fuse(block.conv1, block.bn1), torch.nn.Identity()
            block.conv2, block.bn2 = fuse(block.conv2, block.bn2), torch.nn.Identity()
            if block.downsample is not None:
                block.downsample = torch.nn.Sequential(fuse(block.downsample[0], block.downsample[1]))
    return network


def stepper(kind: str, weights: pathlib.Path, pictures: pathlib.Path, norms: str, threads: int) -> Callable[[], float]:
    import torch

    import make_inputs

    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    rgb = np.fromfile(pictures, dtype=np.uint8).reshape(-1, SIDE, SIDE, 3)
    given = torch.from_numpy(((rgb / 255 - MEAN) / STANDARD_DEVIATION).transpose(0, 3, 1, 2).astype(np.float32).copy())
    network = make_inputs.network(make_inputs.load(weights)[0])
    if norms == "folded":
        network = folded(network)
    network.train(norms == "batch")
    if kind != "torch-eager":
        network = network.to(memory_format=torch.channels_last)
        given = given.contiguous(memory_format=torch.channels_last)
    forward = torch.compile(network) if kind == "torch-compiled" else network
    labels = torch.tensor([index % 2 for index in range(len(given))], dtype=torch.float32)
    weights_that_decay = [value for value in network.parameters() if value.dim() > 1]
    spared = [value for value in network.parameters() if value.dim() <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": weights_that_decay, "weight_decay": 0.01}, {"params": spared, "weight_decay": 0.0}], lr=1e-4
    )

    def step() -> float:
        optimiser.zero_grad(set_to_none=True)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(forward(given).reshape(-1), labels)
        loss.backward()
        optimiser.step()
        return float(loss.detach())

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=["torch-eager", "torch-channels-last", "torch-compiled"])
    parser.add_argument("--weights", required=True, type=pathlib.Path, help=".safetensors")
    parser.add_argument("--pictures", required=True, type=pathlib.Path, help="raw RGB24 [n, 224, 224, 3]")
    parser.add_argument("--norms", required=True, choices=["folded", "batch"])
    parser.add_argument("--threads", required=True, type=int)
    arguments = parser.parse_args()
    serving.hold_to(arguments.threads)
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
    step = stepper(arguments.kind, arguments.weights, arguments.pictures, arguments.norms, arguments.threads)
    serving.serve([step() for _ in range(3)], step)


if __name__ == "__main__":
    main()
