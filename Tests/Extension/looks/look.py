"""Opens every page of the extension in every state with a stand-in for the browser's API, looks at it in several ways, and takes pictures.

    python -B Tests/Extension/looks/look.py --output FOLDER [--only WORD] [--chromium PATH]

A picture's look is for people to judge. What a machine can judge fails: rules of axe-core (WCAG 2.2 AA and best practice), complaints of
the content security policy or the console, pages that scroll sideways, and deeds that do not reach the service worker. Its last line is
`looks: N passed, M failed`.
"""

import argparse
import datetime
import importlib.resources
import json
import pathlib
import re
import shutil
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

import deeds
from analyses import ANALYSES, DIAGNOSTICS, NOW, ORIGIN, PLACE, SETTINGS, SITES, VIDEOS, Shape
from site_of_pages import Site

ROOT = pathlib.Path(__file__).resolve().parents[3]
EXTENSION = ROOT / "extension"
CLIP = ROOT / "samples" / "astronaut-blended.mp4"
STUB = (pathlib.Path(__file__).parent / "chrome-stub.js").read_text(encoding="utf-8")
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Only a failure takes so long, on any machine.
PATIENCE_MILLISECONDS = 60_000
# What a page has once its scripts have filled it.
FILLED = {"panel/panel.html": "#view > *", "popup/popup.html": "#videos > *", "options/options.html": "#sites > *"}
MESSAGES = json.loads((EXTENSION / "_locales" / "en" / "messages.json").read_text(encoding="utf-8"))


# Gives the page to look at afterwards, where it is another one.
Deed = Callable[[Page], Page | None]


@dataclass(frozen=True)
class Way:
    """A way to look at a page."""

    name: str
    scheme: str = "light"
    language: str = ""
    width: int = 0
    direction: str = "ltr"
    forced_colors: str = "none"


LIGHT, DARK, GERMAN = Way("light"), Way("dark", scheme="dark"), Way("german", language="de")
NARROW, MIRRORED, FORCED = Way("narrow", width=320), Way("mirrored", direction="rtl"), Way("forced", forced_colors="active")
EVERY = (LIGHT, DARK, GERMAN, NARROW, MIRRORED, FORCED)


@dataclass(frozen=True)
class Scene:
    """A page in a state. Its deed, if it has one, is done in the light look alone."""

    name: str
    path: str
    width: int
    ways: tuple[Way, ...] = (LIGHT, DARK)
    analyses: list[str] = field(default_factory=list)
    shown: object = None
    settings: Shape = field(default_factory=dict)
    answers: Shape = field(default_factory=dict)
    granted: list[str] = field(default_factory=list)
    deed: Deed | None = None

    def script(self, way: Way, url: str) -> str:
        gateway = {"gatewayUrl": url, "gatewayKey": "whorl_key"} if self.settings.get("gatewayUrl") != "" else {}
        messages = {**MESSAGES, "language_direction": {"message": way.direction}}
        connection = {"status": "ok", "version": "1.4.0", "detail": ""}
        scene = {
            "settings": {**SETTINGS, **gateway, **self.settings, "language": way.language},
            "analyses": [ANALYSES[name] for name in self.analyses],
            "session": {} if self.shown is None else {f"panel:{PLACE['tabId']}": self.shown},
            "tab": {"id": PLACE["tabId"], "windowId": 1, "active": True, "url": f"{ORIGIN}/politics", "title": "News"},
            "answers": {"connection.check": connection, "diagnostics": {"text": DIAGNOSTICS}, **self.answers},
            "granted": ["http://127.0.0.1/*", *self.granted],
            "messages": messages,
        }
        return f"const scene = {json.dumps(scene)};\n{STUB}"


def panel(name: str, ways: tuple[Way, ...] = (LIGHT, DARK), deed: Deed | None = None) -> Scene:
    return Scene(f"panel-{name}", "panel/panel.html", 380, ways, [name], ANALYSES[name]["id"], deed=deed)


def popup(name: str, videos: Shape, ways: tuple[Way, ...] = (LIGHT, DARK), **more: Any) -> Scene:
    return Scene(f"popup-{name}", "popup/popup.html", 400, ways, answers={"tab.videos": videos, **more.pop("answers", {})}, **more)


