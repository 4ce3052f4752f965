"""What must not happen: bytes that leave unasked, a key that a page can read, a page that acts in the person's name."""

import json
import time

from action_scenes import judge_one
from badges import badges_of
from page import Page
from protocol import ScriptFailed
from scenes import scene
from source_scenes import check_file
from stage import Stage
from waiting import expect, holds_for
from words import words

# What may go to the gateway before anybody asked: whether it is there, and whether the key is good.
HARMLESS = ("/api/health", "/api/stats")
QUIET_SECONDS = 2.0
MAXIMUM_BADGES = 50
# A page that takes badges away must not make the extension fight it for ever.
MAXIMUM_REMOVALS = 60
RESPONSIVE_SECONDS = 0.5


@scene("before the icon is clicked nothing is asked of anybody; before the badge is, nothing of the page leaves")
def nothing_unasked(stage: Stage) -> None:
    stage.start()
    page = stage.open("many.html", count="3")
    expect(holds_for(lambda: not stage.proxy.seen, QUIET_SECONDS), "the gateway was asked before the icon was clicked")
    expect(not badges_of(page), "there are badges before the icon was clicked")
    stage.click_icon()
    stage.badges(page, 3)
    stage.open_own("options/options.html")
    page.bring_to_front()
    time.sleep(QUIET_SECONDS)
    other = [f"{each.method} {each.path}" for each in stage.proxy.seen if each.method != "GET" or each.path not in HARMLESS]
    expect(not other, f"the gateway was sent {other}")
    read = [each.path for each in stage.pages.requests if each.destination == "empty" and "/clips/" in each.path]
    expect(not read, f"the extension read {read}")


@scene("neither the page nor the content scripts can read the gateway's key, or anything else that is stored")
def key_out_of_reach(stage: Stage) -> None:
    stage.start()
    page = judge_one(stage)
    stage.wait_for_jobs(1)
    expect(page.evaluate("typeof chrome === 'undefined' || !chrome.runtime || !chrome.runtime.sendMessage"), "the page can send messages")
    for area in ("local", "session", "sync"):
        expect_refused(stage, f"chrome.storage.{area}.get()", page)
    expect(stage.tenant.key not in page.evaluate("document.documentElement.outerHTML"), "the page's document holds the key")
    everything = page.in_content_script("JSON.stringify(Object.getOwnPropertyNames(globalThis)) + JSON.stringify(whorl)")
    expect(stage.tenant.key not in everything, "the content scripts hold the key")
    readable = page.evaluate(
        "Promise.all(['manifest.json', 'shared/settings.js', 'panel/panel.html', 'content/main.js'].map((path) =>"
        f" fetch('{stage.browser.extension_url('')}' + path).then(() => path, () => '')))"
    )
    expect(not any(readable), f"the page can fetch {[path for path in readable if path]} of the extension")


def expect_refused(stage: Stage, expression: str, page) -> None:
    try:
        got = page.in_content_script(f"{expression}.then((kept) => JSON.stringify(kept))")
    except ScriptFailed:
        return
    expect(not got or stage.tenant.key not in got, f"a content script can read {expression}")
    expect(got in ("{}", None), f"a content script reads {got[:200]} from {expression}")


@scene("a content script that a page has taken over can say no more than a content script may")
def forged_messages(stage: Stage) -> None:
    stage.start()
    page = judge_one(stage)
    [job] = stage.wait_for_jobs(1)
    before = kept(stage)
    [analysis] = stage.analyses()
    forged = [
        {"type": "video.ask", "place": analysis["place"], "again": True},
        {"type": "analyses.list", "limit": 500},
        {"type": "analysis.get", "analysisId": analysis["id"]},
        {"type": "analysis.erase", "analysisId": analysis["id"]},
        {"type": "connection.check", "gatewayUrl": stage.pages.other_origin, "gatewayKey": ""},
        {"type": "connection.check", "gatewayUrl": stage.pages.other_origin},
        {"type": "site.set", "origin": stage.pages.origin, "setting": {"analysis": "automatic", "showsBadges": True}},
        {"type": "diagnostics"},
        {"type": "tab.videos", "tabId": analysis["place"]["tabId"]},
        {"type": "analysis.ask", "videoId": "../../x", "again": True},
        {"type": "analysis.ask", "videoId": "nobody", "again": True},
        {"type": "analysis.ask"},
        {"type": "videos.found", "videos": [{}] * 10_000},
        {"type": "videos.found", "videos": "many"},
        {"type": "constructor"},
        {"type": "__proto__"},
        {},
        None,
        "videos.found",
    ]
    for message in forged:
        sent = f"chrome.runtime.sendMessage({json.dumps(message)})"
        answer = page.in_content_script(f"{sent}.then((answer) => JSON.stringify(answer ?? null), () => 'error')")
        expect(stage.tenant.key not in answer, f"{message} is answered with the key")
        expect('"problem"' in answer or answer in ("null", "error", "{}"), f"{str(message)[:100]} is answered {answer[:200]}")
    port = page.in_content_script(
        f"new Promise((done) => {{ const port = chrome.runtime.connect({{ name: 'clip:{analysis['id']}' }});"
        " port.onDisconnect.addListener(() => done('closed'));"
        " port.postMessage({ kind: 'bytes', base64: 'AAAA' }); setTimeout(() => done('open'), 15_000); })"
    )
    expect(port == "closed", "a port that nobody asked for stays open")
    expect(kept(stage) == before, "a forged message changed what is stored")
    expect(len(stage.jobs()) == 1 and stage.system.job(stage.tenant, job["id"]) is not None, "a forged message reached the gateway")
    stray = [each.path for each in stage.pages.requests if each.path.startswith("/api/")]
    expect(not stray, f"the extension asked another host for {stray}")


