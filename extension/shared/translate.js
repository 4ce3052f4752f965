// @ts-check
import { browserText, loadPackagedJson } from "./browser.js";

/**
 * What stands in a text's gap. Numbers come with their kind, so that the language decides how they look.
 *
 * @typedef {string | Words | {percent: number} | {bound: number} | {seconds: number} | {clock: number} | {bytes: number} | {count: number}
 *   | {time: number} | {moment: number}} Substitution
 *   `percent`: a probability, 0…1. `bound`: one that was set, not measured. `seconds`: a span. `clock`: a place in a video, in seconds.
 *   `time`: milliseconds since 1970, as day and minute. `moment`: the same as hour, minute and second.
 *
 * @typedef {object} Words  a text, not yet in any language
 * @property {string} key
 * @property {Substitution[]} [substitutions]
 *
 * @typedef {{message: string, placeholders?: Record<string, {content: string}>}} Message  an entry of messages.json
 * @typedef {(key: string, substitutions: string[]) => string} Lookup  empty where there is no such text
 */

/** The languages that the extension has, each named in itself. */
export const LANGUAGES = Object.freeze([
    { folder: "en", name: "English" },
    { folder: "de", name: "Deutsch" },
]);

/** Texts and numbers in one language. */
export class Translator {
    /** @type {Lookup} */
    #lookup;

    /**
     * @param {Lookup} lookup
     * @param {string} [preferred]  the browser's language tag: its region decides about dates and numbers where its language is the texts'
     *   own
     */
    constructor(lookup, preferred = "") {
        this.#lookup = lookup;
        this.language = lookup("language_tag", []) || "en";
        /** @type {"ltr"|"rtl"} */
        this.direction = lookup("language_direction", []) === "rtl" ? "rtl" : "ltr";
        this.locale = preferred.split("-")[0] === this.language ? preferred : this.language;
    }

    /**
     * @param {string} key
     * @param {...Substitution} substitutions
     * @returns {string}
     */
    text(key, ...substitutions) {
        // A missing text shows as its key: seen at once, and harmless.
        return this.#lookup(key, substitutions.map((each) => this.#shown(each))) || key;
    }

    /**
     * @param {Words} words
     * @returns {string}
     */
    say({ key, substitutions = [] }) {
        return this.text(key, ...substitutions);
    }

    /**
     * A text about a number of things, which is its first substitution.
     * @param {{one: string, other: string}} keys
     * @param {number} count
     * @param {...Substitution} more
     */
    counted(keys, count, ...more) {
        const form = new Intl.PluralRules(this.locale).select(count);
        return this.text(form === "one" ? keys.one : keys.other, { count }, ...more);
    }

    /**
     * A probability. Never 0 % or 100 %, which no measurement gives: the ends say "less than" and "more than".
     * @param {number} fraction
     * @returns {string}
     */
    percent(fraction) {
        const isNearAnEnd = fraction < 0.01 || fraction > 0.99;
        const format = new Intl.NumberFormat(this.locale, { style: "percent", maximumFractionDigits: isNearAnEnd ? 1 : 0 });
        if (fraction < 0.001) return this.text("number_less_than", format.format(0.001));
        if (fraction > 0.999) return this.text("number_more_than", format.format(0.999));
        return format.format(fraction);
    }

    /**
     * A bound that was set, such as a threshold: exact, with 0 and 100 %.
     * @param {number} fraction
     */
    exactPercent(fraction) {
        return new Intl.NumberFormat(this.locale, { style: "percent", maximumFractionDigits: 1 }).format(fraction);
    }

    /**
     * @param {number} value
     * @param {number} [digits]  after the point
     */
    number(value, digits = 0) {
        return new Intl.NumberFormat(this.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
    }

    /**
     * A place in a video, `1:04.3`.
     * @param {number} seconds
     * @param {number} [digits]
     */
    clock(seconds, digits = 1) {
        const unit = 10 ** digits;
        const whole = Math.max(0, Math.round(seconds * unit)) / unit;
        const hours = Math.floor(whole / 3600);
        const minutes = Math.floor(whole / 60) % 60;
        const rest = new Intl.NumberFormat(this.locale, {
            minimumIntegerDigits: 2, minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false,
        }).format(whole % 60);
        return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
    }

    /**
     * A span in words, "12 sec".
     * @param {number} seconds
     */
    span(seconds) {
        const [value, unit] = seconds < 90 ? [seconds, "second"] : seconds < 5400 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
        return new Intl.NumberFormat(this.locale, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 0 }).format(value);
    }

