// @ts-check
/**
 * The one wrapper of the browser's API: promises in, promises out. No other module names `chrome`. Nothing is touched while the module
 * loads, so that tests can import it anywhere.
 *
 * @typedef {Record<string, {oldValue?: any, newValue?: any}>} StorageChanges
 * @typedef {"local"|"session"} StorageAreaName
 *
 * @typedef {object} Sender  who sent a message or opened a port
 * @property {string} [id]  the extension's own, for its pages and content scripts
 * @property {string} [url]
 * @property {string} [origin]
 * @property {number} [frameId]
 * @property {string} [documentId]
 * @property {string} [documentLifecycle]
 * @property {Tab} [tab]
 *
 * @typedef {object} Tab
 * @property {number} [id]
 * @property {number} windowId
 * @property {boolean} active
 * @property {string} [url]  where the extension may see it
 * @property {string} [title]  likewise
 *
 * @typedef {object} Port
 * @property {string} name
 * @property {Sender} [sender]
 * @property {(message: any) => void} postMessage
 * @property {() => void} disconnect
 * @property {{addListener: (listener: (message: any) => void) => void}} onMessage
 * @property {{addListener: (listener: () => void) => void}} onDisconnect
 *
 * @typedef {{frameId: number, documentId: string, result: any}} FrameResult
 *
 * @typedef {object} RegisteredScript
 * @property {string} id
 * @property {string[]} matches
 * @property {string[]} js
 */

// The extension itself

export function extensionId() {
    return chrome.runtime.id;
}

/** `chrome-extension://…`, without a slash at its end. */
export function extensionOrigin() {
    return new URL(chrome.runtime.getURL("")).origin;
}

export function extensionVersion() {
    return chrome.runtime.getManifest().version;
}

/** @param {string} path */
export function packagedUrl(path) {
    return chrome.runtime.getURL(path);
}

/** @param {string} path */
export async function loadPackagedJson(path) {
    const response = await fetch(packagedUrl(path));
    return response.json();
}

/**
 * A text of `_locales` in the browser's language; empty where there is none of this name.
 * @param {string} key
 * @param {string[]} [substitutions]
 * @returns {string}
 */
export function browserText(key, substitutions = []) {
    return chrome.i18n.getMessage(key, substitutions);
}

export async function openOptions() {
    await chrome.runtime.openOptionsPage();
}

/** A call of the browser's API, which tells it that the service worker is at work. */
export async function stayAwake() {
    await chrome.runtime.getPlatformInfo();
}

/** Whether one of the extension's pages is open: popup, side panel, or a tab. */
export async function isPageOpen() {
    const contexts = await chrome.runtime.getContexts({ contextTypes: ["POPUP", "SIDE_PANEL", "TAB"] });
    return contexts.length > 0;
}

/** @param {(reason: string) => void} listener */
export function onInstalled(listener) {
    chrome.runtime.onInstalled.addListener(({ reason }) => listener(reason));
}

/** @param {() => void} listener */
export function onOnline(listener) {
    globalThis.addEventListener("online", () => listener());
}

/** @param {() => void} listener */
export function onStartup(listener) {
    chrome.runtime.onStartup.addListener(() => listener());
}

// Storage

/**
 * @param {StorageAreaName} area
 * @param {string | string[] | null} keys  null for all
 * @returns {Promise<Record<string, any>>}
 */
export async function readStorage(area, keys) {
    return chrome.storage[area].get(keys);
}

/**
 * @param {StorageAreaName} area
 * @param {Record<string, any>} items
 */
export async function writeStorage(area, items) {
    await chrome.storage[area].set(items);
}

/**
 * @param {StorageAreaName} area
 * @param {string | string[]} keys
 */
export async function removeFromStorage(area, keys) {
    await chrome.storage[area].remove(keys);
}

/** Keeps what is stored, the gateway's key with it, from content scripts. */
export async function protectStorage() {
    await chrome.storage.local.setAccessLevel({ accessLevel: "TRUSTED_CONTEXTS" });
    await chrome.storage.session.setAccessLevel({ accessLevel: "TRUSTED_CONTEXTS" });
}

/**
 * @param {(changes: StorageChanges, area: string) => void} listener
 * @returns {() => void}  ends the listening
 */
export function onStorageChanged(listener) {
    chrome.storage.onChanged.addListener(listener);
    return () => chrome.storage.onChanged.removeListener(listener);
}

/**
 * Runs a task while no other context of the extension runs one under this name.
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} task
 * @returns {Promise<T>}
 */
export async function withLock(name, task) {
    return navigator.locks.request(name, task);
}

// Messages

/**
 * To the service worker, from a page of the extension.
 * @param {any} message
 * @returns {Promise<any>}
 */
export async function sendMessage(message) {
    return chrome.runtime.sendMessage(message);
}

/**
 * To one document's content script. Rejects where the document is gone, or has none.
 * @param {{tabId: number, frameId: number, documentId: string}} place
 * @param {any} message
 * @returns {Promise<any>}
 */
export async function sendToDocument({ tabId, documentId }, message) {
    return chrome.tabs.sendMessage(tabId, message, { documentId });
}

/**
 * @param {(message: any, sender: Sender) => Promise<any>} handler  never rejects
 */