def kept(stage: Stage) -> dict:
    """All but when the extension last looked for what is too old, which it does by itself."""
    return {name: value for name, value in stage.stored().items() if name != "seenAt"}


@scene("a page's own messages and clicks start nothing")
def forged_clicks(stage: Stage) -> None:
    stage.start()
    page = stage.open("hostile.html")
    stage.activate(page)
    badge = stage.badge(page)
    expect(page.evaluate("forge()") == "no runtime", "the page has a runtime to send messages by")
    is_idle = holds_for(lambda: not stage.proxy.submissions and badge.text == words("badge_text_idle"), 1)
    expect(is_idle, "a forged click has started an analysis")
    badge.click()
    badge.wait_for_verdict()
    stage.wait_for_jobs(1)


@scene("a page that puts a sheet before the badge gets the click, and the extension none")
def covered_badge(stage: Stage) -> None:
    stage.start()
    page = stage.open("hostile.html")
    stage.activate(page)
    badge = stage.badge(page)
    page.evaluate("cover()")
    badge.click()
    expect(holds_for(lambda: not stage.proxy.submissions, 1), "a click that fell on the page's sheet has started an analysis")


@scene("a page that takes badges away again and again is not fought for ever, stays quick, and the popup still asks", is_alone=True)
def removed_badge(stage: Stage) -> None:
    stage.start()
    page = stage.open("hostile.html")
    page.evaluate("fight()")
    stage.activate(page)
    expect(holds_for(lambda: page.evaluate("removals") <= MAXIMUM_REMOVALS, 3), f"badges came back {page.evaluate('removals')} times")
    check_responsive(page)
    popup = stage.click_icon()
    popup.find("#videos button").click()
    stage.wait_for_jobs(1)


def check_responsive(page: Page, deed: str = "") -> None:
    """A frame, after what a script does, takes the page's thread no longer than a person notices, and comes.

    The thread's own time counts: what other programs have of the processor meanwhile is nobody's fault.
    """
    before = page.thread_seconds()
    page.evaluate(f"{deed}; new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    seconds = page.thread_seconds() - before
    expect(seconds < RESPONSIVE_SECONDS, f"the page's thread took {seconds:.2f} s for a frame")


@scene("a page of a thousand videos stays quick, and has no more badges than a page may have", is_alone=True)
def thousand_videos(stage: Stage) -> None:
    stage.start()
    page = stage.open("many.html", count="1000", lazy="yes")
    stage.activate(page)
    # They are counted by the page itself: to look into a thousand players takes the debugging protocol seconds.
    count = "document.querySelectorAll('whorl-badge').length"
    page.wait("there are badges", count)
    time.sleep(1)
    check_responsive(page)
    expect(page.evaluate(count) <= MAXIMUM_BADGES, f"the page has {page.evaluate(count)} badges")
    expect(not stage.proxy.submissions, "something was sent")
    check_responsive(page, "scrollTo(0, document.body.scrollHeight)")


@scene("a page that has broken its own prototypes breaks nothing of the extension's")
def broken_prototypes(stage: Stage) -> None:
    stage.start()
    page = stage.open("hostile.html", breaks="yes")
    stage.activate(page)
    badge = stage.badge(page)
    badge.click()
    badge.wait_for_verdict()
    check_file(stage, stage.wait_for_jobs(1)[0], "plain.mp4")
