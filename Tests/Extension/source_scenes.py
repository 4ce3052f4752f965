"""From a page's load to a verdict, for every kind of source, and the way by which the picture came."""

import hashlib

from badges import Badge, badges_of
from page import Box, Page
from patience import SOON_SECONDS
from scenes import scene
from stage import Stage
from waiting import expect, holds_for, wait_for
from words import words

# Times of frames are of a video's own clock, and pictures are drawn at the next one that it shows.
FRAME_TIME_TOLERANCE_SECONDS = 0.6


def see_verdict(stage: Stage, page: Page, method: str) -> dict:
    """Asks by a click on the badge, waits for the words on it, and holds the gateway's job against them."""
    badge = stage.badge(page)
    expect(badge.text == words("badge_text_idle"), f"before anybody asked the badge says {badge.text!r}")
    badge.click()
    return wait_for_verdict(stage, badge, method)


def wait_for_verdict(stage: Stage, badge: Badge, method: str) -> dict:
    badge.wait_for_verdict()
    [job] = stage.wait_for_jobs(1)
    [analysis] = stage.analyses()
    expect(analysis["method"] == method, f"the picture came by {analysis['method']}, not by {method}; notes {analysis.get('methodNotes')}")
    expect(analysis["jobId"] == job["id"], "the analysis has another job than the gateway")
    expect(job["verdict"]["label"] == "uncertain", f"the gateway's verdict is {job['verdict']['label']}")
    expect(analysis["verdict"]["probability"] == job["verdict"]["probability"], "the analysis has another probability than the gateway")
    return job


def see_way(stage: Stage, page: Page, way: str) -> None:
    """The panel says how the picture came, and that frames are not as they were published."""
    stage.badge(page).click()
    panel = stage.panel()
    panel.wait_for_text(words(way))
    panel.wait_for_text(words("warning_frames_reencoded"))


def check_file(stage: Stage, job: dict, name: str, tag: str = "") -> None:
    """The file came as it is: nothing was encoded again."""
    digest = hashlib.sha256(stage.pages.clips.data(name, tag)).hexdigest()
    expect(job["uploadSha256"] == digest, "the gateway has other bytes than the page's clip")
    expect("reencodedBy" not in job["options"], f"a file is marked as encoded again: {job['options']}")


def check_frames(job: dict, count: int, encoder: str, seconds: float) -> None:
    """Frames came in order, each with its time, and marked."""
    times = job["options"].get("frameTimesSeconds", [])
    expect(job["options"].get("reencodedBy") == encoder, f"the job is not marked as encoded again by the {encoder}: {job['options']}")
    expect(len(times) >= count, f"the job has {len(times)} frames, not {count} or more")
    expect(times == sorted(times) and times[0] >= 0, f"the frames' times are {times}")
    expect(times[-1] <= seconds + FRAME_TIME_TOLERANCE_SECONDS, f"the last frame is at {times[-1]} s of {seconds} s")
    expect("reencoded" in job["verdict"]["warnings"], f"the verdict does not warn of it: {job['verdict']['warnings']}")


@scene("a plain mp4 goes to the gateway as the file that it is, and its verdict stands on it")
def plain_mp4(stage: Stage) -> None:
    stage.start()
    page = stage.open("file.html")
    stage.activate(page)
    check_file(stage, see_verdict(stage, page, "file"), "plain.mp4")
    expect(len(stage.proxy.submissions) == 1, f"the clip was sent {len(stage.proxy.submissions)} times")


@scene("a plain webm goes to the gateway as the file that it is")
def plain_webm(stage: Stage) -> None:
    stage.start()
    page = stage.open("file.html", clip="plain.webm")
    stage.activate(page)
    check_file(stage, see_verdict(stage, page, "file"), "plain.webm")


@scene("a large file goes up in pieces")
def large_file(stage: Stage) -> None:
    stage.start()
    page = stage.open("file.html", clip="large.mp4")
    stage.activate(page)
    check_file(stage, see_verdict(stage, page, "file"), "large.mp4")
    pieces = [each for each in stage.proxy.submissions if each.method == "PATCH"]
    expect(len(pieces) > 1, f"it went up in {len(pieces)} pieces")


