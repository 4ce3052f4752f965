// @ts-check
"use strict";
var whorl = whorl || {};

/**
 * @typedef {"ask"|"again"|"cancel"|"details"|"hide"} BadgeDeed
 * @typedef {(key: string) => string} BadgeWords
 */

/** What can be done from a badge in each state, and the menu that offers it. */
whorl.badgeMenu = (() => {
    /** @type {Record<BadgeDeed, string>} */
    const WORDS = Object.freeze({
        ask: "badge_menu_ask",
        again: "badge_menu_again",
        cancel: "badge_menu_cancel",
        details: "badge_menu_details",
        hide: "badge_menu_hide",
    });

    /**
     * @param {import("../shared/types.js").BadgeView["state"]} state
     * @returns {BadgeDeed[]}  the first is the badge's own, or stands for it
     */
    function deedsIn(state) {
        if (state === "idle") return ["ask", "details", "hide"];
        if (whorl.badgeLook.isBusy(state)) return ["cancel", "details", "hide"];
        return ["again", "details", "hide"];
    }

    /**
     * What a click on the badge itself does.
     * @param {import("../shared/types.js").BadgeView["state"]} state
     * @returns {BadgeDeed}
     */
    function mainDeed(state) {
        if (state === "idle") return "ask";
        return state === "cancelled" ? "again" : "details";
    }

    /**
     * Which item a key leads to.
     * @param {string} key
     * @param {number} index  of the item that has the focus, -1 for none
     * @param {number} count
     * @returns {number | null}  null: the key is none of the menu's
     */
    function itemAfter(key, index, count) {
        switch (key) {
            case "ArrowDown": return (index + 1) % count;
            case "ArrowUp": return index <= 0 ? count - 1 : index - 1;
            case "Home": return 0;
            case "End": return count - 1;
            default: return null;
        }
    }

    /** A menu below or above its button, as the ARIA practices have it. */
    class BadgeMenu {
        #onPointerDown = (/** @type {Event} */ event) => this.#closeFromOutside(event);

        /**
         * @param {HTMLButtonElement} opener
         * @param {(deed: BadgeDeed, event: Event, item: HTMLElement) => void} onDeed
         */
        constructor(opener, onDeed) {
            this.opener = opener;
            this.onDeed = onDeed;
            this.element = document.createElement("div");
            this.element.className = "menu";
            this.element.setAttribute("role", "menu");
            this.element.hidden = true;
            this.element.addEventListener("keydown", (event) => this.#onKey(event));
            opener.setAttribute("aria-haspopup", "menu");
            opener.setAttribute("aria-expanded", "false");
        }

        get isOpen() {
            return !this.element.hidden;
        }

        /**
         * @param {BadgeDeed[]} deeds
         * @param {BadgeWords} words
         */
        open(deeds, words) {
            this.element.setAttribute("aria-label", words("badge_menu"));
            this.element.replaceChildren(...deeds.map((deed) => this.#item(deed, words)));
            this.element.hidden = false;
            this.opener.setAttribute("aria-expanded", "true");
            addEventListener("pointerdown", this.#onPointerDown, { capture: true });
            this.#items[0].focus({ preventScroll: true });
        }

        /** @param {boolean} givesFocusBack */
        close(givesFocusBack) {
            if (!this.isOpen) return;
            this.element.hidden = true;
            this.opener.setAttribute("aria-expanded", "false");
            removeEventListener("pointerdown", this.#onPointerDown, { capture: true });
            if (givesFocusBack) this.opener.focus({ preventScroll: true });
        }

        /** @returns {HTMLElement[]} */
        get #items() {
            return /** @type {HTMLElement[]} */ ([...this.element.children]);
        }

        /**
         * @param {BadgeDeed} deed
         * @param {BadgeWords} words
         */
        #item(deed, words) {
            const item = document.createElement("button");
            item.type = "button";
            item.setAttribute("role", "menuitem");
            item.tabIndex = -1;
            item.dataset.deed = deed;
            item.textContent = words(WORDS[deed]);
            item.addEventListener("click", (event) => this.onDeed(deed, event, item));
            return item;
        }

        /**
         * A player that keeps the focus where it was would leave the menu open.
         * @param {Event} event
         */
        #closeFromOutside(event) {
            const root = this.element.getRootNode();
            if (!(root instanceof ShadowRoot) || event.target !== root.host) this.close(false);
        }

        /** @param {KeyboardEvent} event */
        #onKey(event) {
            if (event.key === "Escape" || event.key === "Tab") {
                this.close(event.key === "Escape");
                if (event.key === "Escape") event.preventDefault();
                return;
            }
            const items = this.#items;
            const next = itemAfter(event.key, items.findIndex((item) => item.matches(":focus")), items.length);
            if (next === null) return;
            event.preventDefault();
            items[next].focus({ preventScroll: true });
        }
    }

    return { WORDS, BadgeMenu, deedsIn, mainDeed, itemAfter };
})();
