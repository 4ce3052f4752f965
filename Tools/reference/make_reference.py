"""Writes what PyTorch computes for a ResNet18 checkpoint, for `whorl model verify` to compare with.

    python make_reference.py --checkpoint model.pth --output reference.safetensors [--frames 16] [--seed 1]

The checkpoint is a state dict (.pth, also nested under model_state_dict, state_dict or model, or .safetensors) of a
torchvision ResNet18 under any prefix, whose head is `[1, 512]`, or `[512, 512]` and `[1, 512]` with a ReLU between.
The output holds `input` [T, 3, 224, 224], `logit` [1], `features` [T, 512] and `cam` [T, 7, 7]: the signed Grad-CAM
(Selvaraju et al. 2017, equations 1 and 2 without the ReLU) of the clip's logit on layer4, from autograd.
"""

import argparse

import torch
import torchvision
from safetensors.torch import load_file, save_file

import seeded_values


def reference_tensors(backbone: torch.nn.Module, head: torch.nn.Module, frames: torch.Tensor) -> dict[str, torch.Tensor]:
    """Runs `head(mean over frames of backbone)`; `backbone` returns [T, 512] and has the block `layer4`."""
    activations = []
    hook = backbone.layer4.register_forward_hook(lambda _module, _input, output: activations.append(output))
    try:
        features = backbone(frames)
    finally:
        hook.remove()
    logit = head(features.mean(dim=0, keepdim=True)).reshape(1)
    (gradient,) = torch.autograd.grad(logit.sum(), activations[0])
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    cam = (weights * activations[0]).sum(dim=1)
    return {
        "input": frames.detach().contiguous(),
        "logit": logit.detach(),
        "features": features.detach().contiguous(),
        "cam": cam.detach().contiguous(),
    }


def network(state: dict[str, torch.Tensor]) -> tuple[torch.nn.Module, torch.nn.Module]:
    """The torchvision backbone (its fc the identity) and the head that the state dict describes."""
    anchor = "layer4.1.conv2.weight"
    prefixes = [name[: -len(anchor)] for name in state if name.endswith(anchor)]
    if len(prefixes) != 1:
        raise SystemExit(f"the state dict holds {len(prefixes)} ResNet18 backbones, one expected")
    prefix = prefixes[0]
    backbone = torchvision.models.resnet18(weights=None)
    backbone.fc = torch.nn.Identity()
    wanted = backbone.state_dict().keys()
    # The counters of training steps change nothing, and Whorl's own checkpoints have none.
    counters = [name for name in wanted if name.endswith("num_batches_tracked")]
    missing = [name for name in wanted if prefix + name not in state and name not in counters]
    if missing:
        raise SystemExit(f"missing from the state dict: {', '.join(missing)}")
    backbone.load_state_dict({name: state[prefix + name] for name in wanted if name not in counters}, strict=False)

    rest = {name: value for name, value in state.items() if name.removeprefix(prefix) not in wanted}
    outputs = [name for name, value in rest.items() if tuple(value.shape) == (1, 512)]
    hidden = [name for name, value in rest.items() if tuple(value.shape) == (512, 512)]
    if len(outputs) != 1 or len(hidden) > 1:
        raise SystemExit(f"no binary head among {sorted(rest)}")
    layers = [linear(rest, name) for name in hidden + outputs]
    head = layers[0] if len(layers) == 1 else torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1])
    return backbone.eval(), head.eval()


def linear(state: dict[str, torch.Tensor], weight_name: str) -> torch.nn.Linear:
    weight = state[weight_name]
    layer = torch.nn.Linear(weight.shape[1], weight.shape[0])
    layer.load_state_dict({"weight": weight, "bias": state[weight_name.removesuffix("weight") + "bias"]})
    return layer


def load_state(path: str) -> dict[str, torch.Tensor]:
    if path.endswith(".safetensors"):
        return load_file(path)
    contents = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("model_state_dict", "state_dict", "model"):
        if isinstance(contents.get(key), dict):
            return contents[key]
    return contents


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", required=True, help="state dict, .pth or .safetensors")
    parser.add_argument("--output", required=True, help="the reference to write, .safetensors")
    parser.add_argument("--frames", type=int, default=16, help="frames of the made-up clip, 1 to 64")
    parser.add_argument("--seed", type=int, default=1, help="of the made-up clip")
    arguments = parser.parse_args()
    backbone, head = network(load_state(arguments.checkpoint))
    frames = torch.from_numpy(seeded_values.frames(arguments.seed, arguments.frames))
    tensors = reference_tensors(backbone, head, frames)
    save_file(tensors, arguments.output)
    print(f"{arguments.output}: {arguments.frames} frames, logit {tensors['logit'].item():.6f}")


if __name__ == "__main__":
    main()
