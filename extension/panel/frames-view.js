// @ts-check
import { icon } from "../look/icons.js";
import { button, element } from "../look/nodes.js";
import { rove, stopAt } from "../look/roving.js";
import { sideOfBand } from "../shared/verdict-shape.js";

/**
 * The sampled frames: a strip of all, and one in large with its heat laid over it.
 *
 * @typedef {import("../shared/translate.js").Translator} Translator
 * @typedef {import("../shared/verdict-shape.js").Frame} Frame
 * @typedef {import("../shared/verdict-shape.js").Verdict} Verdict
 * @typedef {import("./pictures.js").Pictures} Pictures
 */

const FIRST_HEAT = 60;

export class FramesView {
    #verdict;
    #translator;
    #pictures;
    #choose;
    /** @type {Frame[]} */
    #frames = [];
    #chosen = 0;
    #frame = element("img", { class: "large-frame", alt: "" });
    #heat = element("img", { class: "large-heat", alt: "" });
    #failure = element("p", { class: "quiet-text", hidden: true });
    #caption = element("figcaption", { class: "large-caption" });
    #slider = element("input", { type: "range", min: 0, max: 100, step: 5, value: FIRST_HEAT, id: "heat" });
    #strip = element("ol", { class: "strip" });
    #thumbnails = /** @type {HTMLButtonElement[]} */ ([]);
    #seen;

