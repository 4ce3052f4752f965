"""The extension's folder over HTTP, with its own content security policy, and a gateway that has nothing but pictures."""

import http.server
import json
import pathlib
import re
import threading

from pictures import picture

PICTURE = re.compile(r"^/api/jobs/[0-9a-f-]{36}/frames/(\d+)/(image|gradcam)\.jpg(\?track=\d+)?$")
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".png": "image/png",
}


def policy_of(extension: pathlib.Path) -> str:
    manifest = json.loads((extension / "manifest.json").read_text(encoding="utf-8"))
    return manifest["content_security_policy"]["extension_pages"]


class Site:
    """Serves while it is entered."""

    def __init__(self, extension: pathlib.Path, clip: pathlib.Path):
        policy = policy_of(extension)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802 - the base class names it
                found = PICTURE.match(self.path)
                if found:
                    self.answer(picture(clip, int(found[1]), found[2] == "gradcam"), "image/jpeg")
                    return
                if self.path == "/favicon.ico":
                    self.answer(b"", "image/png")
                    return
                file = (extension / self.path.split("?")[0].lstrip("/")).resolve()
                if file.is_relative_to(extension) and file.is_file() and file.suffix in MEDIA_TYPES:
                    self.answer(file.read_bytes(), MEDIA_TYPES[file.suffix])
                else:
                    self.send_error(404)

            def answer(self, body: bytes, media_type: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Security-Policy", policy)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """The test tells what goes wrong itself."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Site":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
