"""What goes wrong on the way, and what the person sees of it: the worker's death, the browser's, the gateway's refusals."""

import time

from action_scenes import judge_one
from badges import Badge
from gateway_proxy import Delay, Pause, Refusal, Seen
from page import Page
from patience import ALARM_SECONDS, SOON_SECONDS
from scenes import scene
from source_scenes import check_file
from stage import Stage
from waiting import expect, holds_for, wait_for
from words import words

PIECE_BYTES = 1 << 20


def ask(stage: Stage, page_name: str = "file.html", **query: str) -> tuple[Page, Badge]:
    page = stage.open(page_name, **query)
    stage.activate(page)
    badge = stage.badge(page)
    badge.click()
    return page, badge


def look(stage: Stage, page: Page) -> None:
    """The person clicks the icon: an event that wakes the service worker sooner than its alarm."""
    stage.activate(page)


def see_history(stage: Stage) -> None:
    ended = stage.wait_for_end()
    expect(ended["state"] == "succeeded", f"the history has no verdict but {ended['state']}, {ended.get('problem')}")


@scene("the service worker dies while a clip is read: it is read again")
def worker_dies_reading(stage: Stage) -> None:
    stage.start(hosts=stage.all_hosts)
    hold = stage.pages.hold(stage.name)
    page, badge = ask(stage, hold=stage.name)
    wait_for("the clip is half read", hold.is_reached.is_set, SOON_SECONDS)
    stage.browser.stop_worker()
    hold.is_let_go.set()
    look(stage, page)
    badge.wait_for_verdict()
    check_file(stage, stage.wait_for_jobs(1)[0], "plain.mp4")


@scene("the service worker dies while the page's script reads a clip: it is read again")
def worker_dies_page_reading(stage: Stage) -> None:
    stage.start()
    hold = stage.pages.hold(stage.name)
    page, badge = ask(stage, hold=stage.name)
    wait_for("the clip is half read", hold.is_reached.is_set, SOON_SECONDS)
    stage.browser.stop_worker()
    hold.is_let_go.set()
    look(stage, page)
    badge.wait_for_verdict()
    check_file(stage, stage.wait_for_jobs(1)[0], "plain.mp4")


@scene("the service worker dies while a clip goes up in pieces: the upload goes on where the gateway says")
def worker_dies_uploading(stage: Stage) -> None:
    stage.start(hosts=stage.all_hosts)
    pause = Pause(after_bytes=PIECE_BYTES)
    # The second piece, so that one is whole before.
    stage.proxy.fail(pause, is_second_piece)
    page, badge = ask(stage, clip="large.mp4")
    wait_for("the second piece is under way", pause.is_reached.is_set, SOON_SECONDS)
    stage.browser.stop_worker()
    stage.proxy.mend()
    look(stage, page)
    badge.wait_for_verdict()
    check_file(stage, stage.wait_for_jobs(1)[0], "large.mp4")
    check_resumed(stage, len(stage.pages.clips.data("large.mp4")))


def is_second_piece(seen: Seen) -> bool:
    return seen.method == "PATCH" and seen.headers.get("upload-offset") != "0"


def check_resumed(stage: Stage, length: int) -> None:
    creations = [each for each in stage.proxy.seen if each.method == "POST" and each.path.startswith("/api/uploads")]
    expect(len(creations) == 1, f"{len(creations)} uploads were begun")
    sent = sum(each.bytes_received for each in stage.proxy.seen if each.method == "PATCH")
    expect(sent < 2 * length, f"{sent} bytes were sent for a clip of {length}: it began anew")


@scene("the service worker dies while the job runs: an alarm wakes it, and the badge has its verdict")
def worker_dies_waiting(stage: Stage) -> None:
    stage.start()
    with stage.worker_stopped():
        _, badge = ask(stage)
        badge.wait_for_text(words("state_title_queued"))
        stage.browser.stop_worker()
    badge.wait_for_verdict(ALARM_SECONDS)
    expect(len(stage.jobs()) == 1, "the clip was sent again")


