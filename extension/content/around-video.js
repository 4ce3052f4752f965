// @ts-check
"use strict";
var whorl = whorl || {};

/** What takes clicks, of what players are made of. */
whorl.CONTROLS = "button, a[href], input, select, textarea, summary, [role=button], [role=link], [role=slider], [role=menuitem], [onclick]";

/** Elements that the browser draws on top of the page. */
whorl.ON_TOP = ":fullscreen, :modal, :popover-open";

/**
 * The parent as it is drawn, across shadow roots. Slots of closed roots do not show.
 * @param {Element} element
 * @returns {Element | null}
 */
whorl.flatParent = (element) => {
    if (element.assignedSlot) return element.assignedSlot;
    const parent = element.parentNode;
    if (parent instanceof ShadowRoot) return parent.host;
    return parent?.nodeType === Node.ELEMENT_NODE ? /** @type {Element} */ (parent) : null;
};

/**
 * Whether an element is another, or lies within it, across shadow roots.
 * @param {Element} inner
 * @param {Element} outer
 */
whorl.isWithin = (inner, outer) => {
    for (let element = /** @type {Element | null} */ (inner); element; element = whorl.flatParent(element)) {
        if (element === outer) return true;
    }
    return false;
};

/**
 * The elements around a video that cut off what is outside them. The document's own scrolling cuts off nothing that could be seen.
 * @param {HTMLVideoElement} video
 * @returns {Element[]}
 */
whorl.clippersOf = (video) => {
    const clippers = [];
    let isFree = getComputedStyle(video).position === "fixed" || video.matches(whorl.ON_TOP);
    for (let element = whorl.flatParent(video); element && !isFree; element = whorl.flatParent(element)) {
        if (element === document.body || element === document.documentElement) break;
        const style = getComputedStyle(element);
        if (style.overflowX !== "visible" || style.overflowY !== "visible" || style.clipPath !== "none") clippers.push(element);
        isFree = style.position === "fixed" || element.matches(whorl.ON_TOP);
    }
    return clippers;
};

/**
 * What lies at a point of the viewport, in whatever shadow root it is. Only the topmost is asked for: a list of all takes the browser many
 * times as long.
 * @param {Point} point
 * @param {(element: Element) => ShadowRoot | null} shadowRootOf
 * @returns {Element | null}
 */
whorl.elementAt = ({ x, y }, shadowRootOf) => {
    /** @type {Element | null} */
    let found = null;
    /** @type {TreeRoot | null} */
    let root = document;
    for (let depth = 0; root && depth < 32; depth += 1) {
        /** @type {Element | null} */
        const top = root.elementFromPoint(x, y);
        if (!top || top === found) break;
        found = top;
        root = shadowRootOf(top);
    }
    return found;
};

/**
 * @param {Point} point
 * @param {HTMLVideoElement} video
 * @param {(element: Element) => boolean} isBadge
 * @param {(element: Element) => ShadowRoot | null} shadowRootOf
 * @returns {Hit | null}  null: the point is outside the viewport, or under a badge
 */
whorl.hitAt = (point, video, isBadge, shadowRootOf) => {
    const element = whorl.elementAt(point, shadowRootOf);
    if (!element || isBadge(element)) return null;
    const box = element.getBoundingClientRect();
    if (whorl.isWithin(video, element)) return { isVideoOrAround: true, box, commonBox: box, controlBox: null };
    /** @type {Element | null} */
    let control = null;
    /** @type {Element | null} */
    let common = element;
    for (; common && !whorl.isWithin(video, common); common = whorl.flatParent(common)) {
        // Many players' controls are plain elements that show a hand.
        const hasHand = common === element && getComputedStyle(common).cursor === "pointer";
        if (!control && (hasHand || common.matches(whorl.CONTROLS))) control = common;
    }
    return {
        isVideoOrAround: false, box, controlBox: control?.getBoundingClientRect() ?? null,
        commonBox: (common ?? document.documentElement).getBoundingClientRect(),
    };
};
