"""What a scene plays on: a browser with the extension, pages, a proxy before the gateway, and a tenant of its own."""

import contextlib
import json
import pathlib
import random
import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from badges import Badge, badges_of
from chromium import Chromium
from client import NoAnswer
from clips import Clips
from extension_copy import copy_extension
from gateway_proxy import GatewayProxy
from page import Page
from page_server import PageServer
from patience import ALARM_SECONDS, SOON_SECONDS, VERDICT_SECONDS
from protocol import Gone, Refused, ScriptFailed
from system import System
from waiting import Breach, Broken, wait_for
from words import words

POPUP_IS_READY = "document.getElementById('videos').childElementCount > 0"
# What asking a page or a browser that is no longer there ends with.
LOST = (Gone, Refused, Breach, Broken, ScriptFailed, NoAnswer)
SETTINGS = {
    "dashboardUrl": "",
    "sites": {},
    "retentionDays": 30,
    "parallelAnalyses": 2,
    "frameCount": 16,
    "allowsUrls": False,
    "language": "en",
}


@dataclass
class Theatre:
    """What all scenes of a run share."""

    system: System
    clips: Clips
    folder: pathlib.Path
    # One scene at a time may have the worker stopped; to the others it is slow then.
    worker_lock: threading.Lock = field(default_factory=threading.Lock)
    stages: "set[Stage]" = field(default_factory=set)

    def end(self) -> None:
        """Ends every scene that is under way."""
        for stage in list(self.stages):
            stage.end()


