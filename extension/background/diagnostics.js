// @ts-check
/**
 * The last events, for people who look for an error. No address or title of a page, no key, is ever among their facts.
 *
 * @typedef {Pick<typeof import("../shared/browser.js"), "readStorage"|"writeStorage">} DiagnosticsBrowser
 * @typedef {string | number | boolean} Fact
 * @typedef {{at: number, event: string, facts: Record<string, Fact>}} Entry
 */

export const EVENTS_KEY = "events";
export const MAXIMUM_EVENTS = 50;
const MAXIMUM_FACT_LENGTH = 300;
const WRITE_DELAY_MILLISECONDS = 200;

export class Diagnostics {
    #browser;
    #now;
    /** @type {Entry[]} */
    #entries = [];
    /** @type {Promise<void> | null} */
    #loading = null;
    #isWriteDue = false;

    /**
     * @param {DiagnosticsBrowser} browser
     * @param {() => number} now
     */
    constructor(browser, now) {
        this.#browser = browser;
        this.#now = now;
    }

    /**
     * @param {string} event
     * @param {Record<string, Fact | undefined>} [facts]
     */
    note(event, facts = {}) {
        const told = Object.entries(facts).flatMap(([name, value]) => (value === undefined ? [] : [[name, tellable(value)]]));
        this.#entries.push({ at: this.#now(), event, facts: Object.fromEntries(told) });
        this.#entries = this.#entries.slice(-MAXIMUM_EVENTS);
        this.#writeSoon();
    }

    /**
     * @param {string} event
     * @param {unknown} error
     * @param {Record<string, Fact | undefined>} [facts]
     */
    noteError(event, error, facts = {}) {
        this.note(event, { ...facts, error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
    }

    /** @returns {Promise<Entry[]>}  the oldest first */
    async entries() {
        await this.#load();
        return this.#entries;
    }

    /** What an earlier service worker of this session noted comes first. */
    #load() {
        this.#loading ??= this.#browser.readStorage("session", EVENTS_KEY).then((stored) => {
            const earlier = Array.isArray(stored[EVENTS_KEY]) ? stored[EVENTS_KEY] : [];
            this.#entries = [...earlier, ...this.#entries].slice(-MAXIMUM_EVENTS);
        });
        return this.#loading;
    }

    #writeSoon() {
        if (this.#isWriteDue) return;
        this.#isWriteDue = true;
        setTimeout(() => this.#write(), WRITE_DELAY_MILLISECONDS);
    }

    async #write() {
        try {
            await this.#load();
            this.#isWriteDue = false;
            await this.#browser.writeStorage("session", { [EVENTS_KEY]: this.#entries });
        } catch (error) {
            // Where even this cannot be stored, the console is what is left.
            console.error("diagnostics cannot be stored", error);
        }
    }
}

/**
 * @param {Fact} value
 * @returns {Fact}
 */
function tellable(value) {
    if (typeof value !== "string") return value;
    return value.replace(/\b(https?|blob|data|file):[^\s"')]+/gi, "(address)").slice(0, MAXIMUM_FACT_LENGTH);
}