PERMITTED = [f"{origin.rsplit(':', 1)[0] if origin.count(':') > 1 else origin}/*" for origin in SITES]
SCENES = [
    panel("fake", EVERY, deeds.panel_keyboard),
    panel("real", (LIGHT, DARK, GERMAN), deeds.panel_report),
    panel("uncertain"),
    panel("untrained", EVERY),
    panel("faces", (LIGHT, NARROW, MIRRORED), deeds.panel_people),
    panel("reencoded", (LIGHT, GERMAN)),
    panel("nothing"),
    panel("gone", (LIGHT,), deeds.panel_without_page),
    panel("waiting", (LIGHT, DARK, NARROW)),
    panel("reading", (LIGHT, GERMAN)),
    panel("uploading", EVERY, deeds.panel_progress),
    panel("queued", (LIGHT,)),
    panel("running"),
    panel("failed", (LIGHT, DARK), deeds.panel_erase),
    panel("protected", (LIGHT, NARROW, GERMAN, MIRRORED)),
    panel("cancelled", (LIGHT,), deeds.panel_again),
    panel("refused", (LIGHT,)),
    panel("long", (NARROW,)),
    panel("arabic", (LIGHT, MIRRORED)),
    Scene("panel-empty", "panel/panel.html", 380),
    Scene("panel-unasked", "panel/panel.html", 380, shown={"place": PLACE}, deed=deeds.panel_ask),
    Scene("panel-erased", "panel/panel.html", 380, (LIGHT,), shown="5c9e4a40-7c1f-4a53-9b8e-3b1f4c1a2d3e"),
    Scene(
        "panel-refusal",
        "panel/panel.html",
        380,
        (LIGHT,),
        ["fake"],
        ANALYSES["fake"]["id"],
        deed=deeds.panel_refusal,
        answers={"analysis.erase": {"problem": {"code": "scope_missing", "detail": "the key lacks the scope admin"}}},
    ),
    popup(
        "first",
        {"videos": VIDEOS[:1]},
        settings={"gatewayUrl": ""},
        answers={"connection.check": {"status": "unset", "detail": ""}},
        deed=deeds.popup_first,
    ),
    popup(
        "full",
        {"videos": VIDEOS},
        EVERY,
        analyses=["uploading", "running", "waiting", "fake", "real", "untrained", "failed", "protected", "arabic"],
        settings={"sites": SITES},
        granted=PERMITTED,
        deed=deeds.popup_deeds,
    ),
    popup("none", {"videos": []}, (LIGHT,), deed=deeds.popup_allow),
    popup(
        "refused",
        {"videos": [], "problem": {"code": "page_refused", "detail": ""}},
        (LIGHT, GERMAN),
        answers={"connection.check": {"status": "unreachable", "detail": "x"}},
    ),
    Scene(
        "options-unset",
        "options/options.html",
        800,
        (LIGHT,),
        settings={"gatewayUrl": ""},
        answers={"connection.check": {"status": "unset", "detail": ""}},
    ),
    Scene(
        "options-full",
        "options/options.html",
        800,
        EVERY,
        ["fake", "failed"],
        settings={"sites": SITES},
        granted=PERMITTED[:2],
        deed=deeds.options_deeds,
    ),
    Scene(
        "options-refused",
        "options/options.html",
        800,
        (LIGHT, DARK),
        deed=deeds.options_wrong,
        answers={"connection.check": {"status": "unauthorized", "version": "1.4.0", "detail": "the key is not known"}},
    ),
    Scene("privacy", "privacy.html", 800, (LIGHT, DARK, NARROW, FORCED)),
]


class Looker:
    """Looks at scenes one after the other, and counts."""

    def __init__(self, browser: Browser, url: str, output: pathlib.Path):
        self._browser = browser
        self._url = url
        self._output = output
        self._axe = (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
        self.passed = 0
        self.failed = 0

    def look(self, scene: Scene, way: Way) -> None:
        name = f"{scene.name}-{way.name}"
        try:
            faults = self._faults(scene, way, name)
        except Exception:  # noqa: BLE001 - whatever goes wrong with one page must not hide the others
            faults = [traceback.format_exc()]
        if faults:
            self.failed += 1
            print(f"FAILED: {name}", *faults, sep="\n    ")
        else:
            self.passed += 1

    def _faults(self, scene: Scene, way: Way, name: str) -> list[str]:
        context = self._browser.new_context(
            viewport={"width": way.width or scene.width, "height": 700},
            color_scheme=way.scheme,
            reduced_motion="reduce",
            forced_colors=way.forced_colors,
            locale="en-GB",
            timezone_id="UTC",
            accept_downloads=True,
        )
        try:
            context.set_default_timeout(PATIENCE_MILLISECONDS)
            page = context.new_page()
            complaints: list[str] = []
            page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.clock.set_fixed_time(datetime.datetime.fromtimestamp(NOW / 1000, datetime.UTC))
            page.add_init_script(scene.script(way, self._url))
            page.goto(f"{self._url}/{scene.path}")
            self._settle(page, scene.path)
            page.screenshot(path=self._output / f"{name}.png", full_page=True)
            faults = self._rules(page) + self._texts(page) + self._width(page)
            if scene.deed and way is LIGHT:
                after = scene.deed(page) or page
                after.screenshot(path=self._output / f"{name}-after.png", full_page=True)
                faults += self._rules(after)
            return faults + complaints
        finally:
            context.close()

    @staticmethod
    def _settle(page: Page, path: str) -> None:
        if path in FILLED:
            page.locator(FILLED[path]).first.wait_for(state="attached")
        page.wait_for_load_state("networkidle")
        expect(page.locator("h1").first).not_to_be_empty()
        deeds.wait_for_pictures(page)

    def _rules(self, page: Page) -> list[str]:
        page.evaluate(f"{self._axe}; undefined")
        options = {"runOnly": {"type": "tag", "values": LEVELS}, "resultTypes": ["violations"]}
        found = page.evaluate("async (options) => (await axe.run(document, options)).violations", options)
        return [f"{each['id']}: {each['help']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"][:3]]

    @staticmethod
    def _texts(page: Page) -> list[str]:
        text = page.inner_text("body")
        names = {word for word in re.findall(r"\b[a-z]+_[a-z0-9_]+\b", text) if word in MESSAGES}
        wrong = [word for word in ("undefined", "[object", "NaN", "$") if word in text]
        return [f"shows {each}" for each in (*names, *wrong)]

    @staticmethod
    def _width(page: Page) -> list[str]:
        wide, room = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        return [f"is {wide} px wide in {room} px"] if wide > room else []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, required=True, help="folder for the pictures")
    parser.add_argument("--only", default="", help="scenes whose name and way have this word in them")
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="the browser's program")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with Site(EXTENSION, CLIP) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=["--headless=new", "--no-sandbox"])
        looker = Looker(browser, site.url, arguments.output)
        for scene in SCENES:
            for way in scene.ways:
                if arguments.only in f"{scene.name}-{way.name}":
                    looker.look(scene, way)
        browser.close()
    print(f"looks: {looker.passed} passed, {looker.failed} failed")
    return 0 if looker.failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
