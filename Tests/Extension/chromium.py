"""A browser with the extension in it, on a profile that outlives it."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
from collections.abc import Collection
from typing import Any

import places  # noqa: F401 - makes `waiting` findable
from page import Page
from patience import SOON_SECONDS
from protocol import Gone, Protocol, Refused, Session
from waiting import Broken, wait_for

NAMES = ("chromium", "chromium-browser", "google-chrome-for-testing")
WIDTH_PIXELS, HEIGHT_PIXELS = 1280, 900
START_SECONDS = 60.0
FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--enable-unsafe-extension-debugging",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-search-engine-choice-screen",
    "--disable-dev-shm-usage",
    "--hide-crash-restore-bubble",
    "--password-store=basic",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
)


def program() -> str:
    """The browser that is installed."""
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    raise Broken(f"none of {', '.join(NAMES)} is installed: run deploy/install.sh test")


def identity_of(extension: pathlib.Path) -> str:
    """The id that Chromium gives to an unpacked extension: of its path's digest, with a…p for the hexadecimal digits."""
    digest = hashlib.sha256(str(extension).encode()).hexdigest()[:32]
    return "".join(chr(ord("a") + int(digit, 16)) for digit in digest)


class Chromium:
    """Headless, and apart from that as a person has it: one window, tabs, a toolbar whose action can be clicked."""

    def __init__(self, folder: pathlib.Path, extension: pathlib.Path | None):
        self.folder = folder
        self.extension = extension
        self.log = folder / "chromium.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._protocol: Protocol | None = None

    # Its life

    def start(self) -> None:
        ours_to_write, theirs_to_read = self._pipe()
        theirs_to_write, ours_to_read = self._pipe()

        def prepare() -> None:
            # The numbers at which --remote-debugging-pipe looks.
            os.dup2(theirs_to_read, 3)
            os.dup2(theirs_to_write, 4)

        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [program(), *self._flags()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment(),
                start_new_session=True,
                pass_fds=(3, 4),
                preexec_fn=prepare,
            )
        os.close(theirs_to_read)
        os.close(theirs_to_write)
        self._protocol = Protocol(ours_to_write, ours_to_read)
        try:
            self.session.send("Target.setDiscoverTargets", discover=True, filter=[{}], seconds=START_SECONDS)
        except (Gone, Broken) as error:
            log = self.log.read_text(errors="replace")[-2000:]
            raise Broken(f"the browser does not start: {error}\n{log}") from None

    @staticmethod
    def _pipe() -> tuple[int, int]:
        """The end to write to and the end to read from, both with numbers that a child's 3 and 4 do not overwrite."""
        read_end, write_end = os.pipe()
        ends = []
        for end in (write_end, read_end):
            ends.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10))
            os.close(end)
        return ends[0], ends[1]

    def _flags(self) -> list[str]:
        flags = [*FLAGS, f"--user-data-dir={self.folder / 'profile'}", "--lang=en-US"]
        flags.append(f"--window-size={WIDTH_PIXELS},{HEIGHT_PIXELS}")
        if self.extension is not None:
            flags += [f"--load-extension={self.extension}", f"--disable-extensions-except={self.extension}"]
        if os.geteuid() == 0:
            # Chromium's own sandbox does not work for root.
            flags.append("--no-sandbox")
        return [*flags, "about:blank"]

    def _environment(self) -> dict[str, str]:
        """Nothing of the caller's: not the desktop, not the language, not a proxy."""
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "LANG": "en_US.UTF-8", "LANGUAGE": "en_US"}

    @property
    def session(self) -> Session:
        if self._protocol is None:
            raise Broken("the browser was not started")
        return self._protocol.browser

    @property
    def pid(self) -> int:
        if self._process is None:
            raise Broken("the browser was not started")
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL to all of its processes: what a crash or a power cut leaves is what is on disk."""
        self._end_process(lambda: None)

    def close(self) -> None:
        """As a person closes it."""
        self._end_process(self._ask_to_close)

    def _ask_to_close(self) -> None:
        with contextlib.suppress(Gone, Broken, Refused, subprocess.TimeoutExpired):
            self.session.send("Browser.close", seconds=10)
            self._wait_for_end(10)

    def _end_process(self, ask: Any) -> None:
        if self._process is None or self._protocol is None:
            return
        ask()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._wait_for_end(30)
        self._protocol.close()
        self._process = self._protocol = None

    def _wait_for_end(self, seconds: float) -> None:
        if self._process is not None:
            self._process.wait(timeout=seconds)

    # Its pages

    def processor_seconds(self) -> float:
        """The processor time of all of its processes so far."""
        return sum(each["cpuTime"] for each in self.session.send("SystemInfo.getProcessInfo")["processInfo"])

    def targets(self) -> list[dict[str, Any]]:
        return self.session.send("Target.getTargets", filter=[{}])["targetInfos"]

    def attach(self, target: str) -> Session:
        answer = self.session.send("Target.attachToTarget", targetId=target, flatten=True)
        return self.session.child(answer["sessionId"])

    def open_tab(self) -> Page:
        """A new tab in front of the others, with nothing in it."""
        return Page(self, self.session.send("Target.createTarget", url="about:blank")["targetId"])

    def open(self, url: str) -> Page:
        """A new tab in front of the others, once its document is loaded."""
        page = self.open_tab()
        page.go_to(url)
        return page

    def pages_at(self, url_part: str) -> list[str]:
        """The targets of pages whose address has this in it."""
        return [target["targetId"] for target in self.targets() if url_part in target["url"] and target["type"] != "service_worker"]

    def wait_for_page(self, what: str, url_part: str, earlier: Collection[str] = ()) -> Page:
        """A page that the extension opens by itself, such as its popup, and that is none of those that were there earlier."""
        found = wait_for(f"{what} opens", lambda: [each for each in self.pages_at(url_part) if each not in earlier], SOON_SECONDS)
        return Page(self, found[0])

    # The extension

    @property
    def extension_id(self) -> str:
        if self.extension is None:
            raise Broken("this browser has no extension")
        return identity_of(self.extension)

    def extension_url(self, path: str) -> str:
        return f"chrome-extension://{self.extension_id}/{path}"

    def trigger_action(self) -> None:
        """The click on the toolbar's icon, for the tab that is in front."""

        def in_front() -> list[dict[str, Any]]:
            return [each for each in self.targets() if each["type"] == "tab" and each.get("embedderData", {}).get("tabActive")]

        active = wait_for("a tab is in front", in_front, SOON_SECONDS, Broken)
        self.session.send("Extensions.triggerAction", id=self.extension_id, targetId=active[0]["targetId"])

    def worker_target(self) -> str | None:
        """The extension's service worker, while it runs."""
        for target in self.targets():
            if target["type"] == "service_worker" and target["url"].startswith(self.extension_url("")):
                return target["targetId"]
        return None

    def stop_worker(self) -> None:
        """What the browser does to a service worker when memory is short, only sooner."""
        target = wait_for("the service worker runs", self.worker_target, SOON_SECONDS)
        self.session.send("Target.closeTarget", targetId=target)
        wait_for("the service worker is stopped", lambda: self.worker_target() != target, SOON_SECONDS)

    def in_worker(self, expression: str) -> Any:
        """What an expression is worth in the service worker. It is let go at once: who is attached keeps it alive.

        `Gone` or `Refused` if there is none, or if it dies meanwhile.
        """
        target = self.worker_target()
        if target is None:
            raise Gone("the service worker does not run")
        session = self.attach(target)
        try:
            # A worker that is just starting has no API yet.
            has_api = "typeof chrome !== 'undefined' && chrome.storage !== undefined"
            wait_for("the service worker has its API", lambda: session.evaluate(has_api), SOON_SECONDS)
            return session.evaluate(expression)
        finally:
            with contextlib.suppress(Gone, Refused):
                self.session.send("Target.detachFromTarget", sessionId=session.identity)