    /** @param {number} length */
    bytes(length) {
        const power = Math.min(3, Math.floor(Math.log10(Math.max(1, length)) / 3));
        const unit = ["byte", "kilobyte", "megabyte", "gigabyte"][power];
        return new Intl.NumberFormat(this.locale, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: power > 1 ? 1 : 0 })
            .format(length / 1000 ** power);
    }

    /**
     * A picture's size, width first in every direction of writing.
     * @param {number} width
     * @param {number} height
     */
    size(width, height) {
        return `\u2066${width} × ${height}\u2069`;
    }

    /** @param {number} milliseconds  since 1970 */
    time(milliseconds) {
        return new Intl.DateTimeFormat(this.locale, { dateStyle: "medium", timeStyle: "short" }).format(milliseconds);
    }

    /** @param {number} milliseconds  since 1970 */
    moment(milliseconds) {
        return new Intl.DateTimeFormat(this.locale, { timeStyle: "medium" }).format(milliseconds);
    }

    /**
     * @param {Substitution} substitution
     * @returns {string}
     */
    #shown(substitution) {
        if (typeof substitution === "string") return substitution;
        if ("key" in substitution) return this.say(substitution);
        if ("percent" in substitution) return this.percent(substitution.percent);
        if ("bound" in substitution) return this.exactPercent(substitution.bound);
        if ("seconds" in substitution) return this.span(substitution.seconds);
        if ("clock" in substitution) return this.clock(substitution.clock);
        if ("bytes" in substitution) return this.bytes(substitution.bytes);
        if ("time" in substitution) return this.time(substitution.time);
        if ("moment" in substitution) return this.moment(substitution.moment);
        return this.number(substitution.count);
    }
}

/**
 * Texts of a messages.json, with gaps filled as the browser itself fills them.
 * @param {Record<string, Message>} messages
 * @returns {Lookup}
 */
export function lookupIn(messages) {
    return (key, substitutions) => {
        const entry = Object.hasOwn(messages, key) ? messages[key] : null;
        if (!entry) return "";
        const declared = Object.entries(entry.placeholders ?? {});
        const contents = Object.fromEntries(declared.map(([name, { content }]) => [name.toLowerCase(), content]));
        const numbered = entry.message.replace(/\$([a-z0-9_@]+)\$/gi, (gap, name) => contents[name.toLowerCase()] ?? gap);
        return numbered.replace(/\$(\$|[1-9])/g, (_, mark) => (mark === "$" ? "$" : substitutions[Number(mark) - 1] ?? ""));
    };
}

/**
 * The texts of a language that the person chose, or of the browser's.
 * @param {string} language  "" for the browser's, or a folder of _locales
 */
export async function loadTranslator(language) {
    const preferred = globalThis.navigator?.language ?? "";
    if (!LANGUAGES.some(({ folder }) => folder === language)) return new Translator(browserText, preferred);
    return new Translator(lookupIn(await loadPackagedJson(`_locales/${language}/messages.json`)), preferred);
}

/**
 * Puts a page into its language: `data-text` fills an element, `data-label` names it, `data-hint` fills an empty field.
 * @param {Document} page
 * @param {Translator} translator
 */
export function translatePage(page, translator) {
    page.documentElement.lang = translator.language;
    page.documentElement.dir = translator.direction;
    /** @type {(name: string, put: (element: Element, text: string) => void) => void} */
    const each = (name, put) => {
        for (const element of page.querySelectorAll(`[${name}]`)) put(element, translator.text(element.getAttribute(name) ?? ""));
    };
    each("data-text", (element, text) => element.replaceChildren(text));
    each("data-label", (element, text) => element.setAttribute("aria-label", text));
    each("data-hint", (element, text) => element.setAttribute("placeholder", text));
}
