"""One Python worker as a process: a clip to 16 logits and 16 pictures with Grad-CAM over them, as JPEG in memory.

    python clip_peer.py plain         --clip clip.mp4 --weights model.safetensors --threads 2
    python clip_peer.py pyav-openvino --clip clip.mp4 --weights model.safetensors --onnx model-16.onnx --threads 2

`plain` is what one writes first: OpenCV, PyTorch, and autograd for Grad-CAM. The others are the best that could be put together: frames from PyAV
or torchcodec, the network in OpenVINO, and Grad-CAM without a gradient, which a linear head allows. All speak as `whorl bench clip --serve` does:
the logits as one JSON list on one line; then for each integer read from a line the seconds of that many runs as one JSON list on one line. With
`--same frames.rgb` the logits of those frames follow on the first line: what differs there is the network and not how frames are scaled.
"""

import argparse
import pathlib
from collections.abc import Callable, Iterator

import numpy as np

import decode_peer
import serving

FRAMES = 16
SIDE = decode_peer.SIDE
# As large and as fine as Whorl's.
PICTURE = (480, 270)
JPEG_QUALITY = 88
# A frame as the network takes it, RGB of [224, 224, 3], and as people see it, BGR of [270, 480, 3].
Frames = Iterator[tuple[np.ndarray, np.ndarray]]
# From [T, 224, 224, 3] to logits [T] and maps [T, 7, 7].
Network = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def opencv_frames(path: str, threads: int) -> Frames:
    import cv2

    for _, frame in decode_peer.opencv_grabbed(path, FRAMES, threads):
        given = decode_peer.scaled(frame, SIDE, SIDE)
        yield cv2.cvtColor(given, cv2.COLOR_BGR2RGB), decode_peer.scaled(frame, *PICTURE)


def pyav_frames(path: str, threads: int) -> Frames:
    width, height = PICTURE
    for _, frame in decode_peer.pyav_frames(path, FRAMES, threads):
        picture = frame.to_ndarray(width=width, height=height, format="bgr24", interpolation="BILINEAR")
        yield frame.to_ndarray(width=SIDE, height=SIDE, format="rgb24", interpolation="BILINEAR"), picture


def torchcodec_frames(path: str, threads: int) -> Frames:
    """Whole frames, since its transforms make one size and two are wanted."""
    import cv2
    from torchcodec.decoders import VideoDecoder

    decoder = VideoDecoder(path, dimension_order="NHWC", num_ffmpeg_threads=threads, seek_mode="approximate")
    for frame in decoder.get_frames_at(decode_peer.middles(FRAMES, decoder.metadata.num_frames)).data.numpy():
        picture = decode_peer.scaled(frame, *PICTURE)
        yield decode_peer.scaled(frame, SIDE, SIDE), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)


