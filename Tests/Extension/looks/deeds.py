"""What a person does on a page, and what must come of it."""

import json
import pathlib
import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect


def asked(page: Page, kind: str) -> list[dict[str, Any]]:
    """The messages and requests of that kind that the page has sent."""
    return [each for each in page.evaluate("stub.asked") if each["type"] == kind]


def wait_for_pictures(page: Page, count: int = 0) -> None:
    """All pictures are loaded, of which there are so many at least."""
    # Not by animation frames, which a browser under load may hold back.
    page.wait_for_function(
        "(count) => document.images.length >= count && [...document.images].every((image) => image.complete)", arg=count, polling=50
    )


def panel_keyboard(page: Page) -> None:
    """The chart, the strip and the slider by keyboard."""
    chosen = page.locator(".chart-point[tabindex='0']")
    expect(chosen).to_have_count(1)
    page.locator(".chart-point").first.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".chart-point").nth(2)).to_be_focused()
    expect(page.locator(".chart-tooltip")).to_be_visible()
    page.keyboard.press("Enter")
    [seek] = asked(page, "analysis.seek")
    assert abs(seek["seconds"] - 12.4 * 2.5 / 16) < 0.01, seek
    expect(page.locator(".large-caption")).to_contain_text("Frame 3 of 16")
    expect(page.locator(".thumbnail").nth(2)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(page.locator(".chart-tooltip")).to_be_hidden()
    slider = page.locator("#heat")
    slider.focus()
    page.keyboard.press("End")
    assert page.locator(".large-heat").evaluate("(image) => image.style.opacity") == "1"
    page.keyboard.press("Home")
    assert page.locator(".large-heat").evaluate("(image) => image.style.opacity") == "0"
    page.locator(".samples summary").click()
    page.locator(".samples tbody button").nth(4).click()
    expect(page.locator(".large-caption")).to_contain_text("Frame 5 of 16")
    assert len(asked(page, "analysis.seek")) == 2
    page.get_by_role("button", name="Next frame").click()
    expect(page.locator(".large-caption")).to_contain_text("Frame 6 of 16")
    assert len(asked(page, "analysis.seek")) == 2, "looking at another frame leaves the page's video alone"
    wait_for_pictures(page)
    page.locator(".chart-point").nth(5).hover()


def panel_people(page: Page) -> None:
    page.locator("#track").select_option("1")
    expect(page.locator(".chart-point")).to_have_count(11)
    expect(page.locator(".thumbnail")).to_have_count(11)
    page.locator("#track").select_option("3")
    expect(page.get_by_text("are not kept here")).to_be_visible()
    expect(page.get_by_role("heading", name="Probability over time")).to_be_hidden()
    page.locator("#track").select_option("1")
    expect(page.get_by_text("are not kept here")).to_be_hidden()
    page.wait_for_load_state("networkidle")


def panel_without_page(page: Page) -> None:
    page.locator(".chart-point").first.click()
    assert asked(page, "analysis.seek") == []
    expect(page.get_by_role("button", name="Go to this time")).to_have_count(0)


def panel_progress(page: Page) -> None:
    """What comes in changes the page, and takes the focus from nobody."""
    stop = page.get_by_role("button", name="Stop")
    stop.focus()
    page.evaluate("""() => {
        const [key] = Object.keys(stub.stored.local).filter((each) => each.startsWith("analysis:"));
        stub.change("local", { [key]: { ...stub.stored.local[key], progress: 0.9 } });
    }""")
    expect(page.locator(".progress-share")).to_have_text("90%")
    expect(stop).to_be_focused()
    page.evaluate("""() => {
        const [key] = Object.keys(stub.stored.local).filter((each) => each.startsWith("analysis:"));
        stub.change("local", { [key]: { ...stub.stored.local[key], state: "running", stage: "drawing", progress: 0.2 } });
    }""")
    expect(page.locator("#progress-title")).to_have_text("Being analysed")
    expect(page.locator("#news")).to_have_text("Being analysed")
    stop.click()
    assert len(asked(page, "analysis.stop")) == 1


def panel_report(page: Page) -> Page:
    """Both reports, saved; the one for people is looked at."""
    with page.expect_download() as saved:
        page.get_by_role("button", name="JSON").click()
    report = json.loads(pathlib.Path(saved.value.path()).read_text(encoding="utf-8"))
    assert report["verdict"]["label"] == "real" and report["video"]["address"] == "https://cdn.example.org/2026/statement.mp4", report
    with page.expect_download() as saved:
        page.get_by_role("button", name="HTML").click()
    assert re.fullmatch(
        r"whorl-the-minister-s-statement-in-full-2026-\d\d-\d\d\.html", saved.value.suggested_filename
    ), saved.value.suggested_filename
    html = pathlib.Path(saved.value.path()).read_text(encoding="utf-8")
    assert html.count('<img src="data:image/jpeg;base64,') == 32 and "<script" not in html
    expect(page.locator("#news")).to_have_text("The report was saved.")
    # A page without the extension's policy: the report brings its own.
    other = page.context.new_page()
    other.set_viewport_size({"width": 800, "height": 900})
    other.set_content(html)
    wait_for_pictures(other, 32)
    assert other.evaluate("[...document.images].every((image) => image.naturalWidth > 0)"), "a picture of the report is broken"
    return other


def panel_erase(page: Page) -> None:
    """Nothing is deleted before the question was answered."""
    erase = page.get_by_role("button", name="Delete everything about this")
    erase.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(erase).to_be_focused()
    assert asked(page, "analysis.erase") == []
    erase.click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Deleted")).to_be_visible()
    assert len(asked(page, "analysis.erase")) == 1


def panel_refusal(page: Page) -> None:
    page.get_by_role("button", name="Delete everything about this").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The key does not allow this")).to_be_visible()
    expect(page.get_by_text("the key lacks the scope admin")).to_be_visible()


def panel_again(page: Page) -> None:
    page.get_by_role("button", name="Analyse again").click()
    assert len(asked(page, "analysis.again")) == 1


def panel_ask(page: Page) -> None:
    page.get_by_role("button", name="Analyse").click()
    [ask] = asked(page, "video.ask")
    assert ask["place"]["tabId"] == 7 and ask["again"] is False, ask


def popup_first(page: Page) -> None:
    page.get_by_role("button", name="Set up the gateway").click()
    assert len(asked(page, "options")) == 1


def popup_allow(page: Page) -> None:
    """The browser is asked within the click, and the site is set after that; the focus goes on to what has come in the button's place."""
    page.get_by_role("button", name="Allow on news.example.org").click()
    expect(page.get_by_label("Show badges on videos")).to_be_checked()
    expect(page.get_by_label("Show badges on videos")).to_be_focused()
    [permission] = asked(page, "permission")
    assert permission["origins"] == ["https://news.example.org/*"] and permission["isInClick"], permission
    [site] = asked(page, "site.set")
    assert site["setting"] == {"analysis": "ask", "showsBadges": True}, site


def popup_deeds(page: Page) -> None:
    """What is stored meanwhile shows, and is told; the tab is not searched again for it."""
    page.get_by_role("button", name="Show the analysis of interview two.webm").focus()
    page.evaluate("""() => {
        const key = Object.keys(stub.stored.local).find((each) => stub.stored.local[each].state === "uploading");
        stub.change("local", { [key]: { ...stub.stored.local[key], state: "running", progress: 0.3 } });
    }""")
    expect(page.locator("#videos").get_by_text("Being analysed")).to_be_visible()
    expect(page.locator("#news")).to_have_text("Being analysed")
    expect(page.get_by_role("button", name="Show the analysis of interview two.webm")).to_be_focused()
    assert len(asked(page, "tab.videos")) == 1
    page.get_by_role("button", name="Analyse statement.mp4", exact=True).click()
    assert len(asked(page, "video.ask")) == 1
    automatic = page.get_by_label("Analyse videos automatically")
    automatic.focus()
    wait_for_news(page, lambda: page.keyboard.press("Space"))
    expect(automatic).not_to_be_checked()
    assert asked(page, "site.set")[-1]["setting"] == {"analysis": "ask", "showsBadges": True}
    expect(automatic).to_be_focused()
    # Both at once: the second knows of the first.
    wait_for_news(page, lambda: page.evaluate("for (const box of document.querySelectorAll('#site input')) box.click()"))
    assert asked(page, "site.set")[-1]["setting"] == {"analysis": "automatic", "showsBadges": False}
    expect(page.get_by_label("Show badges on videos")).not_to_be_checked()
    expect(automatic).to_be_checked()
    page.get_by_role("button", name="No longer allow this site").click()
    expect(page.get_by_role("button", name="Allow on news.example.org")).to_be_visible()
    assert asked(page, "site.set")[-1]["setting"] is None
    page.wait_for_function("stub.asked.some(({ type }) => type === 'permission.remove')", polling=50)
    # What changes between the press and the release does not take the button from under the pointer.
    page.get_by_role("button", name="Show the analysis of interview two.webm").hover()
    page.mouse.down()
    page.evaluate("""() => {
        const key = Object.keys(stub.stored.local).find((each) => stub.stored.local[each].progress === 0.3);
        stub.change("local", { [key]: { ...stub.stored.local[key], progress: 0.4 } });
    }""")
    expect(page.locator("#videos").get_by_text("40%")).to_be_visible()
    page.mouse.up()
    [opened] = asked(page, "panel")
    assert opened["tabId"] == 7 and opened["isInClick"], opened
    assert page.evaluate("stub.stored.session['panel:7']")
    assert len(asked(page, "close")) == 1


def wait_for_news(page: Page, deed: Callable[[], object]) -> None:
    """The popup has heard that the settings are others now: it asks how the connection is, and shows the site anew."""
    before = len(asked(page, "connection.check"))
    deed()
    count = "stub.asked.filter(({ type }) => type === 'connection.check').length"
    page.wait_for_function(f"(before) => {count} > before", arg=before, polling=50)


def options_deeds(page: Page) -> None:
    """Address and key are saved after the browser was asked; numbers are checked; sites can be taken back."""
    page.get_by_label("Address", exact=True).fill(" https://gateway.example/whorl/ ")
    page.get_by_label("Key", exact=True).fill("whorl_other")
    page.get_by_role("button", name="Save and check").click()
    expect(page.get_by_text("The gateway answers, and all is well.")).to_be_visible()
    page.wait_for_function(
        "(({ gatewayUrl, gatewayKey }) => gatewayUrl === 'https://gateway.example/whorl' && gatewayKey === 'whorl_other')"
        "(stub.stored.local.settings)",
        polling=50,
    )
    [permission] = asked(page, "permission")
    assert permission["origins"] == ["https://gateway.example/*"] and permission["isInClick"], permission
    page.wait_for_function("stub.asked.some(({ type }) => type === 'permission.remove')", polling=50)
    assert asked(page, "permission.remove") == [{"type": "permission.remove", "origins": ["http://127.0.0.1/*"]}]
    frames = page.get_by_label("Frames of a streamed video")
    frames.fill("7")
    frames.blur()
    expect(page.get_by_text("Write a whole number from 16 to 64.")).to_be_visible()
    assert page.evaluate("stub.stored.local.settings.frameCount") == 32
    frames.fill("24")
    frames.blur()
    # Not by the word that it is saved, which may still be that of what was saved before.
    page.wait_for_function("stub.stored.local.settings.frameCount === 24", polling=50)
    expect(page.locator("#news")).to_have_text("Saved.")
    page.get_by_role("button", name="Remove https://video.example.com").click()
    expect(page.get_by_role("row")).to_have_count(3)
    page.get_by_label("Allow a site").fill("example.edu")
    page.get_by_role("button", name="Allow", exact=True).click()
    expect(page.get_by_role("rowheader", name="https://example.edu")).to_be_visible()
    page.get_by_label("Language of the extension").select_option("de")
    expect(page.get_by_role("heading", level=1)).to_have_text("Einstellungen von Whorl")
    page.get_by_label("Sprache der Erweiterung").select_option("")
    expect(page.get_by_role("heading", level=1)).to_have_text("Whorl’s settings")
    page.get_by_role("button", name="Delete all analyses").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete all analyses").click()
    expect(page.get_by_text("2 analyses were deleted.")).to_be_visible()
    page.get_by_role("button", name="Reset the extension").click()
    page.get_by_role("dialog").get_by_role("button", name="Reset the extension").click()
    expect(page.get_by_text("The extension was reset.")).to_be_visible()
    assert len(asked(page, "everything.forget")) == 1


def options_wrong(page: Page) -> None:
    """What is wrong is said at its field, and nothing is saved."""
    before = page.evaluate("stub.stored.local.settings.gatewayUrl")
    page.get_by_label("Address", exact=True).fill("ftp://gateway.example")
    page.get_by_label("Key", exact=True).fill("two words")
    page.get_by_role("button", name="Save and check").click()
    expect(page.get_by_label("Address", exact=True)).to_be_focused()
    expect(page.get_by_label("Address", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("A key has up to 512")).to_be_visible()
    page.get_by_label("Allow a site").fill("not a site")
    page.get_by_role("button", name="Allow", exact=True).click()
    expect(page.get_by_text("Write a site’s address, such as")).to_be_visible()
    assert page.evaluate("stub.stored.local.settings.gatewayUrl") == before
    assert asked(page, "permission") == []
