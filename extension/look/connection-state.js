// @ts-check
import { icon } from "./icons.js";
import { element } from "./nodes.js";
import { ownWords } from "./problem-callout.js";

/**
 * How the gateway answered, in words.
 *
 * @typedef {import("../shared/translate.js").Translator} Translator
 * @typedef {"ok"|"degraded"|"unreachable"|"unauthorized"|"permission_missing"|"unset"|"not_whorl"} ConnectionStatus
 * @typedef {{status: ConnectionStatus, version?: string, detail: string}} Connection
 */

/** @type {Record<ConnectionStatus, [text: string, sentence: string, tone: "good"|"doubtful"|"bad"]>} */
const STATES = {
    ok: ["popup_connection_ok", "options_connection_ok", "good"],
    degraded: ["popup_connection_degraded", "options_connection_degraded", "doubtful"],
    unreachable: ["popup_connection_unreachable", "options_connection_unreachable", "bad"],
    unauthorized: ["popup_connection_unauthorized", "options_connection_unauthorized", "bad"],
    permission_missing: ["popup_connection_permission", "options_connection_permission", "bad"],
    unset: ["popup_connection_unset", "options_connection_unset", "bad"],
    not_whorl: ["popup_connection_not_whorl", "options_connection_not_whorl", "bad"],
};

/** @type {Record<"good"|"doubtful"|"bad", import("./icons.js").IconName>} */
const ICONS = { good: "done", doubtful: "waiting", bad: "problem" };

/**
 * In two words, for a corner.
 * @param {Connection} connection
 * @param {Translator} translator
 */
export function connectionTag({ status }, translator) {
    const [text, , tone] = STATES[status] ?? STATES.unreachable;
    return element("span", { class: `connection ${tone}` }, icon(ICONS[tone]), translator.text(text));
}

/**
 * In a sentence, with the gateway's own words.
 * @param {Connection} connection
 * @param {Translator} translator
 */
export function connectionCallout({ status, version, detail }, translator) {
    const [, sentence, tone] = STATES[status] ?? STATES.unreachable;
    return element("div", { class: `callout ${tone === "bad" ? "problem" : tone}` },
        icon(ICONS[tone]),
        element("p", {}, translator.text(sentence), version ? ` ${translator.text("options_connection_version", version)}` : ""),
        detail && ownWords(detail, translator));
}
