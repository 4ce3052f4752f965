// @ts-check
"use strict";
// `var` makes an own property of the isolated world's global object: an element of the page with the id "whorl" cannot stand in for it.
var whorl = whorl || {};

/** The browser's API as content scripts have it. Nothing else in this folder names `chrome`. */
whorl.link = (() => {
    /** False once the extension was reloaded, updated or removed: scripts of the old one run on without it. */
    function isAlive() {
        return chrome.runtime?.id !== undefined;
    }

    /**
     * @param {object} message
     * @returns {Promise<any>}  the answer; rejects where there is nobody, or the other side had a problem
     */
    async function send(message) {
        const answer = await chrome.runtime.sendMessage(message);
        if (answer?.problem) throw new whorl.ReadingProblem(String(answer.problem.code), String(answer.problem.detail ?? ""));
        return answer;
    }

    /**
     * @param {(message: any) => Promise<unknown> | undefined} handle  undefined: there is no answer
     * @returns {() => void}  ends it
     */
    function listen(handle) {
        /** @type {(message: unknown, sender: {id?: string}, answer: (value: unknown) => void) => boolean} */
        const listener = (message, sender, answer) => {
            if (sender.id !== chrome.runtime.id) return false;
            const answered = handle(message);
            if (answered === undefined) return false;
            answered.then(answer, (error) => answer({ problem: whorl.problemOf(error) }));
            return true;
        };
        chrome.runtime.onMessage.addListener(listener);
        return () => {
            if (isAlive()) chrome.runtime.onMessage.removeListener(listener);
        };
    }

    /** @param {string} name */
    function connect(name) {
        return chrome.runtime.connect({ name });
    }

    /**
     * A text in the browser's language; empty where there is none.
     * @param {string} key
     */
    function text(key) {
        return isAlive() ? chrome.i18n.getMessage(key) : "";
    }

    /**
     * @param {Element} element
     * @returns {ShadowRoot | null}
     */
    function shadowRootOf(element) {
        if (element.shadowRoot) return element.shadowRoot;
        // The browser throws where it is asked about an element of another kind.
        const isHost = element.namespaceURI === "http://www.w3.org/1999/xhtml" && canHaveShadowRoot(element.localName);
        return isHost && isAlive() ? chrome.dom.openOrClosedShadowRoot(/** @type {HTMLElement} */ (element)) : null;
    }

    const HOSTS = new Set([
        "article", "aside", "blockquote", "body", "div", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "main", "nav", "p",
        "section", "span",
    ]);

    /** @param {string} localName */
    function canHaveShadowRoot(localName) {
        return HOSTS.has(localName) || localName.includes("-");
    }

    return { isAlive, send, listen, connect, text, shadowRootOf, canHaveShadowRoot };
})();
