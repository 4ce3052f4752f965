// @ts-check
import { icon } from "../look/icons.js";
import { button, element } from "../look/nodes.js";

/**
 * @typedef {import("../shared/translate.js").Translator} Translator
 *
 * @typedef {object} PanelActions
 * @property {() => unknown} again
 * @property {(() => unknown) | null} saveHtml  null where there is no verdict to report
 * @property {(() => unknown) | null} saveJson
 * @property {() => unknown} erase
 */

/**
 * What can be done with an analysis that has ended.
 * @param {Translator} translator
 * @param {PanelActions} actions
 */
export function actionsView(translator, { again, saveHtml, saveJson, erase }) {
    const text = (/** @type {string} */ key) => translator.text(key);
    return element("section", { class: "actions", "aria-labelledby": "actions-title" },
        element("h2", { id: "actions-title" }, text("panel_heading_actions")),
        element("div", { class: "buttons" },
            button(text("action_again"), again, {}, icon("again")),
            saveHtml && button(text("action_save_html"), saveHtml, {}, icon("save")),
            saveJson && button(text("action_save_json"), saveJson, {}, icon("save")),
            button(text("action_erase"), erase, { class: "danger" }, icon("remove"))));
}
