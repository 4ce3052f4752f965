"""Writes the expectations and small checkpoints in Tests/DetectorTests/Fixtures.

    python make_test_values.py [--output ../../Tests/DetectorTests/Fixtures]
"""

import argparse
import collections
import json
import math
import os
import pathlib

import numpy as np
import torch
import torchvision

import make_reference
import seeded_values

SEED = 20240
FRAMES = 3
SAMPLES = 24


class SystemCall:
    """Unpickled by Python's own reader it would run a program; Whorl must name and refuse it."""

    def __reduce__(self):
        return os.system, ("echo this must never run",)


def seeded_network(head_kind: str) -> tuple[torch.nn.Module, torch.nn.Module]:
    backbone = torchvision.models.resnet18(weights=None)
    backbone.fc = torch.nn.Identity()
    state = {}
    for name, value in backbone.state_dict().items():
        if name.endswith("num_batches_tracked"):
            state[name] = value
        else:
            state[name] = torch.from_numpy(seeded_values.tensor(SEED, name, list(value.shape)))
    backbone.load_state_dict(state)
    if head_kind == "linear":
        head = seeded_linear("fc", 1)
    else:
        head = torch.nn.Sequential(seeded_linear("fc.0", 512), torch.nn.ReLU(), seeded_linear("fc.2", 1))
    return backbone.eval(), head.eval()


def seeded_linear(name: str, outputs: int) -> torch.nn.Linear:
    layer = torch.nn.Linear(512, outputs)
    layer.load_state_dict(
        {
            "weight": torch.from_numpy(seeded_values.tensor(SEED, name + ".weight", [outputs, 512])),
            "bias": torch.from_numpy(seeded_values.tensor(SEED, name + ".bias", [outputs])),
        }
    )
    return layer


def layer_outputs(backbone: torch.nn.Module, frames: torch.Tensor) -> dict[str, torch.Tensor]:
    """Each layer's output under the name that Whorl's forward pass reports it by."""
    outputs: dict[str, torch.Tensor] = {}

    def keep(name: str, rectified: bool = False):
        # The ReLU after a normalisation is one module used twice, so it is applied here.
        return lambda _module, _input, output: outputs.__setitem__(name, output.relu() if rectified else output)

    hooks = [
        backbone.bn1.register_forward_hook(keep("conv1", rectified=True)),
        backbone.maxpool.register_forward_hook(keep("maxpool")),
        backbone.avgpool.register_forward_hook(keep("avgpool")),
    ]
    for layer in range(1, 5):
        for index, block in enumerate(getattr(backbone, f"layer{layer}")):
            name = f"layer{layer}.{index}"
            hooks.append(block.bn1.register_forward_hook(keep(name + ".conv1", rectified=True)))
            if block.downsample is not None:
                hooks.append(block.downsample.register_forward_hook(keep(name + ".downsample")))
            hooks.append(block.register_forward_hook(keep(name)))
    with torch.no_grad():
        backbone(frames)
    for hook in hooks:
        hook.remove()
    return outputs


def summary(name: str, values: torch.Tensor) -> dict:
    """Norm, maximum and some values of a layer's output on all frames, [T, ...]."""
    flat = values.detach().double().reshape(values.shape[0], -1)
    places = (seeded_values.uniform(SEED, "samples." + name, SAMPLES) + 1) / 2 * flat.numel()
    indices = [int(place) for place in places]
    return {
        "name": name,
        "shape": list(values.shape[1:]),
        "norm": math.sqrt(float((flat**2).sum())),
        "maximum": float(flat.abs().max()),
        "indices": indices,
        "values": [float(flat.reshape(-1)[index]) for index in indices],
    }


def network_values() -> dict:
    torch.manual_seed(0)
    frames = torch.from_numpy(seeded_values.frames(SEED, FRAMES))
    backbone, _ = seeded_network("linear")
    values = {"seed": SEED, "frames": FRAMES, "torch": torch.__version__.split("+")[0], "layers": [], "heads": {}}
    values["layers"] = [summary(name, output) for name, output in layer_outputs(backbone, frames).items()]
    for kind in ("linear", "mlp"):
        backbone, head = seeded_network(kind)
        tensors = make_reference.reference_tensors(backbone, head, frames)
        with torch.no_grad():
            frame_logits = head(tensors["features"]).reshape(-1)
        values["heads"][kind] = {
            "logit": tensors["logit"].item(),
            "frameLogits": frame_logits.tolist(),
            "cam": tensors["cam"].reshape(-1).tolist(),
        }
        values["features"] = tensors["features"].reshape(-1).tolist()
    return values


def tiny_checkpoint() -> dict:
    """Every kind of tensor the reader knows, beside what training scripts store with them."""
    base = torch.arange(24, dtype=torch.float32) / 8
    state = collections.OrderedDict()
    state["plain"] = base[:6].clone().reshape(2, 3)
    state["transposed"] = base[:6].clone().reshape(2, 3).t()
    state["window"] = base[4:10]
    state["shared"] = base.reshape(4, 6)[1:3, 2:5]
    state["parameter"] = torch.nn.Parameter(torch.tensor([0.5, -1.5]))
    state["half"] = torch.tensor([1.0, -2.5, 6.1035e-05, 5.9605e-08, 65504.0], dtype=torch.float16)
    state["bfloat"] = torch.tensor([1.0, -3.140625, 1e30], dtype=torch.bfloat16)
    state["double"] = torch.tensor([0.1, -1e-3], dtype=torch.float64)
    state["scalar"] = torch.tensor(7.25)
    state["empty"] = torch.zeros(0, 3)
    state["num_batches_tracked"] = torch.tensor(12, dtype=torch.int64)
    return {
        "epoch": 17,
        "best_score": 0.8125,
        "history": [0.5, 0.25, None, True],
        "config": {"name": "tiny", "shape": (3, 224, 224), "size": torch.Size([2, 3])},
        "optimizer_state_dict": {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.ones(2)}}, "param_groups": []},
        "model_state_dict": state,
    }


def main() -> None:
    default = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "DetectorTests" / "Fixtures"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=pathlib.Path, default=default, help="the folder to write to")
    output = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)

    (output / "network-values.json").write_text(json.dumps(network_values()) + "\n")
    tiny = tiny_checkpoint()
    torch.save(tiny, output / "tiny-zip.pth")
    torch.save(tiny, output / "tiny-legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({"state_dict": {"weight": torch.ones(2)}, "hook": SystemCall()}, output / "system-call-zip.pth")
    torch.save(
        {"state_dict": {"weight": torch.ones(2)}, "hook": SystemCall()},
        output / "system-call-legacy.pth",
        _use_new_zipfile_serialization=False,
    )
    torch.save(torch.nn.Linear(2, 1), output / "whole-module.pth")
    arrays = {
        "plain": np.arange(6, dtype=np.float32).reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
        "half": np.array([1.0, -2.5], dtype=np.float16),
        "double": np.array([0.1, -1e-3]),
        "step": np.array(12),
    }
    np.savez(output / "tiny.npz", **arrays)
    np.savez_compressed(output / "tiny-deflated.npz", **arrays)
    for path in sorted(output.iterdir()):
        print(f"{path.stat().st_size:8d} {path.name}")


if __name__ == "__main__":
    main()
