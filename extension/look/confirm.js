// @ts-check
import { button, element } from "./nodes.js";

/**
 * Asks in the page before something that cannot be taken back.
 * @param {import("../shared/translate.js").Translator} translator
 * @param {{title: string, sentence: string, confirm: string}} keys
 * @returns {Promise<boolean>}
 */
export function confirmed(translator, { title, sentence, confirm }) {
    return new Promise((resolve) => {
        /** @type {HTMLDialogElement} */
        const dialog = element("dialog", { "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text" },
            element("h2", { id: "confirm-title" }, translator.text(title)),
            element("p", { id: "confirm-text" }, translator.text(sentence)),
            element("div", { class: "buttons" },
                button(translator.text("action_keep"), () => dialog.close("keep"), { autofocus: true }),
                button(translator.text(confirm), () => dialog.close("confirm"), { class: "danger" })));
        dialog.addEventListener("close", () => {
            dialog.remove();
            resolve(dialog.returnValue === "confirm");
        });
        document.body.append(dialog);
        dialog.showModal();
    });
}