export function onMessage(handler) {
    chrome.runtime.onMessage.addListener((message, sender, answer) => {
        handler(message, sender).then(answer);
        return true;
    });
}

/** @param {(port: Port) => void} handler */
export function onConnect(handler) {
    chrome.runtime.onConnect.addListener((port) => {
        // Reading it tells the browser that a broken connection is no surprise.
        port.onDisconnect.addListener(() => void chrome.runtime.lastError);
        handler(port);
    });
}

// Alarms

/**
 * @param {string} name
 * @param {{delayMinutes: number, periodMinutes?: number}} times  half a minute at least
 */
export async function setAlarm(name, { delayMinutes, periodMinutes }) {
    const times = periodMinutes === undefined ? {} : { periodInMinutes: periodMinutes };
    await chrome.alarms.create(name, { delayInMinutes: delayMinutes, ...times });
}

/** @param {string} name */
export async function hasAlarm(name) {
    return (await chrome.alarms.get(name)) !== undefined;
}

/** @param {string} name */
export async function clearAlarm(name) {
    await chrome.alarms.clear(name);
}

/** @param {(name: string) => void} listener */
export function onAlarm(listener) {
    chrome.alarms.onAlarm.addListener(({ name }) => listener(name));
}

// Tabs and windows

/** @returns {Promise<Tab | null>}  the tab that the person looks at */
export async function activeTab() {
    const [tab] = await chrome.tabs.query({ active: true, lastFocusedWindow: true });
    return tab ?? null;
}

/** @returns {Promise<Tab | null>}  the tab in front of the window that this page belongs to, such as a side panel's */
export async function tabOfThisWindow() {
    const [tab] = await chrome.tabs.query({ active: true, currentWindow: true });
    return tab ?? null;
}

/** @param {() => void} listener  another tab has come to the front, in any window */
export function onTabShown(listener) {
    chrome.tabs.onActivated.addListener(() => listener());
}

/** @returns {Promise<number[]>}  of every window's tab in front */
export async function shownTabIds() {
    const tabs = await chrome.tabs.query({ active: true });
    return tabs.map(({ id }) => id ?? -1);
}

/**
 * @param {number} tabId
 * @returns {Promise<Tab | null>}  null: it is closed
 */
export async function findTab(tabId) {
    try {
        return await chrome.tabs.get(tabId);
    } catch {
        return null;
    }
}

/** @param {string} url */
export async function openTab(url) {
    await chrome.tabs.create({ url });
}

/**
 * The tab that is in front in a window, as it is seen, as a PNG data URL.
 * @param {number} windowId
 */
export async function captureShownTab(windowId) {
    return chrome.tabs.captureVisibleTab(windowId, { format: "png" });
}

/** @param {(tabId: number) => void} listener */
export function onTabRemoved(listener) {
    chrome.tabs.onRemoved.addListener((tabId) => listener(tabId));
}

/**
 * Opens the side panel. The browser allows it only while it handles a person's click: nothing may be awaited before.
 * @param {number} tabId
 */
export async function openPanel(tabId) {
    await chrome.sidePanel.open({ tabId });
}

// Scripts in pages

/**
 * Runs a function, which must not refer to anything outside itself, in a tab's documents.
 * @param {number} tabId
 * @param {() => any} run
 * @param {string[]} [documentIds]  all that the extension may enter, where none are named
 * @returns {Promise<FrameResult[]>}
 */
export async function runInFrames(tabId, run, documentIds) {
    const target = documentIds ? { tabId, documentIds } : { tabId, allFrames: true };
    return chrome.scripting.executeScript({ target, func: run, injectImmediately: true });
}

/**
 * @param {number} tabId
 * @param {string[]} documentIds
 * @param {string[]} files
 */
export async function injectFiles(tabId, documentIds, files) {
    await chrome.scripting.executeScript({ target: { tabId, documentIds }, files });
}

/** @returns {Promise<RegisteredScript[]>} */
export async function registeredScripts() {
    return chrome.scripting.getRegisteredContentScripts();
}

/** @param {RegisteredScript} script */
export async function registerScript(script) {
    await chrome.scripting.registerContentScripts([
        { ...script, allFrames: true, matchOriginAsFallback: true, runAt: "document_idle", persistAcrossSessions: true },
    ]);
}

/** @param {string[]} ids */
export async function unregisterScripts(ids) {
    await chrome.scripting.unregisterContentScripts({ ids });
}

// Permissions

/** @param {string[]} patterns  as `hostPattern` makes them */
export async function hasHosts(patterns) {
    return chrome.permissions.contains({ origins: patterns });
}

/**
 * Asks the person. Only while a click is handled: nothing may be awaited before.
 * @param {string[]} patterns
 */
export async function requestHosts(patterns) {
    return chrome.permissions.request({ origins: patterns });
}

/** @param {string[]} patterns */
export async function removeHosts(patterns) {
    return chrome.permissions.remove({ origins: patterns });
}

/** @returns {Promise<string[]>}  the patterns that were granted */
export async function grantedHosts() {
    return (await chrome.permissions.getAll()).origins ?? [];
}

/** @param {() => void} listener */
export function onHostsChanged(listener) {
    chrome.permissions.onAdded.addListener(() => listener());
    chrome.permissions.onRemoved.addListener(() => listener());
}
