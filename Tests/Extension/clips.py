"""The clips that the pages show, made by ffmpeg."""

import pathlib
import struct
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import places  # noqa: F401 - makes `waiting` findable
from waiting import Broken

MAKING_SECONDS = 180.0
H264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 12"
VP9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8"
# A fragment a group of pictures, each playable as it comes: what MediaSource takes.
FRAGMENTED = "-movflags frag_keyframe+empty_moov+default_base_moof"


@dataclass(frozen=True)
class Recipe:
    source: str
    options: str
    media_type: str = "video/mp4"


RECIPES = {
    "plain.mp4": Recipe("testsrc2=size=480x270:rate=24:duration=3", f"{H264} -movflags +faststart"),
    "ten-seconds.mp4": Recipe("testsrc2=size=640x360:rate=25:duration=10", f"{H264} -movflags +faststart"),
    "plain.webm": Recipe("testsrc=size=320x180:rate=15:duration=3", f"{VP9} -b:v 400k", "video/webm"),
    "stream.mp4": Recipe("testsrc2=size=480x270:rate=24:duration=8", f"{H264} -b:v 900k {FRAGMENTED}"),
    "black.mp4": Recipe("color=black:size=320x180:rate=15:duration=6", f"{H264} {FRAGMENTED}"),
    # Noise does not compress, so a few seconds are an upload in pieces.
    "large.mp4": Recipe(
        "nullsrc=size=640x360:rate=24:duration=6,geq=random(1)*255:128:128",
        f"{H264} -b:v 40M -maxrate 40M -bufsize 8M -movflags +faststart",
    ),
    "sound.ogg": Recipe("sine=frequency=440:duration=2", "-c:a libopus", "audio/ogg"),
}


class Clips:
    """Bytes by name."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self._bytes: dict[str, bytes] = {}

    def make(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(2) as pool:
            for name, data in zip(RECIPES, pool.map(self._make, RECIPES), strict=True):
                self._bytes[name] = data

    def add(self, name: str, data: bytes) -> None:
        """One that was made elsewhere, an mp4."""
        self._bytes[name] = data

    def _make(self, name: str) -> bytes:
        recipe, file = RECIPES[name], self.folder / name
        command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", recipe.source, *recipe.options.split(), str(file)]
        made = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=MAKING_SECONDS, check=False)
        if made.returncode != 0:
            raise Broken(f"ffmpeg does not make {name}: {made.stderr.decode(errors='replace')[-1000:]}")
        return file.read_bytes()

    def media_type(self, name: str) -> str:
        return RECIPES[name].media_type if name in RECIPES else "video/mp4"

    def data(self, name: str, tag: str = "") -> bytes:
        """A clip's bytes; a tag makes others of it that show the same."""
        data = self._bytes[name]
        return data + tagged_box(tag) if tag else data


def tagged_box(tag: str) -> bytes:
    """A box of MPEG-4 (ISO/IEC 14496-12, 8.1.2) that holds nothing for anybody."""
    return struct.pack(">I4s", 8 + len(tag), b"free") + tag.encode()