class Stage:
    """Everything that it starts it also ends."""

    def __init__(self, theatre: Theatre, name: str, seed: int):
        self.name = name
        self.system = theatre.system
        self.pages = PageServer(theatre.clips)
        self._theatre = theatre
        theatre.stages.add(self)
        self.random = random.Random(f"{seed}:{name}")
        self.folder = theatre.folder / "scenes" / name
        self.folder.mkdir(parents=True)
        self.proxy = GatewayProxy(self.system.port)
        self.tenant = self.system.make_tenant(name)
        self.figures: list[str] = []
        self._browser: Chromium | None = None
        self._pages: list[Page] = []

    # The browser

    @property
    def browser(self) -> Chromium:
        if self._browser is None:
            raise Broken("the scene has no browser yet")
        return self._browser

    def start(self, *, hosts: list[str] | None = None, **settings: Any) -> None:
        """A browser whose extension is set up, and may read from the gateway and from these hosts."""
        self.start_bare(hosts=hosts)
        self.set_settings(**settings)

    def start_bare(self, *, hosts: list[str] | None = None, is_without_extension: bool = False) -> None:
        """As somebody has it who has just installed the extension, or who has not."""
        extension = None if is_without_extension else copy_extension(self.folder, [self.proxy.url, *(hosts or [])])
        self._browser = Chromium(self.folder, extension)
        self._browser.start()
        if extension is not None:
            wait_for("the service worker has started", self._browser.worker_target, SOON_SECONDS)

    @property
    def all_hosts(self) -> list[str]:
        return [self.pages.origin, self.pages.other_origin]

    def restart(self) -> None:
        """The same browser on the same profile."""
        self._pages.clear()
        self.browser.start()

    def reload_extension(self) -> None:
        """As its card's button on chrome://extensions does."""
        self.wake_worker()
        before = self.browser.worker_target()
        self.browser.session.send("Extensions.loadUnpacked", path=str(self.browser.extension))
        wait_for("the extension has started again", lambda: self.browser.worker_target() not in (None, before), SOON_SECONDS)

    def registered_sites(self) -> list[str]:
        """The patterns of sites on which the content scripts come by themselves."""
        return self.in_worker("chrome.scripting.getRegisteredContentScripts().then((all) => all.flatMap((each) => each.matches))")

    def wait_for_registration(self) -> None:
        wait_for("the site's scripts are registered", self.registered_sites, SOON_SECONDS)

    def allow_downloads(self) -> pathlib.Path:
        """Files that are saved go into this folder, unasked."""
        downloads = self.folder / "downloads"
        self.browser.session.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
        return downloads

    @contextlib.contextmanager
    def worker_stopped(self) -> Iterator[None]:
        """Jobs wait at the gateway meanwhile."""
        with self._theatre.worker_lock:
            self.system.worker.stop()
            try:
                yield
            finally:
                self.system.worker.go_on()

    def set_settings(self, **settings: Any) -> None:
        own = {"gatewayUrl": self.proxy.url, "gatewayKey": self.tenant.key}
        self.store({"settings": SETTINGS | own | settings})

    def store(self, values: dict[str, Any]) -> None:
        """Into the extension's storage, from its own side."""
        self.in_worker(f"chrome.storage.local.set({json.dumps(values)})")

    def stored(self, area: str = "local") -> dict[str, Any]:
        """All that the extension keeps."""
        return self.in_worker(f"chrome.storage.{area}.get()")

    def in_worker(self, expression: str) -> Any:
        """What an expression, which may be evaluated more than once, is worth in the service worker; it is woken if it sleeps."""

        def answer() -> list[Any] | None:
            self.wake_worker()
            # It may fall asleep between being woken and being asked.
            with contextlib.suppress(Gone, Refused):
                return [self.browser.in_worker(expression)]
            return None

        return wait_for("the service worker answers", answer, SOON_SECONDS)[0]

    def wake_worker(self) -> None:
        """A page of the extension's own wakes it, as an event would."""
        if self.browser.worker_target() is not None:
            return
        page = self.browser.open_tab()

        def is_open() -> bool:
            # A browser that has just started may not have the extension yet, and refuses its pages.
            with contextlib.suppress(Breach):
                page.go_to(self.browser.extension_url("privacy.html"))
                return True
            return False

        wait_for("a page of the extension opens", is_open, SOON_SECONDS)
        page.evaluate("chrome.runtime.sendMessage({ type: 'diagnostics' }).then(() => true)")
        page.close()

    def analyses(self) -> list[dict[str, Any]]:
        """What the extension keeps of its analyses, the newest first."""
        kept = [value for name, value in self.stored().items() if name.startswith("analysis:")]
        return sorted(kept, key=lambda analysis: -analysis["createdAt"])

    # Pages

    def open(self, page: str, **query: str) -> Page:
        """A page of the test's own, in front."""
        return self._remember(self.browser.open(self.pages.url(page, **query)))

    def open_own(self, path: str) -> Page:
        """A page of the extension, in a tab."""
        return self._remember(self.browser.open(self.browser.extension_url(path)))

    def click_icon(self) -> Page:
        """The toolbar's icon for the tab in front; the popup that it opens."""
        earlier = self.browser.pages_at(self.browser.extension_url("popup/"))
        self.browser.trigger_action()
        popup = self.own_page("popup/", earlier)
        popup.wait("the popup shows the page's videos, or that there are none", POPUP_IS_READY)
        return popup

    def activate(self, page: Page) -> None:
        """What a person does first: click the icon, look, and click on the page again, which closes the popup."""
        page.bring_to_front()
        self.click_icon().close()

    def own_page(self, path: str, earlier: Collection[str] = ()) -> Page:
        """A page of the extension that opens by itself."""
        return self._remember(self.browser.wait_for_page(path, self.browser.extension_url(path), earlier))

    def panel(self) -> Page:
        return self.own_page("panel/")

    def _remember(self, page: Page) -> Page:
        self._pages.append(page)
        return page

    # Badges and verdicts

    def badge(self, page: Page, language: str = "en") -> Badge:
        """The only one, or the first, as soon as it is there."""
        return wait_for("a video has a badge", lambda: badges_of(page, language), SOON_SECONDS)[0]

    def wait_for_idle_badge(self, page: Page) -> Badge:
        """The first that offers to ask."""

        def idle() -> list[Badge]:
            return [badge for badge in badges_of(page) if badge.says(words("badge_text_idle"))]

        return wait_for(f"a badge says {words('badge_text_idle')!r}", idle, SOON_SECONDS)[0]

    def wait_for_no_badge(self, page: Page) -> None:
        wait_for("the page has no badge", lambda: not badges_of(page), SOON_SECONDS)

    def wait_for_end(self) -> dict[str, Any]:
        """The newest analysis, once it has ended."""

        def ended() -> dict[str, Any] | None:
            newest = next(iter(self.analyses()), None)
            return newest if newest and "endedAt" in newest else None

        return wait_for("the analysis ends", ended, ALARM_SECONDS)

    def badges(self, page: Page, count: int) -> list[Badge]:
        def found() -> list[Badge] | None:
            badges = badges_of(page)
            return badges if len(badges) == count else None

        return wait_for(f"{count} videos have badges", found, SOON_SECONDS)

    def wait_for_jobs(self, count: int, seconds: float = VERDICT_SECONDS) -> list[dict]:
        """So many judged jobs at the gateway, and no others."""

        def judged() -> list[dict] | None:
            jobs = self.jobs()
            return jobs if len(jobs) == count and all(job["state"] == "succeeded" for job in jobs) else None

        return wait_for(f"the gateway has {count} judged jobs", judged, seconds)

    def jobs(self) -> list[dict]:
        return self.system.jobs(self.tenant)

    # Afterwards

    def save_pictures(self, folder: pathlib.Path) -> None:
        """Of every page that is still there."""
        for number, page in enumerate(self._pages, 1):
            with contextlib.suppress(*LOST):
                page.save_picture(folder / f"{number}.png")

    def save_story(self) -> None:
        """What helps whoever looks into a failure."""
        story: dict[str, Any] = {"requests": [f"{each.method} {each.path} {each.status}" for each in self.proxy.seen]}
        with contextlib.suppress(*LOST):
            story["pages"] = {page.target: page.complaints() for page in self._pages if not page.session.is_over}
            story["stored"] = self.stored()
            story["jobs"] = self.jobs()
        (self.folder / "story.json").write_text(json.dumps(story, indent=2))

    def end(self) -> None:
        self._theatre.stages.discard(self)
        if self._browser is not None:
            self._browser.kill()
        self.proxy.end()
        self.pages.end()