@scene("the browser is killed while the job runs: after its restart the history has the verdict")
def browser_killed_waiting(stage: Stage) -> None:
    stage.start()
    with stage.worker_stopped():
        _, badge = ask(stage)
        badge.wait_for_text(words("state_title_queued"))
        stage.browser.kill()
    stage.restart()
    see_history(stage)
    expect(len(stage.jobs()) == 1, "the clip was sent again")


@scene("the browser is killed while a clip goes up in pieces: after its restart the upload goes on, without its page")
def browser_killed_uploading(stage: Stage) -> None:
    stage.start(hosts=stage.all_hosts)
    pause = Pause(after_bytes=PIECE_BYTES)
    stage.proxy.fail(pause, is_second_piece)
    ask(stage, clip="large.mp4")
    wait_for("the second piece is under way", pause.is_reached.is_set, SOON_SECONDS)
    stage.browser.kill()
    stage.proxy.mend()
    stage.restart()
    see_history(stage)
    check_file(stage, stage.wait_for_jobs(1)[0], "large.mp4")
    check_resumed(stage, len(stage.pages.clips.data("large.mp4")))


@scene("while the gateway is down the badge waits and says why; once it is up again the verdict comes", is_alone=True)
def gateway_down(stage: Stage) -> None:
    stage.start()
    stage.proxy.hang_up()
    stage.system.stop_gateway()
    _, badge = ask(stage)
    wait_for_reason(badge, "state_title_waiting", "gateway_unreachable")
    stage.system.start_gateway()
    stage.proxy.target = stage.system.port
    stage.proxy.listen()
    badge.wait_for_verdict()
    check_file(stage, stage.wait_for_jobs(1)[0], "plain.mp4")


def wait_for_reason(badge: Badge, state: str, code: str) -> None:
    badge.wait_for_text(words(state), words(f"problem_title_{code}"))


@scene("a key that is not valid pauses everything and is said; with the right one it goes on")
def refused_401(stage: Stage) -> None:
    stage.start(gatewayKey="whorl_of_nobody")
    _, badge = ask(stage)
    wait_for_reason(badge, "state_title_waiting", "unauthenticated")
    asked = len(stage.proxy.submissions)
    expect(holds_for(lambda: len(stage.proxy.submissions) == asked, 3), "it goes on asking with a key that is not valid")
    stage.set_settings()
    badge.wait_for_verdict()
    stage.wait_for_jobs(1)


@scene("a key that may not submit pauses everything and is said; with the right one it goes on")
def refused_403(stage: Stage) -> None:
    stage.start(gatewayKey=stage.system.make_key(stage.tenant.name, "read"))
    _, badge = ask(stage)
    wait_for_reason(badge, "state_title_waiting", "scope_missing")
    stage.set_settings()
    badge.wait_for_verdict()
    stage.wait_for_jobs(1)


@scene("429 is waited out as long as Retry-After says, and said meanwhile")
def refused_429(stage: Stage) -> None:
    wait_out(stage, Refusal(429, "rate_limited", retry_after_seconds=5), "rate_limited")


@scene("503 is waited out as long as Retry-After says, and said meanwhile")
def refused_503(stage: Stage) -> None:
    wait_out(stage, Refusal(503, "queue_full", retry_after_seconds=5), "queue_full")


def wait_out(stage: Stage, refusal: Refusal, reason: str) -> None:
    stage.start()
    stage.proxy.fail(refusal, lambda seen: seen.is_submission, times=1)
    _, badge = ask(stage)
    wait_for_reason(badge, "state_title_waiting", reason)
    badge.wait_for_verdict()
    stage.wait_for_jobs(1)
    first, second = stage.proxy.submissions
    waited = second.began - (first.answered or first.began)
    expect(waited >= refusal.retry_after_seconds, f"it was asked again after {waited:.1f} s")
    keys = {each.headers.get("idempotency-key") for each in (first, second)}
    expect(len(keys) == 1, "the second request has another idempotency key")


