// @ts-check
import { button, element } from "../look/nodes.js";
import { problemCallout } from "../look/problem-callout.js";
import { stateTitle, stateWords, STEPS } from "../shared/state-words.js";

/**
 * What is shown before the verdict: the steps, how far the present one is, and what holds it up.
 *
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/translate.js").Translator} Translator
 * @typedef {import("../look/problem-callout.js").ProblemActions} ProblemActions
 */

export class ProgressView {
    #translator;
    #actions;
    #title = element("h2", { id: "progress-title" });
    #sentence = element("p", {});
    #line;
    #bar = element("progress", { max: 1, "aria-labelledby": "progress-title" });
    #share = element("p", { class: "progress-share", "aria-hidden": "true" });
    #problem = element("div", {});
    #shownProblem = "";
    /** @type {HTMLLIElement[]} */
    #steps;

    /**
     * @param {Translator} translator
     * @param {ProblemActions & {stop: () => unknown}} actions
     */
    constructor(translator, actions) {
        this.#translator = translator;
        this.#actions = actions;
        this.#steps = STEPS.map((state) => element("li", {}, translator.say(stateTitle(state))));
        this.#line = element("div", { class: "progress-line" }, this.#bar, this.#share);
        this.node = element("section", { class: "progress", "aria-labelledby": "progress-title" },
            this.#title, this.#sentence,
            this.#line,
            element("ol", { class: "steps", "aria-label": translator.text("panel_steps_label") }, ...this.#steps),
            this.#problem,
            element("div", { class: "buttons" }, button(translator.text("action_stop"), actions.stop)));
    }

    /** @param {Analysis} analysis */
    show(analysis) {
        const words = stateWords(analysis);
        this.#title.textContent = this.#translator.say(words.title);
        this.#sentence.textContent = this.#translator.say(words.sentence);
        // Nothing moves while it waits for its turn.
        this.#line.hidden = analysis.state === "waiting";
        this.#showProgress(words.progress);
        const at = STEPS.indexOf(analysis.state);
        this.#steps.forEach((step, index) => {
            step.className = index < at ? "past" : "";
            if (index === at) step.setAttribute("aria-current", "step");
            else step.removeAttribute("aria-current");
        });
        this.#showProblem(analysis);
    }

    /** @param {number | null} progress */
    #showProgress(progress) {
        if (progress === null) this.#bar.removeAttribute("value");
        else this.#bar.value = progress;
        this.#share.textContent = progress === null ? "" : this.#translator.exactPercent(Math.round(progress * 100) / 100);
    }

    /** @param {Analysis} analysis */
    #showProblem({ problem, nextAt }) {
        // Made anew only when it is another one: a button in it may have the focus.
        const shown = problem ? JSON.stringify([problem, nextAt]) : "";
        if (shown === this.#shownProblem) return;
        this.#shownProblem = shown;
        const again = nextAt && nextAt > Date.now() ? this.#translator.text("state_tries_again", { moment: nextAt }) : "";
        this.#problem.replaceChildren(...(problem ? [problemCallout(problem, this.#translator, this.#actions, again)] : []));
    }
}
