"""What a client of the gateway does: one request a connection, and no second try that nobody asked for."""

import http.client
import json
from dataclasses import dataclass, field


class NoAnswer(Exception):
    """The request may or may not have been carried out."""


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)

    def json(self) -> dict:
        return json.loads(self.body) if self.body else {}

    @property
    def code(self) -> str:
        """The problem's code; empty for an answer that is no problem."""
        return self.json().get("code", "") if "problem" in self.headers.get("content-type", "") else ""


class Client:
    """Talks to the gateway on one port."""

    def __init__(self, port: int, seconds: float = 30):
        self.port = port
        self.seconds = seconds

    def send(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.seconds)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"{method} {path}: {error!r}") from None
        finally:
            connection.close()

    def post(self, body: bytes, key: str | None = None, query: str = "") -> Answer:
        """Submits a clip."""
        headers = {"Content-Type": "application/octet-stream"}
        if key is not None:
            headers["Idempotency-Key"] = f'"{key}"'
        return self.send("POST", "/api/jobs" + query, body, headers)
