// @ts-check
import assert from "node:assert/strict";
import test from "node:test";
import { AnalysisStore, MAXIMUM_ENDED } from "../../../extension/background/analysis-store.js";
import { checkConnection } from "../../../extension/background/connection.js";
import { Polls } from "../../../extension/background/polls.js";
import { isDue, nextToStart, pollDelayMilliseconds, retryDelayMilliseconds } from "../../../extension/background/schedule.js";
import { identify, MessageRate } from "../../../extension/background/sender.js";
import { Serial } from "../../../extension/background/serial.js";
import { syncSites } from "../../../extension/background/sites.js";
import { Wake } from "../../../extension/background/wake.js";
import { checkedSettings, DEFAULT_SETTINGS } from "../../../extension/shared/settings.js";
import { GatewayServer, problem } from "./world/gateway-server.js";
import { EXTENSION_ORIGIN, MemoryBrowser } from "./world/memory-browser.js";

/** The parts of the queue, one by one. */

const DAY = 86_400_000;
const OWN = { id: "x".repeat(32), origin: EXTENSION_ORIGIN };
const diagnostics = /** @type {any} */ ({ note: () => undefined, noteError: () => undefined });

/**
 * @param {string} id
 * @param {object} [members]
 * @returns {any}
 */
function analysis(id, members = {}) {
    return { id, state: "waiting", createdAt: 0, changedAt: 0, isVisible: false, isAutomatic: false, source: { kind: "stream" },
        ...members };
}

test("turns: visible first, asked before automatic, then the oldest", () => {
    const waiting = [
        analysis("old", { createdAt: 1 }), analysis("new", { createdAt: 9 }), analysis("seen", { createdAt: 8, isVisible: true }),
        analysis("seen automatic", { createdAt: 2, isVisible: true, isAutomatic: true }),
        analysis("automatic", { createdAt: 0, isAutomatic: true }),
        analysis("later", { nextAt: 500, isVisible: true }),
    ];
    assert.deepEqual(nextToStart(waiting, 8, 100), ["seen", "seen automatic", "old", "new", "automatic"]);
    assert.deepEqual(nextToStart([...waiting, analysis("busy", { state: "reading" })], 2, 100), ["seen"]);
    assert.deepEqual(nextToStart([analysis("busy", { state: "reading" }), ...waiting], 1, 100), []);
});

test("what is due, though clocks are set", () => {
    assert.equal(isDue(analysis("a"), 0), true);
    assert.equal(isDue(analysis("a", { nextAt: 200, changedAt: 100 }), 150), false);
    assert.equal(isDue(analysis("a", { nextAt: 200, changedAt: 100 }), 200), true);
    assert.equal(isDue(analysis("a", { nextAt: 200, changedAt: 100 }), 50), true);
});

test("pauses double up to five minutes, by chance up to half of it less, and never less than the gateway says", () => {
    assert.equal(retryDelayMilliseconds(0, 1), 1000);
    assert.equal(retryDelayMilliseconds(3, 1), 8000);
    assert.equal(retryDelayMilliseconds(3, 0), 4000);
    assert.equal(retryDelayMilliseconds(50, 1), 300_000);
    assert.equal(retryDelayMilliseconds(0, 0, 60_000), 60_000);
    assert.equal(pollDelayMilliseconds({ isWatched: true, unchanged: 9, retryAfterMilliseconds: 1000 }), 1000);
    assert.equal(pollDelayMilliseconds({ isWatched: false, unchanged: 0 }), 2000);
    assert.equal(pollDelayMilliseconds({ isWatched: false, unchanged: 99 }), 60_000);
});

test("a few jobs are asked for at a time, watched ones first and with patience", () => {
    const polls = new Polls(() => 0);
    const jobs = [...Array(6)].map((_, index) => analysis(`j${index}`, { state: "running", createdAt: index, entityTag: '"1"' }));
    const isWatched = (/** @type {any} */ { id }) => id >= "j2";
    const chosen = polls.choose(jobs, [], isWatched, { now: 0, elapsed: 0 });
    assert.deepEqual(chosen.map(({ analysis: { id }, isLong }) => [id, isLong]),
        [["j2", true], ["j3", true], ["j4", false], ["j5", false]]);
    const running = [{ isLong: true }, { isLong: true }, { isLong: false }];
    assert.equal(polls.choose(jobs, running, isWatched, { now: 0, elapsed: 0 })[0].isLong, false);
    polls.answered(chosen[2], { isUnchanged: true, retryAfterMilliseconds: 1000 });
    assert.equal(polls.dueAt("j4"), 1000);
    polls.hurry();
    assert.equal(polls.dueAt("j4"), 0);
});

