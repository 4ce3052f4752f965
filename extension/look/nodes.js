// @ts-check
/**
 * Elements made by code. Texts become text nodes, never markup.
 *
 * @typedef {string | Node | null | false | undefined} Child  what is empty is left out
 * @typedef {Record<string, string | number | boolean | null | undefined>} Attributes
 *   true: without a value; false, null and undefined: not there
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, attributes = {}, ...children) {
    return filled(document.createElement(name), attributes, children);
}

/**
 * @template {keyof SVGElementTagNameMap} Name
 * @param {Name} name
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[Name]}
 */
export function drawing(name, attributes = {}, ...children) {
    return filled(/** @type {SVGElementTagNameMap[Name]} */ (document.createElementNS(SVG, name)), attributes, children);
}

/**
 * @param {string} text
 * @param {() => unknown} act
 * @param {Attributes} [attributes]
 * @param {...Child} before  in front of the text, such as an icon
 */
export function button(text, act, attributes = {}, ...before) {
    const made = element("button", { type: "button", ...attributes }, ...before, element("span", {}, text));
    made.addEventListener("click", act);
    return made;
}

/**
 * Gives a container these children, in this order. Those that are where they belong are not touched: what is taken out of the document, though
 * it be put back at once, loses the focus and a press that is under way.
 * @param {Element} container
 * @param {Element[]} wanted
 */
export function arrange(container, wanted) {
    for (const child of [...container.children]) {
        if (!wanted.includes(child)) child.remove();
    }
    wanted.forEach((child, index) => {
        const there = container.children[index] ?? null;
        if (there !== child) container.insertBefore(child, there);
    });
}

/**
 * The page's element of that id, of the kind that is expected.
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
export function found(id, kind) {
    const element = document.getElementById(id);
    if (element instanceof kind) return element;
    throw new Error(`The page has no ${kind.name} with the id ${id}.`);
}

/**
 * @template {Element} Kind
 * @param {Kind} made
 * @param {Attributes} attributes
 * @param {Child[]} children
 */
function filled(made, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
        if (value === true) made.setAttribute(name, "");
        else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
    }
    made.append(...children.filter(isPresent));
    return made;
}

/**
 * @param {Child} child
 * @returns {child is string | Node}
 */
function isPresent(child) {
    return child instanceof Node || (typeof child === "string" && child !== "");
}
