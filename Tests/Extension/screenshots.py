"""Makes the pictures of the README: the badge on a page, the popup, the options, and the panel in light, dark and German.

The programs and servers are given as to browser.py; the pictures go into docs/pictures/extension/, or into --output.
"""

import argparse
import pathlib
import shutil
import sys
import tempfile

import browser
import places
from badges import badges_of
from clips import Clips
from page import Box, Page
from page_server import PageServer
from stage import Stage, Theatre
from system import System
from waiting import wait_for
from words import words

CLIP = places.ROOT / "samples" / "astronaut-blended.mp4"
PANEL_SIZE = (400, 1500)
OPTIONS_SIZE = (860, 1100)
ARTICLE_SIZE = (860, 780)


class Faces(System):
    """The sample has a face."""

    region = "face"


class Album:
    """Takes the pictures, each of a page in a size and a scheme."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, name: str, page: Page, size: tuple[int, int] | None = None, scheme: str = "light", clip: Box | None = None) -> None:
        page.emulate_media(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
        if size is not None:
            page.resize(*size)
        page.wait("the page's pictures are there", "[...document.images].every((image) => image.complete)")
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        page.save_picture(self.folder / f"{name}.png", clip)


def judged_page(stage: Stage, language: str = "en") -> Page:
    page = stage.open("article.html")
    stage.activate(page)
    badge = stage.badge(page, language=language)
    badge.click()
    badge.wait_for_verdict()
    return page


def take_all(theatre: Theatre, album: Album, seed: int) -> None:
    for language in ("en", "de"):
        stage = Stage(theatre, f"pictures-{language}", seed)
        try:
            stage.start(language=language)
            if language == "en":
                take_english(stage, album)
            else:
                take_panel(stage, album, judged_page(stage, language), "panel-german", language)
        finally:
            stage.end()


def take_english(stage: Stage, album: Album) -> None:
    page = judged_page(stage)
    page.evaluate("document.querySelector('video').currentTime = 1.5")
    page.wait("the video shows its frame", "document.querySelector('video').readyState >= 2 && !document.querySelector('video').seeking")
    album.take("badge", page, ARTICLE_SIZE)
    take_panel(stage, album, page, "panel-light", "en")
    panel = stage.panel()
    album.take("panel-dark", panel, PANEL_SIZE, "dark")
    page.bring_to_front()
    popup = stage.click_icon()
    wait_for("the popup has the verdict", lambda: words("verdict_title_untrained") in popup.text(), 10)
    album.take("popup", popup)
    popup.close()
    album.take("options", stage.open_own("options/options.html"), OPTIONS_SIZE)


def take_panel(stage: Stage, album: Album, page: Page, name: str, language: str) -> None:
    badges_of(page, language)[0].click()
    panel = stage.panel()
    panel.wait_for_text(words("verdict_title_untrained", language=language))
    panel.wait("the panel has its frames", "[...document.querySelectorAll('.large-pictures img')].every((image) => image.src && image.complete)")
    album.take(name, panel, PANEL_SIZE)


def run(arguments: argparse.Namespace) -> int:
    folder = pathlib.Path(tempfile.mkdtemp(prefix="whorl-pictures-"))
    clips = Clips(folder / "clips")
    clips.add("astronaut.mp4", CLIP.read_bytes())
    pages = PageServer(clips)
    system = Faces(arguments.bin, arguments.database_url, arguments.redis_url, folder)
    try:
        system.start()
        take_all(Theatre(system, pages, folder), Album(arguments.output), arguments.seed)
    finally:
        system.end()
        pages.end()
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
