"""The real gateway and a real worker behind it, for all scenes of a run; each scene is a tenant of its own."""

import pathlib

import places  # noqa: F401 - makes the modules below findable
from client import Answer, Client
from patience import VERDICT_SECONDS
from program import Program
from service import GATEWAY, Service, Tenant
from waiting import wait_for

# Over those of the API's harness. A worker that a scene stops must still have its job when it goes on.
SETTINGS = {
    "whorl-gateway": {"LOG_LEVEL": "info", "TIDY_SECONDS": "1"},
    "whorl-worker": {"LEASE_SECONDS": "60", "LEASE_HEARTBEAT_SECONDS": "5"},
}
WORKER = {"SLOTS": "1", "MODEL_THREADS": "1", "DECODER_THREADS": "1", "POLL_SECONDS": "0.2"}


class System(Service):
    """A service that can be stopped in its parts and started again."""

    worker: Program

    def _launch(self, name: str, executable: str, settings: dict[str, str]) -> Program:
        return super()._launch(name, executable, settings | SETTINGS.get(executable, {}))

    def start(self) -> None:
        super().start()
        self.worker = self._start_judge()

    def _start_judge(self) -> Program:
        worker = self._launch("worker", "whorl-worker", WORKER | {"MODEL_PATH": str(self._model())})
        wait_for("the worker is ready", lambda: any(record.get("message") == "ready" for record in worker.records()), VERDICT_SECONDS)
        return worker

    def _model(self) -> pathlib.Path:
        """Weights at random: what they say is always uncertain, and says why. Moving test pictures have no faces, so they look at whole frames."""
        model = self.folder / "model.safetensors"
        self._command("model", "init", "--seed", "1", "--region", "frame", "--output", str(model))
        return model

    @property
    def port(self) -> int:
        return self.client().port

    def stop_gateway(self) -> None:
        """SIGKILL."""
        if self.gateway is not None:
            self.gateway.kill()

    def start_gateway(self) -> None:
        """Another one on another port. Its log begins anew, so that the port is not read from that of the one before."""
        (self.folder / "gateway.log").rename(self.folder / f"gateway-{len(self.running)}.log")
        self.gateway = self._launch("gateway", "whorl-gateway", GATEWAY)
        self.gateway.listening_port()

    def make_key(self, tenant: str, scopes: str) -> str:
        text = self._command("keys", "create", "--tenant", tenant, "--scopes", scopes, "--name", "scene")
        return next(line for line in text.splitlines() if line.startswith("whorl_"))

    def jobs(self, tenant: Tenant) -> list[dict]:
        """What the gateway has stored of a tenant, the newest first; asked past the proxy."""
        return self._as_seen(tenant, "/api/jobs?limit=200").json()["jobs"]

    def job(self, tenant: Tenant, identity: str) -> dict | None:
        answer = self._as_seen(tenant, f"/api/jobs/{identity}")
        return None if answer.status == 404 else answer.json()

    def _as_seen(self, tenant: Tenant, path: str) -> Answer:
        return Tenant(tenant.name, tenant.key, Client(self.port)).send("GET", path)