test("tasks of one key follow one another, others do not wait, and a failure holds nobody up", async () => {
    const serial = new Serial();
    /** @type {string[]} */
    const order = [];
    /** @type {() => void} */
    let release = () => undefined;
    const gate = new Promise((resolve) => {
        release = () => resolve(undefined);
    });
    const first = serial.run("a", async () => {
        await gate;
        order.push("first");
        throw new Error("no");
    });
    const second = serial.run("a", async () => order.push("second"));
    await serial.run("b", async () => order.push("other"));
    release();
    await assert.rejects(first);
    await second;
    assert.deepEqual(order, ["other", "first", "second"]);
});

test("an alarm stands as long as something is to be done, and is not set twice", async () => {
    const browser = new MemoryBrowser();
    /** @type {any[]} */
    const set = [];
    browser.onAlarmSet = (name) => set.push(browser.alarms.get(name)?.delayMinutes);
    let elapsed = 0;
    const clock = { now: () => 0, elapsed: () => elapsed, setTimer: () => 1, clearTimer: () => undefined };
    const wake = new Wake(browser, clock, () => undefined);
    await wake.set({ isBusy: true, isPending: true, dueMilliseconds: null });
    await wake.set({ isBusy: true, isPending: true, dueMilliseconds: 90_000 });
    await wake.set({ isBusy: false, isPending: true, dueMilliseconds: 90_000 });
    await wake.set({ isBusy: false, isPending: true, dueMilliseconds: 89_000 });
    await wake.set({ isBusy: false, isPending: true, dueMilliseconds: 9e9 });
    assert.deepEqual(set, [0.5, 1.5, 60]);
    elapsed = 61 * 60_000;
    await wake.set({ isBusy: false, isPending: true, dueMilliseconds: 9e9 });
    assert.deepEqual(set, [0.5, 1.5, 60, 60], "what went off is set anew, and not left to its period");
    await wake.set({ isBusy: false, isPending: false, dueMilliseconds: null });
    assert.equal(browser.alarms.size, 0);
});

test("senders are told apart", () => {
    const content = { id: OWN.id, frameId: 0, documentId: "D",
        tab: { id: 3, windowId: 1, active: true, url: "https://a.example/x", title: "t" }, origin: "https://b.example" };
    assert.deepEqual(identify(content, OWN),
        { kind: "content", tabId: 3, frameId: 0, documentId: "D", pageOrigin: "https://a.example", pageTitle: "t" });
    const inUnknownTab = { ...content, tab: { ...content.tab, url: undefined } };
    assert.equal(/** @type {any} */ (identify(inUnknownTab, OWN)).pageOrigin, "https://b.example");
    assert.deepEqual(identify({ id: OWN.id, url: `${EXTENSION_ORIGIN}/options/options.html`, tab: content.tab }, OWN), { kind: "page" });
    assert.equal(identify({ ...content, url: `${EXTENSION_ORIGIN}.example/`, id: "other" }, OWN), null);
    assert.equal(identify({ ...content, url: `${EXTENSION_ORIGIN}.evil/` }, OWN)?.kind, "content");
});

test("each document has its own rate, which fills up again", () => {
    let now = 0;
    const rate = new MessageRate(() => now);
    const taken = () => [...Array(100)].filter(() => rate.take("d")).length;
    assert.equal(taken(), 40);
    assert.equal(rate.take("e"), true);
    now = 1000;
    assert.equal(taken(), 10);
});

test("old analyses are forgotten, the surplus too, and nothing by a clock that jumps", async () => {
    const browser = new MemoryBrowser();
    const many = [...Array(MAXIMUM_ENDED + 5)].map((_, index) => analysis(`a${index}`, { state: "succeeded", endedAt: 100 * DAY + index }));
    const old = analysis("old", { state: "failed", endedAt: 50 * DAY });
    const pending = analysis("pending", { createdAt: 0, changedAt: 0 });
    await browser.writeStorage("local", Object.fromEntries([...many, old, pending].map((each) => [`analysis:${each.id}`, each])));
    const store = await AnalysisStore.open(browser, diagnostics);
    await store.prune(30, 101 * DAY);
    assert(store.get("pending"));
    assert.equal([...store.all()].length, MAXIMUM_ENDED + 1, "the surplus is dropped at once, the oldest first");
    assert.equal(store.get("old"), null);
    await store.prune(30, 400 * DAY);
    assert.equal([...store.all()].length, MAXIMUM_ENDED + 1);
    await store.prune(30, 401 * DAY);
    assert.deepEqual([...store.all()].map(({ id }) => id), ["pending"]);
});

