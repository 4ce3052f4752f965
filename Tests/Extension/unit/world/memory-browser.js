// @ts-check
/**
 * The interface of shared/browser.js over memory: what is on the disk outlives machines, pages answer as a test has them do.
 */

const EXTENSION_ID = "abcdefghijklmnopabcdefghijklmnop";
export const EXTENSION_ORIGIN = `chrome-extension://${EXTENSION_ID}`;

/** What changes something outside of the service worker. */
export const BROWSER_EFFECTS = ["writeStorage", "removeFromStorage", "setAlarm", "clearAlarm", "registerScript", "unregisterScripts"];

export class MemoryBrowser {
    /** @type {Record<"local"|"session", Map<string, string>>} as JSON, so that nobody shares an object with the disk */
    areas = { local: new Map(), session: new Map() };
    /** @type {Map<string, {delayMinutes: number, periodMinutes?: number}>} */
    alarms = new Map();
    /** @type {Map<string, any>} */
    scripts = new Map();
    /** @type {Set<string>} */
    hosts = new Set();
    /** @type {((changes: any, area: string) => void)[]} */
    storageListeners = [];
    /** What the page's content script answers: here, that its video is gone. @type {(place: any, message: any) => Promise<any>} */
    page = async () => ({ accepted: false, gone: true, done: false });
    /** @type {(area: string, items: Record<string, any>) => void} may throw */
    beforeWrite = () => undefined;
    /** @type {(name: string) => void} */
    onAlarmSet = () => undefined;
    /** @type {number[]} */
    shownTabs = [];
    /** @type {number[]} */
    openedPanels = [];
    hasOpenPage = false;
    awakenings = 0;
    #locks = Promise.resolve();

    extensionId() {
        return EXTENSION_ID;
    }

    extensionOrigin() {
        return EXTENSION_ORIGIN;
    }

    extensionVersion() {
        return "0.0.1";
    }

    /**
     * @param {"local"|"session"} area
     * @param {string | string[] | null} keys
     */
    async readStorage(area, keys) {
        const wanted = keys === null ? [...this.areas[area].keys()] : [keys].flat();
        const present = wanted.filter((key) => this.areas[area].has(key));
        return Object.fromEntries(present.map((key) => [key, JSON.parse(this.areas[area].get(key) ?? "null")]));
    }

    /**
     * @param {"local"|"session"} area
     * @param {Record<string, any>} items
     */
    async writeStorage(area, items) {
        this.beforeWrite(area, items);
        /** @type {any} */
        const changes = {};
        for (const [key, value] of Object.entries(items)) {
            changes[key] = { oldValue: this.#parsed(area, key), newValue: structuredClone(value) };
            this.areas[area].set(key, JSON.stringify(value));
        }
        this.#tell(changes, area);
    }

    /**
     * @param {"local"|"session"} area
     * @param {string | string[]} keys
     */
    async removeFromStorage(area, keys) {
        /** @type {any} */
        const changes = {};
        for (const key of [keys].flat()) {
            changes[key] = { oldValue: this.#parsed(area, key) };
            this.areas[area].delete(key);
        }
        this.#tell(changes, area);
    }

    async protectStorage() {}

    /**
     * @template T
     * @param {string} _
     * @param {() => Promise<T>} task
     */
    withLock(_, task) {
        const turn = this.#locks.then(task);
        this.#locks = turn.then(() => undefined, () => undefined);
        return turn;
    }

    /**
     * @param {string} name
     * @param {{delayMinutes: number, periodMinutes?: number}} times
     */
    async setAlarm(name, times) {
        this.alarms.set(name, times);
        this.onAlarmSet(name);
    }

    /** @param {string} name */
    async hasAlarm(name) {
        return this.alarms.has(name);
    }

    /** @param {string} name */
    async clearAlarm(name) {
        this.alarms.delete(name);
    }

    async stayAwake() {
        this.awakenings += 1;
    }

    async isPageOpen() {
        return this.hasOpenPage;
    }

    async shownTabIds() {
        return this.shownTabs;
    }

    /** @param {number} id */
    async findTab(id) {
        return { id, windowId: 1, active: this.shownTabs.includes(id) };
    }

    async captureShownTab() {
        return "data:image/png;base64,";
    }

    /** @param {number} tabId */
    async openPanel(tabId) {
        this.openedPanels.push(tabId);
    }

    /**
     * @param {any} place
     * @param {any} message
     */
    async sendToDocument(place, message) {
        return this.page(place, structuredClone(message));
    }

    /** @returns {Promise<any[]>} */
    async runInFrames() {
        return [];
    }

    /** @param {any[]} _ */
    async injectFiles(..._) {}

    async registeredScripts() {
        return [...this.scripts.values()];
    }

    /** @param {any} script */
    async registerScript(script) {
        this.scripts.set(script.id, script);
    }

    /** @param {string[]} ids */
    async unregisterScripts(ids) {
        for (const id of ids) this.scripts.delete(id);
    }

    /** @param {string[]} patterns */
    async hasHosts(patterns) {
        return patterns.every((pattern) => this.hosts.has(pattern));
    }

    async grantedHosts() {
        return [...this.hosts];
    }

    /** As a browser does at its start: what was of the session is gone. */
    restart() {
        this.areas.session.clear();
        this.storageListeners = [];
    }

    /** @returns {any[]} */
    storedAnalyses() {
        return [...this.areas.local].filter(([key]) => key.startsWith("analysis:")).map(([, text]) => JSON.parse(text));
    }

    /**
     * @param {"local"|"session"} area
     * @param {string} key
     */
    #parsed(area, key) {
        const text = this.areas[area].get(key);
        return text === undefined ? undefined : JSON.parse(text);
    }

    /**
     * @param {any} changes
     * @param {string} area
     */
    #tell(changes, area) {
        for (const listener of this.storageListeners) listener(changes, area);
    }
}
