"""The clips that decoding is measured on: made by Debian's ffmpeg from one of the samples, and kept under the hash of how."""

import hashlib
import pathlib
import subprocess
import sys
from dataclasses import dataclass

from child import Failed

SAMPLE = pathlib.Path(__file__).resolve().parents[1] / "samples" / "astronaut-real.mp4"

# The sample's four seconds there and back again, without a cut, seen by a camera that drifts and sways; and the noise of film, so that
# motion vectors and residuals are those of a camera's pictures and not those of a drawing.
PICTURE = (
    "split[there][back];[back]reverse[reversed];[there][reversed]concat,loop=loop=-1:size=200,setpts=N/30/TB,"
    "scale=2304:2304:flags=bicubic,crop=2112:1216:x='96+80*sin(t*0.9)':y='420+60*sin(t*0.7)',rotate=a='0.02*sin(t*0.8)',"
    "crop=1920:1080,noise=alls=5:allf=t,format=yuv420p"
)
COLOURS = "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv"
DEADLINE_SECONDS = 3600


def h264(group: int, preset: str = "medium", quality: int = 23) -> str:
    return f"-c:v libx264 -preset {preset} -crf {quality} -g {group} -sc_threshold 0 -threads 2"


@dataclass(frozen=True)
class Clip:
    """1080p, 30 frames a second, yuv420p; `copies` of what was encoded, one after the other."""

    name: str
    title: str
    seconds: int
    encoder: str
    copies: int = 1
    suffix: str = ".mp4"

    @property
    def frames(self) -> int:
        return self.seconds * 30

    def wanted(self, count: int) -> list[int]:
        """The middles of `count` equal shares, as Whorl samples."""
        return [(2 * index + 1) * self.frames // (2 * count) for index in range(count)]


CLIPS = {
    clip.name: clip
    for clip in (
        Clip("h264-10-250", "H.264, 10 s, GOP 250", 10, h264(250)),
        Clip("h264-10-30", "H.264, 10 s, GOP 30", 10, h264(30)),
        Clip("h264-60-250", "H.264, 60 s, GOP 250", 60, h264(250)),
        Clip("h264-60-30", "H.264, 60 s, GOP 30", 60, h264(30)),
        Clip("hevc-10", "HEVC, 10 s", 10, "-c:v libx265 -preset medium -crf 22 -tag:v hvc1 -x265-params log-level=none:pools=2"),
        Clip(
            "vp9-10", "VP9, 10 s", 10, "-c:v libvpx-vp9 -deadline realtime -cpu-used 7 -b:v 3M -g 250 -row-mt 1 -threads 2", suffix=".webm"
        ),
        # Its length is what matters, so it is kept small.
        Clip("h264-3600-250", "H.264, 60 min, GOP 250", 3600, h264(250, "veryfast", 36), copies=360),
    )
}


def provided(names: list[str]) -> dict[str, pathlib.Path]:
    """The files of these clips, beside the environment that the peers are in; those that are missing are made."""
    folder = pathlib.Path(sys.prefix).parent / "bench-clips"
    return {name: make(CLIPS[name], SAMPLE, folder) for name in names}


def path_of(clip: Clip, sample: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """Another sample or another way of making it is another file."""
    recipe = " ".join(encode(clip, "SAMPLE", "RESULT")) + f" copies={clip.copies}"
    digest = hashlib.sha256(recipe.encode() + sample.read_bytes()).hexdigest()
    return folder / f"{clip.name}-{digest[:12]}{clip.suffix}"


def encode(clip: Clip, sample: str, result: str) -> list[str]:
    taken = ["-i", sample, "-filter_complex", PICTURE, "-an", "-r", "30", "-frames:v", str(clip.frames // clip.copies)]
    return taken + clip.encoder.split() + COLOURS.split() + [result]


def make(clip: Clip, sample: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """The clip's file, made if it is not there; by way of a file beside it, so that what is there is whole."""
    path = path_of(clip, sample, folder)
    if path.exists():
        return path
    print(f"making the clip {clip.name}", file=sys.stderr, flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f"new-{path.name}"
    piece = folder / f"piece-{path.name}"
    listed = folder / f"piece-{path.name}.txt"
    try:
        if clip.copies == 1:
            ffmpeg(encode(clip, str(sample), str(beside)))
        else:
            ffmpeg(encode(clip, str(sample), str(piece)))
            listed.write_text(f"file '{piece.name}'\n" * clip.copies)
            ffmpeg(["-f", "concat", "-i", str(listed), "-c", "copy", str(beside)])
        beside.replace(path)
    finally:
        for left in (beside, piece, listed):
            left.unlink(missing_ok=True)
    return path


def ffmpeg(arguments: list[str]) -> None:
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y"] + arguments
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_SECONDS)
    except FileNotFoundError:
        raise Failed("no ffmpeg; `deploy/install.sh bench` installs it") from None
    except subprocess.TimeoutExpired:
        raise Failed(f"ffmpeg: not done within {DEADLINE_SECONDS} s: {' '.join(command)}") from None
    if done.returncode != 0:
        raise Failed(f"ffmpeg: ended with code {done.returncode}: {done.stderr.strip()}")
