"""What a person does with verdicts: cancels, asks again, erases, meets them again, lets a site be judged by itself."""

import json
import pathlib

from badges import badges_of
from page import Page
from patience import SOON_SECONDS
from scenes import scene
from source_scenes import check_file
from stage import Stage
from waiting import expect, holds_for, wait_for
from words import words

TEN = 10
PARALLEL = 2


def judge_one(stage: Stage, page_name: str = "file.html", *, language: str = "en", **query: str) -> Page:
    """A page whose video has its verdict."""
    page = stage.open(page_name, **query)
    stage.activate(page)
    badge = stage.badge(page, language=language)
    badge.click()
    badge.wait_for_verdict()
    return page


@scene("a job can be cancelled at its badge, and is then cancelled at the gateway too")
def cancel(stage: Stage) -> None:
    stage.start()
    with stage.worker_stopped():
        page = stage.open("file.html")
        stage.activate(page)
        badge = stage.badge(page)
        badge.click()
        badge.wait_for_text(words("state_title_queued"))
        badge.choose("cancel")
        badge.wait_for_text(words("state_title_cancelled"))
        [job] = stage.jobs()
        wait_for("the gateway's job is cancelled", lambda: stage.system.job(stage.tenant, job["id"])["state"] == "cancelled", SOON_SECONDS)


@scene("asking again makes a run of its own, whose verdict then stands")
def again(stage: Stage) -> None:
    stage.start()
    page = judge_one(stage)
    [first] = stage.wait_for_jobs(1)
    stage.badge(page).choose("again")
    [second, _] = stage.wait_for_jobs(2)
    stage.badge(page).wait_for_verdict()
    expect(second["id"] != first["id"] and not second["verdict"]["reused"], "the verdict is the old one")
    expect(stage.analyses()[0]["jobId"] == second["id"], "the newest analysis is not that of the newest job")


@scene("erasing deletes the job at the gateway and everything in the browser")
def erase(stage: Stage) -> None:
    stage.start()
    page = judge_one(stage)
    [job] = stage.wait_for_jobs(1)
    stage.badge(page).click()
    panel = stage.panel()
    panel.the("button", words("action_erase")).click()
    panel.the("dialog", words("panel_erase_title"))
    panel.find("dialog button.danger").click()
    wait_for("the gateway has erased the job", lambda: stage.system.job(stage.tenant, job["id"]) is None, SOON_SECONDS)
    wait_for("nothing of it is kept", lambda: job["id"] not in json.dumps(stage.stored()), SOON_SECONDS)
    stage.wait_for_idle_badge(page)


@scene("a clip that was judged before has its verdict at once, on another page too")
def known_source(stage: Stage) -> None:
    stage.start()
    judge_one(stage)
    stage.wait_for_jobs(1)
    page = stage.open("late.html")
    stage.activate(page)
    page.evaluate("addVideo()")
    stage.badge(page).wait_for_verdict()
    expect(len(stage.proxy.submissions) == 1 and len(stage.jobs()) == 1, "the clip was sent again")


@scene("the same bytes at another address have their verdict without being sent")
def known_bytes(stage: Stage) -> None:
    stage.start()
    judge_one(stage)
    [job] = stage.wait_for_jobs(1)
    page = judge_one(stage, "foreign.html", cors="yes")
    expect(len(stage.proxy.submissions) == 1 and len(stage.jobs()) == 1, "the clip was sent again")
    newest = stage.analyses()[0]
    expect(newest["isReused"] and newest["jobId"] == job["id"], "the verdict is not marked as known before")
    expect(bool(badges_of(page)), "the badge went")


@scene("a site that is set to automatic in the popup is judged without a click, and with none after it is forgotten")
def automatic_site(stage: Stage) -> None:
    stage.start(hosts=stage.all_hosts)
    stage.open("empty.html")
    popup = stage.click_icon()
    popup.the("button", words("action_allow_site", stage.pages.origin.removeprefix("http://"))).click()
    popup.the("checkbox", words("popup_site_automatic")).click()
    stage.wait_for_registration()
    wait_for("the site is automatic", lambda: is_automatic(stage), SOON_SECONDS)
    popup.close()
    page = stage.open("file.html")
    stage.badge(page).wait_for_verdict()
    [analysis] = stage.analyses()
    expect(analysis["isAutomatic"], "the analysis is not marked as automatic")
    check_file(stage, stage.wait_for_jobs(1)[0], "plain.mp4")
    stage.click_icon().the("button", words("action_forget_site")).click()
    wait_for("the site's scripts are no longer registered", lambda: not stage.registered_sites(), SOON_SECONDS)
    page = stage.open("file.html", tag="later")
    expect(holds_for(lambda: not badges_of(page) and len(stage.jobs()) == 1, 1), "the site is still judged by itself")


def is_automatic(stage: Stage) -> bool:
    return stage.stored()["settings"]["sites"].get(stage.pages.origin, {}).get("analysis") == "automatic"


