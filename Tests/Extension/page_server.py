"""Web pages with videos, on two origins: 127.0.0.1 and localhost, each with a port of its own."""

import http.server
import re
import threading
import time
import urllib.parse
from dataclasses import dataclass, field

import places
from clips import Clips

HOSTS = ("127.0.0.1", "localhost")
PIECE_BYTES = 16_384
HOLD_SECONDS = 60.0
RANGE = re.compile(r"bytes=(\d+)-(\d*)$")
SCRIPT_TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


@dataclass
class Request:
    """What somebody asked of the page server."""

    origin: str
    path: str
    # What it is for, as the browser says: `video` for the element's own, `empty` for a script's.
    destination: str
    began: float
    ended: float | None = None
    bytes_sent: int = 0


@dataclass
class Hold:
    """Keeps scripts' requests for a clip waiting in its middle: the video itself loads on."""

    is_let_go: threading.Event = field(default_factory=threading.Event)
    is_reached: threading.Event = field(default_factory=threading.Event)


class PageServer:
    """Serves `pages/`, `/clips/NAME` and, with leave to read for other origins, `/shared-clips/NAME`.

    Queries of a clip: `tag` makes it another clip, `as` gives it another media type; for scripts alone, `hold` names a `Hold` of this
    server, and `bytes` cuts it.
    """

    def __init__(self, clips: Clips):
        self.clips = clips
        self.requests: list[Request] = []
        self.holds: dict[str, Hold] = {}
        self._servers = [_Listener(self, host) for host in HOSTS]
        for server, other in zip(self._servers, reversed(self._servers), strict=True):
            server.other = other.origin
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    @property
    def origin(self) -> str:
        return self._servers[0].origin

    @property
    def other_origin(self) -> str:
        return self._servers[1].origin

    def url(self, page: str, **query: str) -> str:
        return f"{self.origin}/{page}" + (f"?{urllib.parse.urlencode(query)}" if query else "")

    def hold(self, name: str) -> Hold:
        self.holds[name] = Hold()
        return self.holds[name]

    def end(self) -> None:
        for hold in self.holds.values():
            hold.is_let_go.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, pages: PageServer, host: str):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages = pages
        self.origin = f"http://{host}:{self.server_address[1]}"
        self.other = ""

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that breaks off what it no longer needs is no mistake."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server looks for
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        request = Request(self.server.origin, self.path, self.headers.get("Sec-Fetch-Dest", ""), time.monotonic())
        self.server.pages.requests.append(request)
        _, _, name = parts.path.rpartition("/")
        if parts.path.startswith(("/clips/", "/shared-clips/")):
            self._send_clip(request, name, query, is_shared=parts.path.startswith("/shared-clips/"))
        else:
            self._send_page(name)
        request.ended = request.ended or time.monotonic()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - http.server's own name
        """The requests are kept instead."""

    def _send_page(self, name: str) -> None:
        file = places.PAGES / name
        if not name or not file.is_file():
            # Browsers ask every site for an icon, and note in the console that there is none.
            self.send_response(204 if name == "favicon.ico" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = file.read_text(encoding="utf-8").replace("{{other}}", self.server.other).encode()
        self.send_response(200)
        self.send_header("Content-Type", SCRIPT_TYPES[file.suffix])
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def _send_clip(self, request: Request, name: str, query: dict[str, str], is_shared: bool) -> None:
        clips = self.server.pages.clips
        data = clips.data(name, query.get("tag", ""))
        if "bytes" in query and request.destination != "video":
            data = data[: int(query["bytes"])]
        first, end = 0, len(data)
        matched = RANGE.match(self.headers.get("Range", ""))
        if matched:
            first = min(int(matched[1]), len(data))
            end = min(int(matched[2]) + 1, len(data)) if matched[2] else len(data)
        self.send_response(206 if matched else 200)
        if matched:
            self.send_header("Content-Range", f"bytes {first}-{end - 1}/{len(data)}")
        self.send_header("Content-Type", query.get("as", clips.media_type(name)))
        self.send_header("Content-Length", str(end - first))
        self.send_header("Accept-Ranges", "bytes")
        # The element's own request for the same address would otherwise hold up a script's.
        self.send_header("Cache-Control", "no-store")
        if is_shared:
            self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        self._send_body(request, data[first:end], query.get("hold", ""))

    def _send_body(self, request: Request, data: bytes, hold_name: str) -> None:
        hold = self.server.pages.holds.get(hold_name) if request.destination != "video" else None
        for start in range(0, len(data), PIECE_BYTES):
            if hold is not None and start >= len(data) // 2:
                hold.is_reached.set()
                hold.is_let_go.wait(HOLD_SECONDS)
            piece = data[start : start + PIECE_BYTES]
            if start + PIECE_BYTES >= len(data):
                # Whoever has the last piece may ask for something else before this thread goes on.
                request.ended = time.monotonic()
            self.wfile.write(piece)
            request.bytes_sent += len(piece)
