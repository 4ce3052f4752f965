// @ts-check
import { loadSettings } from "../shared/settings.js";
import { holdsClip } from "./analysis-facts.js";

/**
 * What is left over from analyses, here and at the gateway. All of it may be done twice, and what fails is not missed for long.
 *
 * @typedef {import("./analysis-state.js").Effect} Effect
 * @typedef {import("./analysis-store.js").AnalysisStore} AnalysisStore
 * @typedef {import("./clip-store.js").Clips} Clips
 * @typedef {import("./diagnostics.js").Diagnostics} Diagnostics
 * @typedef {import("./works.js").Works} Works
 * @typedef {import("../shared/settings.js").SettingsBrowser} SettingsBrowser
 */

export class Tidying {
    #parts;

    /** @param {{browser: SettingsBrowser, store: AnalysisStore, clips: Clips, works: Works, diagnostics: Diagnostics}} parts */
    constructor(parts) {
        this.#parts = parts;
    }

    /**
     * @param {string} id
     * @param {Effect} effect
     * @param {Promise<void> | undefined} done  the end of what is being done about the analysis, which may still write to its clip
     */
    async carryOut(id, effect, done) {
        const { diagnostics } = this.#parts;
        try {
            await done;
            if (effect.kind === "forgetClip") await this.#forgetClip(id);
            else await this.removeUpload(effect.location);
        } catch (error) {
            diagnostics.noteError("tidying.failed", error, { analysis: id, effect: effect.kind });
        }
    }

    /**
     * Ends an upload at the gateway. Where that fails, the gateway drops it by itself within a day.
     * @param {string} location
     */
    async removeUpload(location) {
        const { browser, works, diagnostics } = this.#parts;
        try {
            await works.removeUpload(location, await loadSettings(browser));
        } catch (error) {
            diagnostics.noteError("upload.not_removed", error);
        }
    }

    /** Bytes of analyses that need none any more, which a service worker that died had no time to forget. */
    async sweepClips() {
        const { clips, diagnostics } = this.#parts;
        try {
            for (const id of await clips.ids()) await this.#forgetClip(id);
        } catch (error) {
            diagnostics.noteError("clips.not_swept", error);
        }
    }

    /** @param {string} id */
    async #forgetClip(id) {
        const { store, clips } = this.#parts;
        const analysis = store.get(id);
        if (!analysis || !holdsClip(analysis)) await clips.forget(id);
    }
}
