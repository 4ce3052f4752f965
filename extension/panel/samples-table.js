// @ts-check
import { button, element } from "../look/nodes.js";
import { sideOfBand } from "../shared/verdict-shape.js";

/**
 * @typedef {import("../shared/translate.js").Translator} Translator
 * @typedef {import("../shared/verdict-shape.js").Frame} Frame
 * @typedef {import("../shared/verdict-shape.js").Verdict} Verdict
 */

/** @type {Record<"above"|"inside"|"below", string>} */
const SIDES = { above: "panel_side_above", inside: "panel_side_inside", below: "panel_side_below" };

/**
 * The chart's numbers as a table, folded away. Its rows are buttons of full size: what the chart's points do, they do too.
 * @param {Verdict} verdict
 * @param {Frame[]} frames
 * @param {Translator} translator
 * @param {(index: number) => void} choose
 */
export function samplesTable(verdict, frames, translator, choose) {
    const head = ["panel_column_time", "panel_column_probability", "panel_column_side", "panel_column_contribution"];
    const rows = frames.map((frame, index) => element("tr", {},
        element("th", { scope: "row" }, button(translator.clock(frame.timestampSeconds), () => choose(index), {
            class: "quiet", "aria-label": translator.text("panel_choose_frame", { clock: frame.timestampSeconds }),
        })),
        element("td", {}, translator.percent(frame.probability)),
        element("td", {}, translator.text(SIDES[sideOfBand(verdict, frame.probability)])),
        element("td", {}, translator.number(frame.contribution, 3))));
    const title = translator.counted({ one: "panel_table_one", other: "panel_table_other" }, frames.length);
    return element("details", { class: "samples" },
        element("summary", {}, title),
        element("div", { class: "samples-scroll", tabindex: 0, role: "region", "aria-label": title },
            element("table", {},
                element("thead", {}, element("tr", {}, ...head.map((key) => element("th", { scope: "col" }, translator.text(key))))),
                element("tbody", {}, ...rows))),
        element("p", { class: "quiet-text" }, translator.text("panel_contribution_note")));
}
