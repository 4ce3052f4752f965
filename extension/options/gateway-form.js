// @ts-check
import { connectionCallout } from "../look/connection-state.js";
import { element, found } from "../look/nodes.js";
import { requestHosts } from "../shared/browser.js";
import { giveBackHost } from "../shared/give-back-host.js";
import { hostPattern } from "../shared/host-pattern.js";
import { ask, ProblemError } from "../shared/messages.js";
import { changeSettings, normalizedKey, normalizedUrl } from "../shared/settings.js";
import { showFieldProblem } from "./field-problem.js";

/**
 * The gateway's address and key. Both are checked at the gateway itself as soon as they are saved.
 *
 * @typedef {import("../shared/types.js").Settings} Settings
 * @typedef {import("../shared/translate.js").Translator} Translator
 */

export class GatewayForm {
    #url = found("gateway-url", HTMLInputElement);
    #key = found("gateway-key", HTMLInputElement);
    #showKey = found("gateway-key-show", HTMLButtonElement);
    #state = found("connection", HTMLElement);
    /** @type {Settings} */
    #settings = /** @type {any} */ (null);
    /** @type {Translator} */
    #translator = /** @type {any} */ (null);
    /** Counts the checks, so that a late answer to an earlier one is left aside. */
    #checks = 0;

    #told;

    /** @param {(news: string) => void} told  says that something was saved */
    constructor(told) {
        this.#told = told;
        found("gateway-form", HTMLFormElement).addEventListener("submit", (event) => {
            event.preventDefault();
            this.#save();
        });
        this.#showKey.addEventListener("click", () => this.#turnKey());
    }

    /**
     * @param {Settings} settings
     * @param {Translator} translator
     */
    async show(settings, translator) {
        const isOther = this.#settings?.gatewayUrl !== settings.gatewayUrl || this.#settings?.gatewayKey !== settings.gatewayKey;
        this.#settings = settings;
        this.#translator = translator;
        if (isOther) {
            this.#url.value = settings.gatewayUrl;
            this.#key.value = settings.gatewayKey;
        }
        if (settings.gatewayUrl) await this.#check();
        else this.#state.replaceChildren();
    }

    async #save() {
        const gatewayUrl = normalizedUrl(this.#url.value);
        const gatewayKey = normalizedKey(this.#key.value);
        showFieldProblem(this.#url, gatewayUrl === null ? this.#translator.text("options_url_wrong") : "");
        showFieldProblem(this.#key, gatewayKey === null ? this.#translator.text("options_key_wrong") : "");
        if (gatewayUrl === null || gatewayKey === null) {
            (gatewayUrl === null ? this.#url : this.#key).focus();
            return;
        }
        const pattern = hostPattern(gatewayUrl);
        // The first thing in the click: the browser asks the person only then. Without the permission the check says what is missing.
        if (pattern) await requestHosts([pattern]);
        const before = this.#settings;
        this.#settings = await changeSettings({ gatewayUrl, gatewayKey });
        this.#url.value = gatewayUrl;
        this.#key.value = gatewayKey;
        this.#told(this.#translator.text("options_saved"));
        await giveBackHost(before.gatewayUrl, this.#settings);
        if (gatewayUrl) await this.#check();
        else this.#state.replaceChildren();
    }

    async #check() {
        const check = (this.#checks += 1);
        this.#state.replaceChildren(element("p", { class: "quiet-text" }, this.#translator.text("popup_connection_checking")));
        const connection = await askConnection();
        if (check === this.#checks) this.#state.replaceChildren(connectionCallout(connection, this.#translator));
    }

    #turnKey() {
        const isShown = this.#key.type === "password";
        this.#key.type = isShown ? "text" : "password";
        this.#showKey.setAttribute("aria-pressed", String(isShown));
    }
}

/** @returns {Promise<import("../look/connection-state.js").Connection>} */
async function askConnection() {
    try {
        return await ask({ type: "connection.check" });
    } catch (error) {
        if (error instanceof ProblemError) return { status: "unreachable", detail: error.problem.detail };
        throw error;
    }
}