    /**
     * @param {Verdict} verdict
     * @param {Translator} translator
     * @param {Pictures} pictures
     * @param {(index: number) => void} choose  a frame was chosen here
     * @param {((seconds: number) => void) | null} seek  null where there is no page to seek in
     */
    constructor(verdict, translator, pictures, choose, seek) {
        this.#verdict = verdict;
        this.#translator = translator;
        this.#pictures = pictures;
        this.#choose = choose;
        this.#strip.setAttribute("aria-label", translator.text("panel_strip_label"));
        this.#failure.textContent = translator.text("panel_picture_missing");
        // Thumbnails are fetched as they scroll into view.
        this.#seen = new IntersectionObserver((entries) => this.#fill(entries), { root: this.#strip, rootMargin: "0px 160px" });
        rove(this.#strip, () => this.#thumbnails);
        this.#slider.addEventListener("input", () => this.#blend());
        this.node = element("div", { class: "frames" }, this.#large(seek), this.#strip);
    }

    /** @param {Frame[]} frames */
    show(frames) {
        this.#seen.disconnect();
        this.#frames = frames;
        this.#thumbnails = frames.map((frame, index) => this.#thumbnail(frame, index));
        this.#strip.replaceChildren(...this.#thumbnails.map((thumbnail) => element("li", {}, thumbnail)));
        for (const thumbnail of this.#thumbnails) this.#seen.observe(thumbnail);
        this.mark(0);
    }

    /**
     * Shows a frame in large.
     * @param {number} index
     */
    mark(index) {
        const frame = this.#frames[index];
        if (!frame) return;
        this.#chosen = index;
        this.#thumbnails.forEach((thumbnail, at) => thumbnail.setAttribute("aria-pressed", String(at === index)));
        stopAt(this.#thumbnails, this.#thumbnails[index]);
        this.#intoView(this.#thumbnails[index]);
        this.#caption.textContent = this.#translator.text(
            "panel_frame_caption",
            { count: index + 1 }, { count: this.#frames.length }, { clock: frame.timestampSeconds }, { percent: frame.probability },
        );
        this.#showLarge(frame);
    }

    close() {
        this.#seen.disconnect();
    }

    /** @param {((seconds: number) => void) | null} seek */
    #large(seek) {
        const text = (/** @type {string} */ key) => this.#translator.text(key);
        const step = (/** @type {number} */ by) => () => this.#choose(Math.min(Math.max(this.#chosen + by, 0), this.#frames.length - 1));
        const goThere = () => seek?.(this.#frames[this.#chosen].timestampSeconds);
        const end = (/** @type {string} */ key) => element("span", { "aria-hidden": "true" }, text(key));
        this.#blend();
        return element("figure", { class: "large" },
            element("div", { class: "large-pictures" }, this.#frame, this.#heat, this.#failure),
            element("div", { class: "blend" },
                element("label", { for: "heat" }, text("panel_slider_label")),
                element("div", { class: "blend-scale" }, end("panel_slider_frame"), this.#slider, end("panel_slider_heat"))),
            element("p", { class: "quiet-text" }, text("panel_heat_legend")),
            element("div", { class: "large-foot" },
                squareButton(text("action_previous_frame"), step(-1), "back"),
                this.#caption,
                squareButton(text("action_next_frame"), step(1), "forth")),
            seek && element("div", { class: "large-seek" }, button(text("action_seek"), goThere, { class: "quiet" }, icon("seek"))));
    }

    #blend() {
        const share = Number(this.#slider.value) / 100;
        this.#heat.style.opacity = String(share);
        this.#slider.setAttribute("aria-valuetext", this.#translator.text("panel_slider_value", { bound: share }));
    }

    /** @param {Frame} frame */
    async #showLarge(frame) {
        const time = { clock: frame.timestampSeconds };
        this.#frame.alt = this.#translator.text("panel_frame_picture", time);
        this.#heat.alt = this.#translator.text("panel_frame_heat_picture", time);
        const shown = await Promise.all([this.#put(this.#frame, frame.image, frame), this.#put(this.#heat, frame.gradcam, frame)]);
        if (this.#frames[this.#chosen] === frame) this.#failure.hidden = shown.every(Boolean);
    }

    /**
     * @param {HTMLImageElement} image
     * @param {string} link
     * @param {Frame} frame
     * @returns {Promise<boolean>}  whether it is there
     */
    async #put(image, link, frame) {
        const url = await this.#url(link);
        // Another frame may have been chosen meanwhile.
        if (this.#frames[this.#chosen] !== frame) return true;
        image.hidden = url === "";
        if (url) image.src = url;
        return url !== "";
    }

    /**
     * @param {Frame} frame
     * @param {number} index
     */
    #thumbnail(frame, index) {
        const label = this.#translator.text("panel_point", { clock: frame.timestampSeconds }, { percent: frame.probability });
        const className = `thumbnail ${sideOfBand(this.#verdict, frame.probability)}`;
        const made = element("button", { type: "button", class: className, "aria-label": label, "data-index": index },
            element("img", { alt: "" }),
            element("span", { "aria-hidden": "true" }, this.#translator.percent(frame.probability)));
        made.addEventListener("click", () => this.#choose(index));
        return made;
    }

    /** @param {IntersectionObserverEntry[]} entries */
    #fill(entries) {
        for (const { isIntersecting, target } of entries) {
            if (!isIntersecting) continue;
            this.#seen.unobserve(target);
            const frame = this.#frames[Number(target.getAttribute("data-index"))];
            const image = target.querySelector("img");
            if (frame && image) this.#url(frame.image).then((url) => url && image.setAttribute("src", url));
        }
    }

    /**
     * @param {string} link
     * @returns {Promise<string>}  empty where the picture cannot be had
     */
    async #url(link) {
        if (!link) return "";
        try {
            return await this.#pictures.url(link);
        } catch {
            return "";
        }
    }

    /** @param {HTMLElement} thumbnail */
    #intoView(thumbnail) {
        // Within the strip only: the panel itself must not jump.
        const strip = this.#strip.getBoundingClientRect();
        const place = thumbnail.getBoundingClientRect();
        if (place.left < strip.left) this.#strip.scrollLeft += place.left - strip.left;
        else if (place.right > strip.right) this.#strip.scrollLeft += place.right - strip.right;
    }
}

/**
 * @param {string} label
 * @param {() => void} act
 * @param {import("../look/icons.js").IconName} name
 */
function squareButton(label, act, name) {
    const made = element("button", { type: "button", class: "square", "aria-label": label }, icon(name));
    made.addEventListener("click", act);
    return made;
}
