// @ts-check
import { drawing, element } from "../look/nodes.js";
import { rove, stopAt } from "../look/roving.js";
import { chartGeometry } from "../shared/chart-geometry.js";
import { sideOfBand } from "../shared/verdict-shape.js";

/**
 * Probability over time, drawn: axis, threshold, band of abstention, and a point for every frame, which can be reached by keyboard.
 *
 * @typedef {import("../shared/chart-geometry.js").ChartGeometry} ChartGeometry
 * @typedef {import("../shared/translate.js").Translator} Translator
 * @typedef {import("../shared/verdict-shape.js").Frame} Frame
 * @typedef {import("../shared/verdict-shape.js").Verdict} Verdict
 */

const HEIGHT = 190;
const HIT_RADIUS = 12;

/** Each side of the band has its own mark, so that colour is not needed: up, in between, down. */
const MARKS = Object.freeze({
    above: "M0-6 5.5 4.5H-5.5Z",
    inside: "M0-5.5 5.5 0 0 5.5-5.5 0Z",
    below: "M0-4.8a4.8 4.8 0 1 1 0 9.6a4.8 4.8 0 1 1 0-9.6Z",
});

export class Chart {
    #translator;
    #verdict;
    #choose;
    #svg = drawing("svg", { class: "chart-drawing", role: "group", height: HEIGHT, direction: "ltr" });
    #tooltip = element("div", { class: "chart-tooltip", "aria-hidden": "true", hidden: true });
    /** @type {Frame[]} */
    #frames = [];
    /** @type {SVGGElement[]} */
    #points = [];
    #chosen = 0;
    #width = 0;
    #widthWatch;

    /**
     * @param {Verdict} verdict
     * @param {Translator} translator
     * @param {(index: number) => void} choose  a point was clicked, or Enter pressed on it
     */
    constructor(verdict, translator, choose) {
        this.#verdict = verdict;
        this.#translator = translator;
        this.#choose = choose;
        this.#svg.setAttribute("aria-label", translator.text("panel_chart_label"));
        this.node = element("div", { class: "chart", dir: "ltr" }, this.#svg, this.#tooltip);
        rove(this.#svg, () => this.#pointsInTime());
        this.node.addEventListener("keydown", (event) => {
            if (event.key === "Escape") this.#hideTooltip();
        });
        // The drawing follows the panel's width; its texts keep their size.
        this.#widthWatch = new ResizeObserver(([entry]) => this.#resize(Math.round(entry.contentRect.width)));
        this.#widthWatch.observe(this.node);
    }

    /** @param {Frame[]} frames */
    show(frames) {
        this.#frames = frames;
        this.#chosen = 0;
        this.#draw();
    }

    close() {
        this.#widthWatch.disconnect();
    }

    /** @param {number} index */
    mark(index) {
        this.#chosen = index;
        this.#points.forEach((point, at) => {
            point.classList.toggle("chosen", at === index);
            point.setAttribute("aria-pressed", String(at === index));
        });
        if (this.#points[index]) stopAt(this.#points, this.#points[index]);
    }

    /** @param {number} width */
    #resize(width) {
        if (width === this.#width) return;
        this.#width = width;
        this.#draw();
    }

    #draw() {
        if (this.#width <= 0) return;
        const hadFocus = this.#points.findIndex((point) => point === document.activeElement);
        const geometry = chartGeometry({
            samples: this.#frames.map((frame) => ({ seconds: frame.timestampSeconds, probability: frame.probability })),
            durationSeconds: this.#verdict.video.durationSeconds,
            threshold: this.#verdict.threshold,
            band: this.#verdict.abstention,
            width: this.#width,
            height: HEIGHT,
        });
        this.#hideTooltip();
        this.#svg.setAttribute("viewBox", `0 0 ${this.#width} ${HEIGHT}`);
        this.#points = this.#frames.map((frame, index) => this.#point(frame, index, geometry));
        const line = drawing("path", { class: "chart-line", d: geometry.line });
        this.#svg.replaceChildren(...backdrop(geometry, this.#translator), line, ...this.#points);
        this.mark(this.#chosen);
        this.#points[hadFocus]?.focus();
    }

    /**
     * @param {Frame} frame
     * @param {number} index
     * @param {ChartGeometry} geometry
     */
    #point(frame, index, geometry) {
        const { x, y } = geometry.points[index];
        const side = sideOfBand(this.#verdict, frame.probability);
        const text = this.#translator.text("panel_point", { clock: frame.timestampSeconds }, { percent: frame.probability });
        const attributes = { class: `chart-point ${side}`, role: "button", tabindex: -1, "aria-label": text, transform: `translate(${x} ${y})` };
        const point = drawing("g", attributes,
            drawing("circle", { class: "chart-hit", r: HIT_RADIUS }),
            drawing("path", { class: "chart-mark", d: MARKS[side] }));
        const act = () => this.#choose(index);
        point.addEventListener("click", act);
        point.addEventListener("keydown", (event) => {
            if (event.key !== "Enter" && event.key !== " ") return;
            event.preventDefault();
            act();
        });
        for (const kind of ["pointerenter", "focus"]) point.addEventListener(kind, () => this.#showTooltip(text, x, y));
        for (const kind of ["pointerleave", "blur"]) point.addEventListener(kind, () => this.#hideTooltip());
        return point;
    }

    #pointsInTime() {
        return [...this.#points.keys()]
            .sort((one, other) => this.#frames[one].timestampSeconds - this.#frames[other].timestampSeconds)
            .map((index) => this.#points[index]);
    }

    /**
     * @param {string} text
     * @param {number} x
     * @param {number} y
     */
    #showTooltip(text, x, y) {
        this.#tooltip.textContent = text;
        this.#tooltip.hidden = false;
        const half = this.#tooltip.offsetWidth / 2;
        const isLow = y < this.#tooltip.offsetHeight + HIT_RADIUS;
        // Coordinates are those of the drawing, which is never mirrored: physical on purpose.
        this.#tooltip.style.left = `${Math.min(Math.max(x - half, 0), Math.max(0, this.#width - 2 * half))}px`;
        this.#tooltip.style.top = `${isLow ? y + HIT_RADIUS : y - this.#tooltip.offsetHeight - HIT_RADIUS}px`;
    }

    #hideTooltip() {
        this.#tooltip.hidden = true;
    }
}

/**
 * What lies behind the points.
 * @param {ChartGeometry} geometry
 * @param {Translator} translator
 */
function backdrop({ plot, band, thresholdY, timeTicks, timeDigits, probabilityTicks }, translator) {
    const width = plot.right - plot.left;
    const grid = probabilityTicks.map(({ y, probability }) => drawing("g", { "aria-hidden": "true" },
        drawing("line", { class: "chart-grid", x1: plot.left, x2: plot.right, y1: y, y2: y }),
        drawing("text", { class: "chart-text", x: plot.left - 6, y: y + 4, "text-anchor": "end" }, translator.exactPercent(probability))));
    const times = timeTicks.map(({ x, seconds }) => drawing("g", { "aria-hidden": "true" },
        drawing("line", { class: "chart-tick", x1: x, x2: x, y1: plot.bottom, y2: plot.bottom + 4 }),
        drawing("text", { class: "chart-text", x, y: plot.bottom + 18, "text-anchor": "middle" }, translator.clock(seconds, timeDigits))));
    return [
        drawing("rect", { class: "chart-band", x: plot.left, y: band.y, width, height: band.height }),
        ...grid,
        ...times,
        drawing("line", { class: "chart-threshold", x1: plot.left, x2: plot.right, y1: thresholdY, y2: thresholdY }),
    ];
}
