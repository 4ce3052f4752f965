"""Makes the pictures of the README: the badge on a page, the popup, the options, and the panel in light, dark and German.

The programs and servers are given as to browser.py; the pictures go into docs/images/extension/, or into --output.
"""

import argparse
import pathlib
import shutil
import sys
import tempfile

import browser
import places
from clips import Clips
from page import Page
from stage import Stage, Theatre
from system import System
from words import words

SAMPLES = ("astronaut-blended.mp4", "astronaut-real.mp4")
PANEL_WIDTH = 400
# More than the panel is tall, so that all of it is laid out before it is cut below the frame in large.
PANEL_HEIGHT = 1600
OPTIONS_SIZE = (860, 1100)
ARTICLE_SIZE = (860, 760)


class Shipped(System):
    """Judges with the model that ships."""

    def _model(self) -> pathlib.Path:
        return places.ROOT / "models" / "whorl.safetensors"


class Album:
    """Takes the pictures, each of a page in a size and a scheme."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, name: str, page: Page, size: tuple[int, int] | None = None, scheme: str = "light") -> None:
        page.emulate_media(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
        if size is not None:
            page.resize(*size)
        page.wait("the page's pictures are there", "[...document.images].every((image) => image.hidden || image.complete)")
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        page.save_picture(self.folder / f"{name}.png")


def take_all(theatre: Theatre, album: Album, seed: int) -> None:
    for language, take in (("en", take_english), ("de", take_german)):
        stage = Stage(theatre, f"pictures-{language}", seed)
        try:
            stage.start(language=language)
            take(stage, album)
        finally:
            stage.end()


def take_english(stage: Stage, album: Album) -> None:
    page = judged_page(stage, "en")
    page.evaluate("document.querySelector('video').currentTime = 1.5")
    page.wait("the video shows its frame", "!document.querySelector('video').seeking && document.querySelector('video').readyState >= 2")
    album.take("badge", page, ARTICLE_SIZE)
    panel = open_panel(stage, page, "en")
    take_panel(panel, album, "panel-light", "light")
    take_panel(panel, album, "panel-dark", "dark")
    with stage.worker_stopped():
        page.bring_to_front()
        popup = stage.click_icon()
        popup.the("button", words("popup_analyse_label", SAMPLES[1])).click()
        popup.wait_for_text(words("state_title_queued"))
        album.take("popup", popup)
        popup.close()
    album.take("options", stage.open_own("options/options.html"), OPTIONS_SIZE)


def take_german(stage: Stage, album: Album) -> None:
    take_panel(open_panel(stage, judged_page(stage, "de"), "de"), album, "panel-german", "light")


def judged_page(stage: Stage, language: str) -> Page:
    page = stage.open("article.html")
    stage.activate(page)
    badge = stage.badge(page, language=language)
    badge.click()
    badge.wait_for_verdict()
    return page


def open_panel(stage: Stage, page: Page, language: str) -> Page:
    stage.badge(page, language=language).click()
    panel = stage.panel()
    panel.wait("the panel has its verdict", "document.querySelector('.evidence') !== null")
    return panel


def take_panel(panel: Page, album: Album, name: str, scheme: str) -> None:
    panel.resize(PANEL_WIDTH, PANEL_HEIGHT)
    images = "[...document.querySelectorAll('.large-pictures img')]"
    panel.wait("the panel has its frame", f"{images}.every((each) => each.src && each.complete)")
    end = panel.evaluate("document.querySelector('.large-foot').getBoundingClientRect().bottom + scrollY")
    album.take(name, panel, (PANEL_WIDTH, int(end) + 16), scheme)


def run(arguments: argparse.Namespace) -> int:
    folder = pathlib.Path(tempfile.mkdtemp(prefix="whorl-pictures-"))
    clips = Clips(folder / "clips")
    for name in SAMPLES:
        clips.add(name, (places.ROOT / "samples" / name).read_bytes())
    system = Shipped(arguments.bin, arguments.database_url, arguments.redis_url, folder)
    try:
        system.start()
        take_all(Theatre(system, clips, folder), Album(arguments.output), arguments.seed)
    finally:
        system.end()
        shutil.rmtree(folder)
    for file in sorted(arguments.output.glob("*.png")):
        print(f"{file}: {file.stat().st_size} bytes")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="screenshots", description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--output", type=pathlib.Path, default=places.PICTURES, metavar="DIR")
    own, rest = parser.parse_known_args(sys.argv[1:])
    arguments = browser.arguments_of(rest)
    arguments.output = own.output
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
