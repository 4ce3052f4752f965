"""One peer that decodes, as a process: opens the clip anew for every run and takes its wanted frames as RGB of 224×224.

    python decode_peer.py pyav --clip clip.mp4 --threads 2 --frames 16 [--pixels frames.rgb]

It speaks as `whorl bench decode --serve` does: the frames' numbers as one JSON list on one line; then for each integer read from a line the
seconds of that many runs as one JSON list on one line, until the input ends. Each way is the fastest of its library that still answers for
the exact frame, or is here to be shown as one that does not: whoever starts it looks at the pixels.
"""

import argparse
import bisect
import functools
import pathlib
from collections.abc import Callable, Iterator

import numpy as np

import serving

SIDE = 224
# Of a clip's path, how many frames and how many threads: their numbers and the frames, each [height, width, 3].
Decode = Callable[[str, int, int], tuple[list[int], list[np.ndarray]]]


def middles(count: int, total: int) -> list[int]:
    """The middles of `count` equal shares of `total` frames, as Whorl samples."""
    return [(2 * index + 1) * total // (2 * count) for index in range(count)]


def scaled(frame: np.ndarray, width: int, height: int) -> np.ndarray:
    """OpenCV's quickest way. It reads four pixels around each point and skips the rest, which Whorl's scaler does not; averaging areas would, and
    take eight milliseconds a frame."""
    import cv2

    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR)


def opencv_capture(path: str, threads: int):
    import cv2

    cv2.setNumThreads(threads)
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads])
    if not capture.isOpened():
        raise SystemExit("decode_peer: OpenCV cannot open the clip")
    return capture, int(capture.get(cv2.CAP_PROP_FRAME_COUNT))


def opencv_retrieved(capture) -> np.ndarray:
    done, frame = capture.retrieve()
    if not done:
        raise SystemExit("decode_peer: OpenCV has no such frame")
    return frame


def opencv_grabbed(path: str, count: int, threads: int) -> Iterator[tuple[int, np.ndarray]]:
    """Every frame is decoded, the wanted ones alone become BGR."""
    capture, total = opencv_capture(path, threads)
    position = -1
    for number in middles(count, total):
        while position < number:
            capture.grab()
            position += 1
        yield number, opencv_retrieved(capture)
    capture.release()


def opencv_sought(path: str, count: int, threads: int) -> Iterator[tuple[int, np.ndarray]]:
    import cv2

    capture, total = opencv_capture(path, threads)
    for number in middles(count, total):
        capture.set(cv2.CAP_PROP_POS_FRAMES, number)
        capture.grab()
        yield number, opencv_retrieved(capture)
    capture.release()


def opencv(frames: Callable, path: str, count: int, threads: int) -> tuple[list[int], list[np.ndarray]]:
    import cv2

    taken = [(number, cv2.cvtColor(scaled(frame, SIDE, SIDE), cv2.COLOR_BGR2RGB)) for number, frame in frames(path, count, threads)]
    return [number for number, _ in taken], [frame for _, frame in taken]


def pyav_frames(path: str, count: int, threads: int) -> Iterator[tuple[int, object]]:
    """The packets' times, read without decoding, say which frame is which and where a group begins; from there it decodes."""
    import av

    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        packets = [(packet.pts, packet.is_keyframe) for packet in container.demux(stream) if packet.pts is not None]
        times = sorted(time for time, _ in packets)
        beginnings = sorted(time for time, is_keyframe in packets if is_keyframe)
        frame = None
        for number in middles(count, len(times)):
            wanted = times[number]
            beginning = beginnings[max(0, bisect.bisect_right(beginnings, wanted) - 1)]
            if frame is None or beginning > frame.pts:
                container.seek(beginning, stream=stream)
                decoded = container.decode(stream)
                frame = next(decoded)
            while frame.pts < wanted:
                frame = next(decoded)
            yield number, frame


def pyav(path: str, count: int, threads: int) -> tuple[list[int], list[np.ndarray]]:
    numbers, frames = [], []
    for number, frame in pyav_frames(path, count, threads):
        numbers.append(number)
        frames.append(frame.to_ndarray(width=SIDE, height=SIDE, format="rgb24", interpolation="BILINEAR"))
    return numbers, frames


def decord(path: str, count: int, threads: int) -> tuple[list[int], list[np.ndarray]]:
    import decord

    reader = decord.VideoReader(path, ctx=decord.cpu(0), width=SIDE, height=SIDE, num_threads=threads)
    numbers = middles(count, len(reader))
    return numbers, list(reader.get_batch(numbers).asnumpy())


def torchcodec(mode: str, path: str, count: int, threads: int) -> tuple[list[int], list[np.ndarray]]:
    """`mode` says whether it reads all packets first, to know every frame's place, or believes the frame rate."""
    from torchcodec.decoders import VideoDecoder
    from torchcodec.transforms import Resize

    decoder = VideoDecoder(
        path, dimension_order="NHWC", num_ffmpeg_threads=threads, seek_mode=mode, transforms=[Resize((SIDE, SIDE))]
    )
    numbers = middles(count, decoder.metadata.num_frames)
    return numbers, list(decoder.get_frames_at(numbers).data.numpy())


WAYS: dict[str, Decode] = {
    "opencv-grab": functools.partial(opencv, opencv_grabbed),
    "opencv-seek": functools.partial(opencv, opencv_sought),
    "pyav": pyav,
    "decord": decord,
    "torchcodec-exact": functools.partial(torchcodec, "exact"),
    "torchcodec-approximate": functools.partial(torchcodec, "approximate"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("--clip", required=True, help="the clip")
    parser.add_argument("--threads", required=True, type=int)
    parser.add_argument("--frames", required=True, type=int, help="how many")
    parser.add_argument("--pixels", type=pathlib.Path, help="write the frames once to this file, as RGB24")
    arguments = parser.parse_args()
    if arguments.threads < 1 or arguments.frames < 1:
        parser.error("--threads and --frames are at least 1")

    serving.hold_to(arguments.threads)

    def run() -> tuple[list[int], list[np.ndarray]]:
        return WAYS[arguments.way](arguments.clip, arguments.frames, arguments.threads)

    numbers, frames = run()
    if arguments.pixels is not None:
        np.stack(frames).tofile(arguments.pixels)
    serving.serve(numbers, run)


if __name__ == "__main__":
    main()