@scene("ten videos at once: so many at a time as is set, visible ones first, and each its own verdict")
def ten_at_once(stage: Stage) -> None:
    automatic = {stage.pages.origin: {"analysis": "automatic", "showsBadges": True}}
    stage.start(hosts=stage.all_hosts, sites=automatic, parallelAnalyses=PARALLEL)
    stage.wait_for_registration()
    page = stage.open("many.html", count=str(TEN), columns="1")
    jobs = stage.wait_for_jobs(TEN)
    expect(len({job["uploadSha256"] for job in jobs}) == TEN, "some of the ten clips are the same")
    for number in range(TEN):
        page.evaluate(f"document.querySelectorAll('video')[{number}].scrollIntoView()")
        wait_for(f"video {number} has its verdict", lambda: say_verdicts(page), SOON_SECONDS)
    page.evaluate("scrollTo(0, 0)")
    reads = [each for each in stage.pages.requests if each.destination == "empty" and "/clips/" in each.path]
    spans = {
        "read": [(each.began, each.ended or each.began) for each in reads],
        "sent": [(each.began, each.answered or each.began) for each in stage.proxy.submissions],
    }
    for deed, times in spans.items():
        count = most_at_once(times)
        expect(count <= PARALLEL, f"{count} clips were {deed} at a time, and {PARALLEL} is set")
    tops = page.evaluate("[...document.querySelectorAll('video')].map((each) => each.getBoundingClientRect().top / innerHeight)")
    visible = sum(top < 1 for top in tops)
    first = {each.path.rpartition("=")[2] for each in reads[:visible]}
    expect(first == {str(number) for number in range(visible)}, f"{visible} are visible, and the first to be read were {sorted(first)}")


def say_verdicts(page: Page) -> bool:
    """All badges that are in sight, and there are some."""
    badges = badges_of(page)
    return bool(badges) and all(badge.says_verdict() for badge in badges)


def most_at_once(spans: list[tuple[float, float]]) -> int:
    return max((sum(begin <= other[0] < end for other in spans) for begin, end in spans), default=0)


@scene("of several badges each takes its own click, the first as well as the last")
def several_badges(stage: Stage) -> None:
    stage.start()
    page = stage.open("many.html", count="3")
    stage.activate(page)
    for badge in stage.badges(page, 3):
        badge.click()
    for badge in stage.badges(page, 3):
        badge.wait_for_verdict()
    stage.wait_for_jobs(3)


@scene("badges can be hidden on a site, stay hidden there, and the popup shows them again")
def hide_badges(stage: Stage) -> None:
    stage.start(hosts=stage.all_hosts)
    page = stage.open("file.html")
    stage.activate(page)
    stage.badge(page).choose("hide")
    stage.wait_for_no_badge(page)
    page.reload()
    stage.activate(page)
    expect(holds_for(lambda: not badges_of(page), 0.5), "the badge came back by itself")
    stage.click_icon().the("checkbox", words("popup_site_badges")).click()
    stage.wait_for_idle_badge(page)


@scene("the keyboard reaches the badge, asks with it, and finds its menu")
def by_keyboard(stage: Stage) -> None:
    stage.start()
    page = stage.open("file.html")
    stage.activate(page)
    badge = stage.badge(page)
    page.bring_to_front()
    for _ in range(20):
        page.press("Tab")
        if badge.has_focus():
            break
    expect(badge.has_focus(), "twenty steps of the Tab key do not reach the badge")
    heard = badge.accessible()
    expect(heard == {"role": "button", "name": badge.text, "description": badge.description}, f"a screen reader hears {heard}")
    badge.settle()
    page.press("Enter")
    badge.wait_for_verdict()
    stage.wait_for_jobs(1)
    page.press("Tab")
    page.press("Enter")
    badge.wait_for_menu()
    page.press("ArrowDown")
    page.press("Enter")
    stage.panel().wait_for_text(words("verdict_title_untrained"))


@scene("a click on a moment of the panel's chart takes the page's video there")
def seek_from_panel(stage: Stage) -> None:
    stage.start()
    page = judge_one(stage)
    [job] = stage.wait_for_jobs(1)
    stage.badge(page).click()
    panel = stage.panel()
    frame = job["verdict"]["tracks"][0]["frames"][11]
    panel.wait("the chart has its moments", "document.querySelectorAll('.chart-point').length === 16")
    seconds = frame["timestampSeconds"]
    panel.find(f".chart-point[aria-label*='0:{seconds:04.1f}']").click()
    page.wait("the video is where the panel says", f"Math.abs(document.querySelector('video').currentTime - {seconds}) < 0.1")


@scene("the report is saved as JSON and as a page that needs nothing else")
def save_report(stage: Stage) -> None:
    stage.start()
    page = judge_one(stage)
    [job] = stage.wait_for_jobs(1)
    stage.badge(page).click()
    panel = stage.panel()
    downloads = stage.allow_downloads()
    panel.the("button", words("action_save_json")).click()
    file = wait_for("the report is saved", lambda: saved_whole(downloads, "*.json"), SOON_SECONDS)
    report = json.loads(file.read_text(encoding="utf-8"))
    expect(job["id"] in json.dumps(report), "the report does not name its job")
    panel.the("button", words("action_save_html")).click()
    file = wait_for("the report's page is saved", lambda: saved_whole(downloads, "*.html"), SOON_SECONDS)
    text = file.read_text(encoding="utf-8")
    expect(job["id"] in text and "<script" not in text.lower(), "the page does not name its job, or has a script")
    expect("http://" not in text.replace(stage.pages.origin, "").replace(stage.proxy.url, ""), "the page refers to something elsewhere")
    expect(stage.tenant.key not in text and stage.tenant.key not in json.dumps(report), "a report holds the gateway's key")


def saved_whole(folder: pathlib.Path, pattern: str) -> pathlib.Path | None:
    """A file to which nothing is written any more: while something is, the browser has another beside it."""
    if list(folder.glob("*.crdownload")):
        return None
    return next((file for file in folder.glob(pattern) if file.stat().st_size > 0), None)
