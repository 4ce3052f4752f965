"""Figures, printed and not asserted: other programs run on the machine at the same time."""

import time

from badges import badges_of
from gateway_proxy import covered_seconds
from page import Page
from patience import VERDICT_SECONDS
from scenes import scene
from stage import Stage
from waiting import wait_for

IDLE_SECONDS = 6.0
SETTLING_SECONDS = 2.0
REPETITIONS = 3


@scene("a page with ten videos, while nobody does anything", is_alone=True)
def idle_figures(stage: Stage) -> None:
    stage.start_bare(is_without_extension=True)
    without = idle_percent(stage, is_active=False)
    stage.browser.close()
    stage.start()
    with_badges = idle_percent(stage, is_active=True)
    stage.figures.append(
        f"idle page with ten videos: {with_badges:.2f} % of one core with badges, {without:.2f} % without the extension, "
        f"over {IDLE_SECONDS:g} s each, all of the browser's processes together"
    )


def idle_percent(stage: Stage, is_active: bool) -> float:
    page = stage.open("many.html", count="10")
    if is_active:
        stage.activate(page)
        stage.badges(page, 10)
    page.bring_to_front()
    time.sleep(SETTLING_SECONDS)
    before = stage.browser.processor_seconds()
    time.sleep(IDLE_SECONDS)
    return (stage.browser.processor_seconds() - before) / IDLE_SECONDS * 100


@scene("a person's path from a page's load to the verdict on a clip of ten seconds", is_alone=True)
def path_figures(stage: Stage) -> None:
    automatic = {stage.pages.origin: {"analysis": "automatic", "showsBadges": True}}
    stage.start(hosts=stage.all_hosts, sites=automatic)
    stage.wait_for_registration()
    paths = [one_path(stage, f"path-{number}") for number in range(REPETITIONS)]
    whole, own = min(paths, key=lambda path: path[1])
    stage.figures.append(
        f"from a page's load to the verdict on a clip of ten seconds: {whole * 1000:.0f} ms, of which the extension's own share is "
        f"{own * 1000:.0f} ms; the least of {REPETITIONS}, an automatic site, the file itself"
    )


def one_path(stage: Stage, tag: str) -> tuple[float, float]:
    """The whole, and what is left of it without the page's load and without the requests to page server and gateway."""
    page = stage.browser.open_tab()
    began = time.monotonic()
    page.go_to(stage.pages.url("file.html", clip="ten-seconds.mp4", tag=tag))
    loaded = time.monotonic()
    wait_for("the badge has its verdict", lambda: says_verdict(page), VERDICT_SECONDS, interval=0.005)
    ended = time.monotonic()
    spans = [(each.began, each.ended or ended) for each in stage.proxy.seen]
    spans += [(each.began, each.ended or ended) for each in stage.pages.requests if each.destination == "empty"]
    spans.append((began, loaded))
    clipped = sorted((max(start, began), min(end, ended)) for start, end in spans if end > began and start < ended)
    page.close()
    return ended - began, ended - began - covered_seconds(clipped)


def says_verdict(page: Page) -> bool:
    return any(badge.says_verdict() for badge in badges_of(page))
