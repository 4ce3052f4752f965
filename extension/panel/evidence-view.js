// @ts-check
import { element } from "../look/nodes.js";
import { trackWords } from "../shared/verdict-words.js";
import { Chart } from "./chart.js";
import { FramesView } from "./frames-view.js";
import { samplesTable } from "./samples-table.js";

/**
 * What the verdict rests on: probability over time and the frames, of one person or of the whole picture. What is chosen in one place is
 * chosen in all.
 *
 * @typedef {import("../shared/translate.js").Translator} Translator
 * @typedef {import("../shared/verdict-shape.js").Track} Track
 * @typedef {import("../shared/verdict-shape.js").Verdict} Verdict
 * @typedef {import("./pictures.js").Pictures} Pictures
 */

export class EvidenceView {
    #verdict;
    #translator;
    #seek;
    #chart;
    #frames;
    #table = element("div", {});
    #sections;
    #none;
    /** @type {Track} */
    #track;

    /**
     * @param {Verdict} verdict  with a track at least
     * @param {Translator} translator
     * @param {Pictures} pictures
     * @param {((seconds: number) => void) | null} seek  null where there is no page to seek in
     */
    constructor(verdict, translator, pictures, seek) {
        const text = (/** @type {string} */ key) => translator.text(key);
        this.#verdict = verdict;
        this.#translator = translator;
        this.#seek = seek;
        this.#track = verdict.tracks[verdict.decidedBy ?? 0];
        this.#chart = new Chart(verdict, translator, (index) => this.#choose(index));
        this.#frames = new FramesView(verdict, translator, pictures, (index) => this.#mark(index), seek);
        this.#none = element("p", {}, text("panel_frames_unkept"));
        this.#sections = [
            element("section", { "aria-labelledby": "chart-title" },
                element("h2", { id: "chart-title" }, text("panel_heading_chart")),
                element("p", { class: "quiet-text" }, text(seek ? "panel_chart_hint_seek" : "panel_chart_hint")),
                this.#chart.node, this.#legend(), this.#table),
            element("section", { "aria-labelledby": "frames-title" },
                element("h2", { id: "frames-title" }, text("panel_heading_frames")),
                this.#frames.node),
        ];
        this.node = element("div", { class: verdict.model.isTrained ? "evidence" : "evidence untrained" },
            verdict.tracks.length > 1 && this.#trackChoice(), this.#none, ...this.#sections);
        this.#show(this.#track);
    }

    close() {
        this.#chart.close();
        this.#frames.close();
    }

    /** @param {Track} track */
    #show(track) {
        this.#track = track;
        // Of very many people only the deciding one's frames are kept.
        const hasFrames = track.frames.length > 0;
        this.#none.hidden = hasFrames;
        for (const section of this.#sections) section.hidden = !hasFrames;
        if (!hasFrames) return;
        this.#chart.show(track.frames);
        this.#frames.show(track.frames);
        this.#table.replaceChildren(samplesTable(this.#verdict, track.frames, this.#translator, (index) => this.#choose(index)));
        this.#mark(mostSuspicious(track));
    }

    /**
     * Shows a frame here, and goes to its time on the page.
     * @param {number} index
     */
    #choose(index) {
        this.#mark(index);
        this.#seek?.(this.#track.frames[index].timestampSeconds);
    }

    /** @param {number} index */
    #mark(index) {
        this.#chart.mark(index);
        this.#frames.mark(index);
    }

    #trackChoice() {
        const options = this.#verdict.tracks.map((track, index) => element("option", { value: index, selected: track === this.#track },
            this.#translator.say(trackWords(this.#verdict, index))));
        const select = element("select", { id: "track" }, ...options);
        select.addEventListener("change", () => this.#show(this.#verdict.tracks[Number(select.value)]));
        const text = this.#translator.counted({ one: "panel_tracks_one", other: "panel_tracks_other" }, this.#verdict.tracks.length);
        return element("div", { class: "track-choice" }, element("label", { for: "track" }, text), select);
    }

    #legend() {
        const { threshold, abstention: [low, high] } = this.#verdict;
        const band = this.#translator.text("panel_legend_band", { bound: low }, { bound: high });
        return element("ul", { class: "legend" },
            element("li", { class: "legend-threshold" }, this.#translator.text("panel_legend_threshold", { bound: threshold })),
            low < high && element("li", { class: "legend-band" }, band));
    }
}

/** @param {Track} track */
function mostSuspicious({ frames }) {
    return frames.reduce((best, frame, index) => (frame.contribution > frames[best].contribution ? index : best), 0);
}
