"""One peer as a process: loads a network once, prints its logits, then runs as many forwards as it is told to.

    python forward_peer.py torch-compiled --weights model.safetensors --input frames-16.npy --threads 2 [--isa avx2]
    python forward_peer.py onnxruntime    --weights model-16.onnx     --input frames-16.npy --threads 2

It speaks as `whorl bench forward --serve` does: the logits as one JSON list on one line; then for each integer read from
a line the seconds of that many forwards as one JSON list on one line, until the input ends.
"""

import argparse
import os
import pathlib
from collections.abc import Callable

# What a peer imports reads the environment once, so each is imported after `limit` has set it.
import numpy as np

import serving

Forward = Callable[[], np.ndarray]

# oneDNN is in both torch and OpenVINO; OpenVINO has kernels of its own besides, which ask for OV_CPU_MAX_ISA.
AVX2_ENVIRONMENT = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "DNNL_MAX_CPU_ISA": "AVX2",
    "OV_CPU_MAX_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}


def limit(threads: int, isa: str) -> None:
    """Sets what the libraries read when they are loaded."""
    serving.hold_to(threads)
    # Processes that compile in advance would stay and take time from whoever is measured.
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
    if isa == "avx2":
        os.environ.update(AVX2_ENVIRONMENT)


def torch_forward(kind: str, weights: pathlib.Path, frames: np.ndarray, threads: int, isa: str) -> Forward:
    import torch

    import make_inputs

    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    if isa == "avx2" and torch.backends.cpu.get_cpu_capability() != "AVX2":
        raise SystemExit(f"forward_peer: torch was told to keep to AVX2 and uses {torch.backends.cpu.get_cpu_capability()}")
    net = make_inputs.network(make_inputs.load(weights)[0])
    given = torch.from_numpy(frames)
    if kind != "torch-eager":
        net = net.to(memory_format=torch.channels_last)
        given = given.contiguous(memory_format=torch.channels_last)
    if kind == "torch-compiled":
        net = compiled(net, isa)

    def forward() -> np.ndarray:
        with torch.no_grad():
            return net(given).numpy()

    return forward


def compiled(net, isa: str):
    """torch.compile with its weights frozen: it folds the batch norms and packs the weights in advance."""
    import torch
    import torch._inductor.config as inductor

    inductor.freezing = True
    if isa == "avx2":
        inductor.cpp.simdlen = 256
    return torch.compile(net)


def onnxruntime_forward(weights: pathlib.Path, frames: np.ndarray, threads: int, isa: str) -> Forward:
    import onnxruntime

    if isa != "native":
        raise SystemExit("forward_peer: onnxruntime takes the widest kernels that the CPU has; no setting keeps it to others")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: frames})[0]


def openvino_settings(threads: int) -> dict[str, object]:
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": threads,
        # Left alone it takes bfloat16 where the CPU has it.
        "INFERENCE_PRECISION_HINT": "f32",
    }


def openvino_forward(weights: pathlib.Path, frames: np.ndarray, threads: int, isa: str) -> Forward:
    import openvino

    core = openvino.Core()
    network = core.compile_model(core.read_model(str(weights)), "CPU", openvino_settings(threads))
    if isa == "avx2":
        require_avx2_kernels(network)
    request = network.create_infer_request()
    request.set_input_tensor(openvino.Tensor(frames, shared_memory=True))

    def forward() -> np.ndarray:
        request.infer()
        return request.get_output_tensor().data

    return forward


def require_avx2_kernels(network) -> None:
    """OpenVINO names the kernel of each node that it will run; wider ones have their instructions in the name."""
    kernels = {node.get_rt_info()["primitiveType"].astype(str) for node in network.get_runtime_model().get_ops()}
    wide = sorted(kernel for kernel in kernels if "avx512" in kernel or "amx" in kernel)
    if wide:
        raise SystemExit(f"forward_peer: openvino was told to keep to AVX2 and uses {', '.join(wide)}")


def load(kind: str, weights: pathlib.Path, frames: np.ndarray, threads: int, isa: str) -> Forward:
    if kind == "onnxruntime":
        return onnxruntime_forward(weights, frames, threads, isa)
    if kind == "openvino":
        return openvino_forward(weights, frames, threads, isa)
    return torch_forward(kind, weights, frames, threads, isa)


def main() -> None:
    kinds = ["torch-eager", "torch-channels-last", "torch-compiled", "onnxruntime", "openvino"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=kinds)
    parser.add_argument("--weights", required=True, type=pathlib.Path, help=".safetensors for torch, .onnx for the others")
    parser.add_argument("--input", required=True, type=pathlib.Path, help="float32 [T, 3, 224, 224], .npy")
    parser.add_argument("--threads", required=True, type=int)
    parser.add_argument("--isa", choices=["native", "avx2"], default="native", help="the widest instructions to use")
    arguments = parser.parse_args()
    suffix = ".safetensors" if arguments.kind.startswith("torch") else ".onnx"
    if arguments.weights.suffix != suffix:
        parser.error(f"{arguments.kind} takes a {suffix} file")
    if arguments.threads < 1:
        parser.error("--threads is at least 1")

    limit(arguments.threads, arguments.isa)
    frames = np.load(arguments.input)
    forward = load(arguments.kind, arguments.weights, frames, arguments.threads, arguments.isa)
    serving.serve(forward().reshape(-1).tolist(), forward)


if __name__ == "__main__":
    main()