test("content scripts are registered for allowed sites with their permission, and for no others", async () => {
    const browser = new MemoryBrowser();
    const sites = {
        "https://a.example": { analysis: /** @type {const} */ ("ask"), showsBadges: true },
        "https://b.example": { analysis: /** @type {const} */ ("automatic"), showsBadges: false },
        "https://c.example": { analysis: /** @type {const} */ ("ask"), showsBadges: false },
        "https://d.example": { analysis: /** @type {const} */ ("ask"), showsBadges: true },
    };
    browser.hosts = new Set(["https://a.example/*", "https://b.example/*", "https://c.example/*"]);
    browser.scripts.set("site:https://gone.example", { id: "site:https://gone.example", matches: [], js: [] });
    browser.scripts.set("other", { id: "other", matches: [], js: [] });
    await syncSites(browser, { ...DEFAULT_SETTINGS, sites });
    assert.deepEqual([...browser.scripts.keys()], ["other", "site:https://a.example", "site:https://b.example"]);
    assert.deepEqual(browser.scripts.get("site:https://a.example").matches, ["https://a.example/*"]);
    browser.scripts.get("site:https://a.example").js = ["content/of-an-earlier-version.js"];
    await syncSites(browser, { ...DEFAULT_SETTINGS, sites });
    assert.equal(browser.scripts.get("site:https://a.example").js.at(-1), "content/main.js");
});

test("how a connection is", async (context) => {
    const server = await new GatewayServer().start();
    context.after(() => server.stop());
    const browser = new MemoryBrowser();
    const url = server.url ?? "";
    const statusOf = async (/** @type {string} */ address, key = "") => (await checkConnection(browser, { url: address, key })).status;
    assert.equal(await statusOf(""), "unset");
    assert.equal(await statusOf("ftp://a"), "unreachable");
    assert.equal(await statusOf(url, "two words"), "unauthorized");
    assert.equal(await statusOf(url), "permission_missing");
    browser.hosts.add("http://127.0.0.1/*");
    assert.equal(await statusOf(`${url}/`), "ok");
    server.key = "whorl_right";
    assert.equal(await statusOf(url), "unauthorized");
    assert.equal(await statusOf(url, "whorl_wrong"), "unauthorized");
    assert.equal(await statusOf(url, " whorl_right "), "ok");
    server.refuse = ({ path }) => (path === "/api/stats" ? problem(403, "scope_missing") : null);
    assert.equal(await statusOf(url, "whorl_right"), "unauthorized");
    const headers = { "Content-Type": "application/json" };
    server.refuse = () => ({ status: 200, headers, body: '{"status":"degraded","version":"1","workers":0}' });
    assert.deepEqual(await checkConnection(browser, { url, key: "" }), { status: "degraded", version: "1", detail: "no worker is ready" });
    server.refuse = () => ({ status: 200, body: "<html>" });
    assert.equal(await statusOf(url), "not_whorl");
    server.refuse = () => "reset";
    assert.equal(await statusOf(url), "unreachable");
});

test("settings that were stored are not believed", () => {
    assert.deepEqual(checkedSettings(undefined), { ...DEFAULT_SETTINGS });
    assert.deepEqual(checkedSettings("x"), { ...DEFAULT_SETTINGS });
    const settings = checkedSettings({
        gatewayUrl: "HTTP://Example.ORG:8080/whorl//", gatewayKey: "a b", dashboardUrl: "javascript:alert(1)", retentionDays: 0,
        parallelAnalyses: 3, frameCount: 16.5,
        allowsUrls: 1, language: "../x", more: 1,
        sites: { "https://a.example": { analysis: "always", showsBadges: false }, "https://a.example/path": {}, "null": {}, b: null },
    });
    assert.deepEqual(settings, {
        ...DEFAULT_SETTINGS, gatewayUrl: "http://example.org:8080/whorl", parallelAnalyses: 3,
        sites: { "https://a.example": { analysis: "ask", showsBadges: false } },
    });
    const endless = `https://a.example/${"x".repeat(3000)}`;
    for (const wrong of ["https://user@a.example", "https://a.example?x", "https://a.example#x", "a.example", endless]) {
        assert.equal(checkedSettings({ gatewayUrl: wrong }).gatewayUrl, "");
    }
});
