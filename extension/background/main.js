// @ts-check
import * as browser from "../shared/browser.js";
import { loadTranslator } from "../shared/translate.js";
import { UPLOAD_BYTES } from "./clip-sender.js";
import { ClipStore } from "./clip-store.js";
import { Machine } from "./machine.js";

/** The service worker: registers every listener at once, as the browser wants it of one that it starts for an event, then delegates. */
const machine = new Machine({
    browser,
    clips: new ClipStore(),
    clock: {
        now: () => Date.now(),
        elapsed: () => performance.now(),
        setTimer: (task, milliseconds) => setTimeout(task, milliseconds),
        clearTimer: (timer) => clearTimeout(timer),
    },
    random: Math.random,
    newId: () => crypto.randomUUID(),
    loadTranslator,
    uploadBytes: UPLOAD_BYTES,
});

browser.onMessage((message, sender) => machine.answer(message, sender));
browser.onConnect((port) => machine.connect(port));
browser.onAlarm((name) => machine.alarm(name));
browser.onTabRemoved((tabId) => machine.tabRemoved(tabId));
browser.onHostsChanged(() => machine.hostsChanged());
browser.onStorageChanged((changes, area) => machine.storageChanged(changes, area));
browser.onOnline(() => machine.online());

/** What failed is noted, and the next event tries again. */
function begin() {
    machine.begin().catch(() => undefined);
}

browser.onInstalled(begin);
browser.onStartup(begin);
begin();