def torch_network(weights: pathlib.Path, threads: int) -> Network:
    import torch

    import make_inputs

    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    net = make_inputs.network(make_inputs.load(weights)[0]).to(memory_format=torch.channels_last)
    mean = torch.from_numpy(make_inputs.MEAN)[:, None, None]
    deviation = torch.from_numpy(make_inputs.STANDARD_DEVIATION)[:, None, None]
    kept = []
    net.layer4.register_forward_hook(lambda _module, _given, output: kept.append(output))

    def judge(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        kept.clear()
        # [T, 3, 224, 224] of which the channels lie side by side, as they do in the frames.
        given = (torch.from_numpy(frames).permute(0, 3, 1, 2) / 255 - mean) / deviation
        logits = net(given).reshape(-1)
        (gradient,) = torch.autograd.grad(logits.sum(), kept[0])
        maps = (gradient.mean(dim=(2, 3), keepdim=True) * kept[0]).sum(dim=1)
        return logits.detach().numpy(), maps.detach().numpy()

    return judge


def openvino_network(weights: pathlib.Path, onnx: pathlib.Path, threads: int) -> Network:
    import openvino
    from openvino.preprocess import PrePostProcessor
    from safetensors import safe_open

    import forward_peer
    from normalisation import MEAN, STANDARD_DEVIATION

    core = openvino.Core()
    model = core.read_model(str(onnx))
    # What goes into the mean over each channel is what layer4 gives.
    (pooling,) = [node for node in model.get_ops() if node.get_type_name() == "ReduceMean"]
    model.add_outputs([pooling.input_value(0)])
    steps = PrePostProcessor(model)
    steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    steps.input().model().set_layout(openvino.Layout("NCHW"))
    steps.input().preprocess().convert_element_type(openvino.Type.f32).mean(255 * MEAN).scale(255 * STANDARD_DEVIATION)
    request = core.compile_model(steps.build(), "CPU", forward_peer.openvino_settings(threads)).create_infer_request()
    with safe_open(str(weights), "numpy") as file:
        head = file.get_tensor("fc.weight").reshape(-1)

    def judge(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        request.set_input_tensor(openvino.Tensor(frames, shared_memory=True))
        request.infer()
        layer4 = request.get_output_tensor(1).data
        # The gradient of a linear head behind a mean is the head's weight over the number of places.
        maps = np.einsum("c,tcyx->tyx", head, layer4) / (layer4.shape[2] * layer4.shape[3])
        return request.get_output_tensor(0).data.reshape(-1).copy(), maps

    return judge


def overlays(pictures: list[np.ndarray], maps: np.ndarray) -> list[bytes]:
    """In one scale for the whole clip, as Whorl draws them."""
    import cv2

    largest = float(np.abs(maps).max()) or 1.0
    files = []
    for picture, heat in zip(pictures, maps):
        levels = ((heat / largest + 1) * 127.5).astype(np.uint8)
        spread = cv2.applyColorMap(cv2.resize(levels, PICTURE, interpolation=cv2.INTER_LINEAR), cv2.COLORMAP_JET)
        drawn = cv2.addWeighted(picture, 0.5, spread, 0.5, 0)
        done, data = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        if not done:
            raise SystemExit("clip_peer: OpenCV cannot encode a JPEG")
        files.append(data.tobytes())
    return files


WORKERS = {"plain": opencv_frames, "pyav-openvino": pyav_frames, "torchcodec-openvino": torchcodec_frames}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("worker", choices=WORKERS)
    parser.add_argument("--clip", required=True, help="the clip")
    parser.add_argument("--weights", required=True, type=pathlib.Path, help="ResNet18 with a linear head, .safetensors")
    parser.add_argument("--onnx", type=pathlib.Path, help="the same for OpenVINO, of 16 frames")
    parser.add_argument("--same", type=pathlib.Path, help="16 frames as RGB24 of 224 by 224, to be judged once besides")
    parser.add_argument("--threads", required=True, type=int)
    arguments = parser.parse_args()
    if arguments.threads < 1:
        parser.error("--threads is at least 1")
    if arguments.onnx is None and arguments.worker != "plain":
        parser.error(f"{arguments.worker} needs --onnx")

    serving.hold_to(arguments.threads)
    import cv2

    cv2.setNumThreads(arguments.threads)
    if arguments.worker == "plain":
        network = torch_network(arguments.weights, arguments.threads)
    else:
        network = openvino_network(arguments.weights, arguments.onnx, arguments.threads)

    def run() -> list[float]:
        frames = list(WORKERS[arguments.worker](arguments.clip, arguments.threads))
        logits, maps = network(np.stack([given for given, _ in frames]))
        overlays([picture for _, picture in frames], maps)
        return logits.tolist()

    first = run()
    if arguments.same is not None:
        same = np.fromfile(arguments.same, dtype=np.uint8).reshape(FRAMES, SIDE, SIDE, 3)
        first += network(same)[0].tolist()
    serving.serve(first, run)


if __name__ == "__main__":
    main()