@scene("a slow gateway is waited for, and the badge says what is going on")
def slow_gateway(stage: Stage) -> None:
    stage.start()
    stage.proxy.fail(Delay(3))
    _, badge = ask(stage)
    badge.wait_for_text(words("state_title_uploading"))
    badge.wait_for_verdict()
    stage.wait_for_jobs(1)


@scene("an answer that is lost does not make a second job")
def lost_answer(stage: Stage) -> None:
    stage.start()
    pause = Pause(after_bytes=len(stage.pages.clips.data("plain.mp4")))
    stage.proxy.fail(pause, lambda seen: seen.is_submission, times=1)
    _, badge = ask(stage)
    wait_for("the gateway has the whole clip", pause.is_reached.is_set, SOON_SECONDS)
    wait_for("the gateway has made a job of it", lambda: stage.jobs(), SOON_SECONDS)
    stage.proxy.hang_up()
    stage.proxy.mend()
    stage.proxy.listen()
    badge.wait_for_verdict()
    stage.wait_for_jobs(1)


@scene("a clip that cannot be judged has failed, and the badge says why")
def failing_job(stage: Stage) -> None:
    stage.start()
    _, badge = ask(stage, bytes="3000")
    badge.wait_for_text(words("state_title_failed"))
    [job] = stage.jobs()
    expect(job["state"] == "failed", f"the gateway's job is {job['state']}")
    [analysis] = stage.analyses()
    expect(analysis["problem"]["code"] == job["error"]["code"], f"the analysis has failed for {analysis['problem']}")
    expect(words("state_title_failed") not in badge.description.split(":", 1)[-1], "the badge does not say why")


@scene("the tab is closed while its script reads: the analysis ends and says so, and nothing is sent")
def tab_closed_reading(stage: Stage) -> None:
    stage.start()
    hold = stage.pages.hold(stage.name)
    page, _ = ask(stage, hold=stage.name)
    wait_for("the clip is half read", hold.is_reached.is_set, SOON_SECONDS)
    page.close()
    hold.is_let_go.set()
    ended = stage.wait_for_end()
    expect(ended.get("problem", {}).get("code") == "page_gone", f"the analysis ended as {ended['state']}, {ended.get('problem')}")
    expect(not stage.proxy.submissions, "half a clip was sent")


@scene("the tab is closed while the job runs: the verdict is in the history")
def tab_closed_waiting(stage: Stage) -> None:
    stage.start()
    with stage.worker_stopped():
        page, badge = ask(stage)
        badge.wait_for_text(words("state_title_queued"))
        page.close()
    see_history(stage)


@scene("the extension is reloaded while a page is open: the old badge goes, and after a click on the icon a new one works")
def extension_reloaded(stage: Stage) -> None:
    stage.start()
    page = judge_one(stage)
    stage.reload_extension()
    page.evaluate("document.body.append(document.createElement('hr'))")
    stage.wait_for_no_badge(page)
    stage.activate(page)
    stage.badge(page).wait_for_verdict()
    expect(len(stage.jobs()) == 1, "the clip was sent again")
    expect(not page.complaints(), f"the page's console has {page.complaints()}")


@scene("a page that is left in mid-reading loses nothing that other pages have")
def page_left(stage: Stage) -> None:
    stage.start()
    hold = stage.pages.hold(stage.name)
    page, _ = ask(stage, hold=stage.name)
    wait_for("the clip is half read", hold.is_reached.is_set, SOON_SECONDS)
    page.go_to(stage.pages.url("file.html", tag="next"))
    stage.activate(page)
    badge = stage.badge(page)
    clicked = time.monotonic()
    badge.click()
    badge.wait_for_verdict()
    # Only now: what waited for the page that was left would have no verdict yet.
    hold.is_let_go.set()
    read = [each.began for each in stage.pages.requests if each.destination == "empty" and "tag=next" in each.path]
    expect(read[0] - clicked < 15, "the page that was left held up the next one")
    check_file(stage, stage.wait_for_jobs(1)[0], "plain.mp4", "next")
