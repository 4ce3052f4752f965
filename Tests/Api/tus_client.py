"""A client of resumable uploads that nobody here wrote: tuspy, whose connection is cut again and again."""

import hashlib
import pathlib
import random
import socket
import threading
import time
import urllib.parse
from collections.abc import Iterator

import requests
import tusclient.client
import tusclient.exceptions

CLIP_BYTES = 3_000_000
PIECE_BYTES = 700_000
PATIENCE_SECONDS = 60.0


class Scissors:
    """Between the client and the gateway: passes bytes on, and cuts a connection after a random number of them."""

    def __init__(self, port: int, generator: random.Random) -> None:
        self.target = port
        self.generator = generator
        self.cuts = 0
        self.is_sharp = True
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.target))
            left = self.generator.randrange(50_000, 900_000) if self.is_sharp else None
            threading.Thread(target=self._pass, args=(near, far, left), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, None), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, left: int | None) -> None:
        try:
            while data := source.recv(65_536):
                if left is not None and len(data) > left:
                    target.sendall(data[:left])
                    self.cuts += 1
                    break
                target.sendall(data)
                if left is not None:
                    left -= len(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def checks(url: str, key: str, folder: pathlib.Path, generator: random.Random) -> Iterator[tuple[str, str]]:
    port = urllib.parse.urlsplit(url).port or 80
    yield "tuspy uploads a clip whose connection is cut at random", _upload(port, key, folder, generator, checksum=False)
    yield "tuspy uploads a clip with checksums, cut at random", _upload(port, key, folder, generator, checksum=True)


def _upload(port: int, key: str, folder: pathlib.Path, generator: random.Random, checksum: bool) -> str:
    clip = folder / f"tus-{checksum}"
    clip.write_bytes(b"nothing\n# " + generator.randbytes(CLIP_BYTES).hex().encode()[:CLIP_BYTES] + b"\n")
    scissors = Scissors(port, generator)
    try:
        return _upload_through(scissors, port, key, clip, checksum)
    finally:
        scissors.close()


def _upload_through(scissors: Scissors, port: int, key: str, clip: pathlib.Path, checksum: bool) -> str:
    headers = {"Authorization": f"Bearer {key}"}
    client = tusclient.client.TusClient(f"http://127.0.0.1:{scissors.port}/api/uploads", headers=headers)
    metadata = {"filename": "clip.mp4", "priority": "1"}
    url = ""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        # Cut a few times, the rest goes through.
        scissors.is_sharp = scissors.cuts < 4
        try:
            uploader = client.uploader(
                str(clip), chunk_size=PIECE_BYTES, metadata=metadata, url=url or None, upload_checksum=checksum, retries=0
            )
            if not url:
                uploader.set_url(uploader.create_url())
                url = uploader.url
            uploader.upload()
            break
        except (tusclient.exceptions.TusCommunicationError, requests.RequestException, OSError):
            time.sleep(0.1)
    else:
        return f"it was not whole after {PATIENCE_SECONDS:g} s and {scissors.cuts} cuts"
    if scissors.cuts == 0:
        return "nothing was cut"
    identity = url.rsplit("/", 1)[-1]
    job = requests.get(f"http://127.0.0.1:{port}/api/jobs/{identity}", headers=headers, timeout=30).json()
    digest = hashlib.sha256(clip.read_bytes()).hexdigest()
    if job.get("uploadSha256") != digest or job.get("priority") != 1:
        return f"the job is {job}, and the clip's digest {digest}"
    return ""