@scene("frames of a paused player that streams are drawn, and it is put back where it was")
def stream_paused(stage: Stage) -> None:
    stage.start()
    page = stage.open("stream.html")
    page.wait("the player has its clip", "document.querySelector('video').duration > 7")
    page.evaluate("document.querySelector('video').currentTime = 1.25")
    stage.activate(page)
    check_frames(see_verdict(stage, page, "frames"), 16, "canvas", 8)
    see_way(stage, page, "method_frames")
    place = page.evaluate("[document.querySelector('video').currentTime, document.querySelector('video').paused]")
    expect(abs(place[0] - 1.25) < 0.01 and place[1], f"the player was left at {place}")


@scene("frames of a playing player are taken as it plays, and it plays on undisturbed")
def stream_playing(stage: Stage) -> None:
    stage.start()
    page = stage.open("stream.html", plays="yes")
    page.wait("the player plays", "document.querySelector('video').currentTime > 0.2")
    page.evaluate("document.querySelector('video').addEventListener('seeking', () => { window.wasSought = true; })")
    stage.activate(page)
    badge = stage.badge(page)
    badge.click()
    before = page.evaluate("document.querySelector('video').currentTime")
    wait_for("the player plays on", lambda: page.evaluate("document.querySelector('video').currentTime") != before, SOON_SECONDS)
    check_frames(wait_for_verdict(stage, badge, "frames"), 8, "canvas", 8)
    expect(not page.evaluate("document.querySelector('video').paused"), "the player was stopped")


@scene("another site's clip that may be shared is read by the page's own rights, without a permission")
def foreign_shared(stage: Stage) -> None:
    stage.start()
    page = stage.open("foreign.html", cors="yes")
    stage.activate(page)
    check_file(stage, see_verdict(stage, page, "file"), "plain.mp4")


@scene("another site's clip is read by the extension where its host is permitted")
def foreign_permitted(stage: Stage) -> None:
    stage.start(hosts=stage.all_hosts)
    page = stage.open("foreign.html")
    stage.activate(page)
    check_file(stage, see_verdict(stage, page, "file"), "plain.mp4")


@scene("another site's clip that nobody may read, the gateway neither, is captured from the screen")
def foreign_captured(stage: Stage) -> None:
    stage.start(allowsUrls=True)
    page = stage.open("foreign.html", plays="yes")
    stage.activate(page)
    check_frames(see_verdict(stage, page, "capture"), 8, "screen", 3)
    [analysis] = stage.analyses()
    expect({"url_jobs_off", "tainted"} <= set(analysis["methodNotes"]), f"the better ways failed for {analysis['methodNotes']}")
    see_way(stage, page, "method_capture")


@scene("a video in a frame of the same site is found and judged")
def frame_of_same_site(stage: Stage) -> None:
    stage.start()
    page = stage.open("frame.html")
    stage.activate(page)
    check_file(stage, see_verdict(stage, page, "file"), "plain.mp4")


@scene("a video in a frame of another site is found and judged where its host is permitted")
def frame_of_other_site(stage: Stage) -> None:
    stage.start(hosts=stage.all_hosts)
    page = stage.open("frame.html", other="yes")
    stage.activate(page)
    check_file(stage, see_verdict(stage, page, "file"), "plain.mp4")


@scene("a frame of another site stays closed without its host's permission")
def frame_not_permitted(stage: Stage) -> None:
    stage.start()
    page = stage.open("frame.html", other="yes")
    popup = stage.click_icon()
    popup.wait_for_text(words("popup_videos_none"))
    expect(not badges_of(page), "a video has a badge where the extension may not be")
    expect(not stage.proxy.submissions, "something was sent")


@scene("videos in an open and in a closed shadow root are found and judged")
def shadow_roots(stage: Stage) -> None:
    stage.start()
    for count, mode in enumerate(("open", "closed"), 1):
        page = stage.open("shadow.html", mode=mode, tag=mode)
        stage.activate(page)
        badge = stage.badge(page)
        badge.click()
        badge.wait_for_verdict()
        jobs = stage.wait_for_jobs(count)
        check_file(stage, jobs[0], "plain.mp4", mode)


