// @ts-check
import { found } from "../look/nodes.js";

/**
 * Says below a field what is wrong with it; an empty text says that nothing is.
 * @param {HTMLInputElement} field
 * @param {string} text
 */
export function showFieldProblem(field, text) {
    found(`${field.id}-problem`, HTMLElement).textContent = text;
    if (text) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
}
