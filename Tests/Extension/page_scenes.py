"""The extension's own pages, as they are seen, with axe-core's rules of WCAG 2.2 AA."""

import functools
import importlib.resources
import json

from action_scenes import judge_one
from page import Page
from patience import SOON_SECONDS, VERDICT_SECONDS
from scenes import scene
from stage import Stage
from waiting import expect, wait_for
from words import catalogue, words

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@functools.cache
def axe() -> str:
    return (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def check_access(page: Page, what: str) -> None:
    """No rule of axe-core is broken."""
    page.evaluate(axe() + "; undefined")
    options = {"runOnly": {"type": "tag", "values": LEVELS}, "resultTypes": ["violations"]}
    found = page.evaluate(
        f"axe.run(document, {json.dumps(options)}).then(({{ violations }}) => violations.map(({{ id, help, nodes }}) =>"
        " ({ id, help, nodes: nodes.slice(0, 3).map((each) => each.target.join(' ') + ' ' + each.failureSummary) })))"
    )
    expect(not found, f"{what}: {json.dumps(found)}")


def check_texts(page: Page, what: str) -> None:
    """Every text is a text, and not the name of one."""
    shown = set(page.text().split())
    names = shown & {name for name in catalogue("en") if "_" in name}
    expect(not names, f"{what} shows the names of texts: {sorted(names)}")
    expect("undefined" not in shown and "[object" not in page.text() and "NaN" not in shown, f"{what} shows {page.text()[:500]}")


def check_page(page: Page, what: str) -> None:
    check_texts(page, what)
    for scheme in ("light", "dark"):
        page.emulate_media(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
        check_access(page, f"{what}, {scheme}")
    width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    expect(width[0] <= width[1], f"{what} is {width[0]} px wide in {width[1]} px: it scrolls sideways")
    expect(not page.complaints(), f"{what}: its console has {page.complaints()}")


@scene("popup: the page's videos, the history and the connection, and nothing that axe-core finds")
def popup_access(stage: Stage) -> None:
    stage.start()
    page = judge_one(stage)
    page.bring_to_front()
    popup = stage.click_icon()
    popup.wait_for_text(words("verdict_title_untrained"))
    check_page(popup, "the popup")


@scene("the popup asks, lists what is under way and what has ended, and opens the panel on it")
def popup_lists(stage: Stage) -> None:
    stage.start()
    stage.open("file.html")
    popup = stage.click_icon()
    with stage.worker_stopped():
        popup.the("button", words("popup_analyse_label", "plain.mp4")).click()
        popup.wait_for_text(words("state_title_queued"))
        popup.close()
        stage.open("empty.html")
        popup = stage.click_icon()
        popup.wait_for_text(words("popup_heading_queue"))
        expect(words("state_title_queued") in popup.text(), f"the popup's queue says {popup.text()!r}")
    popup.wait_for_text(words("popup_heading_history"), VERDICT_SECONDS)
    expect(words("verdict_title_untrained") in popup.text(), f"the popup's history says {popup.text()!r}")
    popup.the("button", words("popup_show_label", "One video")).click()
    panel = stage.panel()
    panel.wait_for_text(words("verdict_title_untrained"))
    expect("One video" in panel.text(), "the panel does not name the page")


@scene("panel: verdict, chart, frames and their table, and nothing that axe-core finds")
def panel_access(stage: Stage) -> None:
    stage.start()
    page = judge_one(stage)
    stage.badge(page).click()
    panel = stage.panel()
    panel.wait_for_text(words("verdict_title_untrained"))
    check_page(panel, "the panel")


@scene("options: nothing that axe-core finds, and no key in the page's text")
def options_access(stage: Stage) -> None:
    stage.start()
    options = stage.open_own("options/options.html")
    options.wait("the options have their values", "document.body.innerText.length > 100")
    check_page(options, "the options")
    expect(stage.tenant.key not in options.text(), "the key is shown")


@scene("the privacy page has nothing that axe-core finds")
def privacy_access(stage: Stage) -> None:
    stage.start_bare()
    check_page(stage.open_own("privacy.html"), "the privacy page")


@scene("somebody who has just installed it enters address and key, is told that they are good, and gets a verdict")
def first_steps(stage: Stage) -> None:
    stage.start_bare()
    page = stage.open("file.html")
    popup = stage.click_icon()
    popup.wait_for_text(words("popup_hint_title"))
    popup.the("button", words("action_set_gateway")).click()
    options = stage.own_page("options/")
    options.wait_for_text(words("options_heading_sites"))
    options.wait("the fields have their values", "document.querySelector('#sites').childElementCount > 0")
    options.find("#gateway-url").click()
    options.write(f" {stage.proxy.url}/ ")
    options.find("#gateway-key").click()
    options.write(stage.tenant.key)
    options.press("Enter")
    options.wait_for_text(words("options_connection_ok"))
    stage.activate(page)
    badge = stage.badge(page)
    badge.click()
    badge.wait_for_verdict()
    stage.wait_for_jobs(1)


@scene("in German everything is German, at the badge too")
def in_german(stage: Stage) -> None:
    stage.start(language="de")
    page = judge_one(stage, language="de")
    stage.badge(page).click()
    panel = stage.panel()
    panel.wait_for_text(words("verdict_title_untrained", language="de"))
    expect(panel.evaluate("document.documentElement.lang") == "de", "the panel is not marked as German")
    check_page(panel, "the panel in German")
    english = {text["message"] for name, text in catalogue("en").items() if text["message"] != catalogue("de").get(name, {}).get("message")}
    lines = {line.strip() for line in panel.text().splitlines()}
    expect(not lines & english, f"the panel in German says {sorted(lines & english)}")


@scene("from right to left nothing is cut off or lies on something else")
def right_to_left(stage: Stage) -> None:
    stage.start()
    page = judge_one(stage)
    stage.badge(page).click()
    panel = stage.panel()
    panel.wait_for_text(words("verdict_title_untrained"))
    panel.evaluate("document.documentElement.dir = 'rtl'")
    width = panel.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    expect(width[0] <= width[1], f"the panel is {width[0]} px wide in {width[1]} px")
    check_access(panel, "the panel from right to left")


@scene("the panel follows a job to its end, and the tab in front")
def panel_follows(stage: Stage) -> None:
    stage.start()
    with stage.worker_stopped():
        page = stage.open("file.html")
        stage.activate(page)
        badge = stage.badge(page)
        badge.click()
        badge.wait_for_text(words("state_title_queued"))
        badge.click()
        panel = stage.panel()
        panel.wait_for_text(words("state_title_queued"))
    panel.wait_for_text(words("verdict_title_untrained"), VERDICT_SECONDS)
    wait_for("the badge has the verdict too", badge.says_verdict, SOON_SECONDS)
    stage.open("file.html", clip="plain.webm")
    panel.wait_for_text(words("panel_empty_title"))
    page.bring_to_front()
    panel.wait_for_text(words("verdict_title_untrained"))