@scene("a video that comes later gets its badge, keeps it when moved, loses it when removed")
def added_late(stage: Stage) -> None:
    stage.start()
    page = stage.open("late.html")
    stage.activate(page)
    expect(not badges_of(page), "there is a badge without a video")
    page.evaluate("addVideo()")
    check_file(stage, see_verdict(stage, page, "file"), "plain.mp4")
    page.evaluate("moveVideo()")
    badge = stage.badge(page)
    expect(holds_for(lambda: badge.is_there(), 0.5), "the badge went as its video was moved")
    expect(badge.says_verdict(), f"a moved video's badge says {badge.text!r}")
    page.evaluate("removeVideo()")
    stage.wait_for_no_badge(page)


@scene("another source in the same element is another video: the old verdict does not stand on it")
def source_replaced(stage: Stage) -> None:
    stage.start()
    page = stage.open("late.html")
    stage.activate(page)
    page.evaluate("addVideo()")
    badge = stage.badge(page)
    badge.click()
    badge.wait_for_verdict()
    page.evaluate("replaceSource()")
    badge = stage.wait_for_idle_badge(page)
    badge.click()
    badge.wait_for_verdict()
    check_file(stage, stage.wait_for_jobs(2)[0], "plain.webm")


@scene("in full screen the badge is on the video still, and can be clicked: in a player's frame, and on the bare video")
def full_screen(stage: Stage) -> None:
    stage.start()
    for count, element in enumerate(("div", "video"), 1):
        page = stage.open("file.html", tag=element)
        stage.activate(page)
        stage.badge(page)
        page.evaluate(f"document.querySelector('{element}').requestFullscreen()", is_gesture=True)
        page.wait("it fills the screen", "document.fullscreenElement?.clientWidth === innerWidth")
        badge = stage.badge(page)
        # Until it has followed, it lies under what fills the screen.
        if element == "video":
            badge.wait_until_alone()
        else:
            badge.wait_until_on_top()
        badge.click()
        badge.wait_for_verdict()
        check_file(stage, stage.wait_for_jobs(count)[0], "plain.mp4", element)


@scene("the badge lies on its video, and on none of the player's controls")
def beside_controls(stage: Stage) -> None:
    stage.start()
    page = stage.open("controls.html")
    stage.activate(page)
    badge = stage.badge(page)
    badge.settle()
    place = badge.box()
    expect(place.overlaps(page.find("video").box()), f"the badge is at {place}, beside its video")
    controls = page.evaluate(
        "[...document.querySelectorAll('button')].map((each) => [each.textContent, each.getBoundingClientRect()])"
        ".map(([text, { x, y, width, height }]) => [text, x, y, width, height])"
    )
    covered = [text for text, *sides in controls if place.overlaps(Box(*sides))]
    expect(len(controls) == 5 and not covered, f"the badge is at {place}, over {covered} of {controls}")
    badge.click()
    badge.wait_for_verdict()


@scene("a player that shows nothing but black cannot be read, and says why")
def black_picture(stage: Stage) -> None:
    stage.start()
    page = stage.open("black.html")
    page.wait("the player has its clip", "document.body.dataset.isReady")
    see_unreadable(stage, page, "black")


@scene("a protected player cannot be read, and says why")
def protected_picture(stage: Stage) -> None:
    stage.start()
    page = stage.open("black.html", keys="yes")
    page.wait("the player has its clip", "document.body.dataset.isReady")
    see_unreadable(stage, page, "protected")


@scene("a video element without a source has nothing to read, and says so")
def nothing_loaded(stage: Stage) -> None:
    stage.start()
    page = stage.open("empty.html")
    stage.activate(page)
    if badges_of(page):
        see_unreadable(stage, page, "nothing_loaded", is_active=True)
    expect(not stage.proxy.submissions, "something was sent")


def see_unreadable(stage: Stage, page: Page, code: str, is_active: bool = False) -> None:
    if not is_active:
        stage.activate(page)
    badge = stage.badge(page)
    badge.click()
    badge.wait_for_text(words("state_title_unreadable"), words(f"problem_title_{code}"))
    [analysis] = stage.analyses()
    expect(analysis["state"] == "unreadable" and analysis["problem"]["code"] == code, f"the analysis ended as {analysis.get('problem')}")
    expect(not stage.proxy.submissions, "pictures of nothing were sent")
