// @ts-check
import { GatewayError } from "../shared/gateway-client.js";
import { loadSettings } from "../shared/settings.js";
import { hasEnded, isAtGateway, workOf } from "./analysis-facts.js";
import { advance } from "./analysis-state.js";
import { LONG_POLL_SECONDS, Polls } from "./polls.js";
import { isAnyPending, isDue, nextToStart, retryDelayMilliseconds } from "./schedule.js";
import { Serial } from "./serial.js";
import { Tidying } from "./tidying.js";
import { Wake } from "./wake.js";

/**
 * Runs the queue: what is stored, what is due. What is to be done is read from the stored states alone, so that it makes no difference
 * whether this service worker or one before it began with it.
 *
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/types.js").AnalysisProblem} AnalysisProblem
 * @typedef {import("../shared/types.js").Settings} Settings
 * @typedef {import("./analysis-facts.js").Work} Work
 * @typedef {import("./analysis-state.js").AnalysisEvent} AnalysisEvent
 * @typedef {import("./analysis-store.js").AnalysisStore} AnalysisStore
 * @typedef {import("./clip-reader.js").ClipReader} ClipReader
 * @typedef {import("./clip-store.js").Clips} Clips
 * @typedef {import("./diagnostics.js").Diagnostics} Diagnostics
 * @typedef {import("./polls.js").Poll} Poll
 * @typedef {import("./schedule.js").Moment} Moment
 * @typedef {import("./works.js").Errand} Errand
 * @typedef {import("./works.js").Works} Works
 * @typedef {import("../shared/settings.js").SettingsBrowser & import("./wake.js").WakeBrowser
 *   & Pick<typeof import("../shared/browser.js"), "removeFromStorage">} QueueBrowser
 *
 * @typedef {object} Clock
 * @property {() => number} now  milliseconds since 1970, by the computer's clock, which may be set
 * @property {() => number} elapsed  milliseconds, by one that nobody sets
 * @property {(task: () => void, milliseconds: number) => unknown} setTimer
 * @property {(timer: any) => void} clearTimer
 *
 * @typedef {object} QueueParts
 * @property {QueueBrowser} browser
 * @property {Clock} clock
 * @property {() => number} random  0…1
 * @property {AnalysisStore} store
 * @property {ClipReader} reader
 * @property {Clips} clips
 * @property {Works} works
 * @property {Diagnostics} diagnostics
 * @property {() => Promise<(analysis: Analysis) => boolean>} look  who looks at what, now
 * @property {(analysis: Analysis) => void} onChanged
 *
 * @typedef {{work: Work, isLong: boolean, controller: AbortController, done: Promise<void>}} Running
 */

const PAUSE_KEY = "pause";
/** What cannot even be stored is left alone for so long. */
const COOLING_MILLISECONDS = 30_000;

export class Analyses {
    #parts;
    #polls;
    #tidying;
    #wake;
    #serial = new Serial();
    /** @type {Map<string, Running>} by analysis */
    #running = new Map();
    /** @type {Map<string, number>} by analysis, when what failed here may be tried again, by the clock that nobody sets */
    #cooling = new Map();
    /** @type {AnalysisProblem | null} why nothing is sent at all */
    #pause = null;
    #isTickDue = false;

    /** @param {QueueParts} parts */
    constructor(parts) {
        this.#parts = parts;
        this.#polls = new Polls(parts.clock.elapsed);
        this.#tidying = new Tidying(parts);
        this.#wake = new Wake(parts.browser, parts.clock, () => this.tick());
    }

    /** Takes up what an earlier service worker left. */
    async begin() {
        const { browser, store } = this.#parts;
        const stored = await browser.readStorage("session", PAUSE_KEY);
        this.#pause = stored[PAUSE_KEY] ?? null;
        for (const { id } of [...store.all()]) await this.#interrupt(id);
        await this.#tidying.sweepClips();
        this.tick();
    }

    /**
     * Adds an analysis to the queue.
     * @param {Analysis} analysis
     */
    async add(analysis) {
        await this.#parts.store.save(analysis);
        this.#note(analysis);
        this.#parts.onChanged(analysis);
        this.tick();
    }

    /**
     * Has an analysis follow an event: the new state is stored, then whatever it entails begins.
     * @param {string} id
     * @param {AnalysisEvent} event
     * @returns {Promise<Analysis | null>}  as it is now; null where it is not (any more)
     */
    async dispatch(id, event) {
        return this.#serial.run(id, () => this.#follow(id, event));
    }

    /** Looks soon what is to be done; any number of times. */
    tick() {
        if (this.#isTickDue) return;
        this.#isTickDue = true;
        this.#serial.run("tick", () => this.#tick()).catch((error) => {
            this.#parts.diagnostics.noteError("queue.tick_failed", error);
            this.#parts.clock.setTimer(() => this.tick(), COOLING_MILLISECONDS);
        });
    }

    /** Somebody looks: what waits for its next poll is asked for now. */
    hurry() {
        this.#polls.hurry();
        this.tick();
    }

    /** Tries at once what waits for a time or was paused, as after a change of settings. */
    async release() {
        this.#pause = null;
        this.#cooling.clear();
        await this.#parts.browser.removeFromStorage("session", PAUSE_KEY);
        await this.#releaseWhere(() => true);
    }

    /** Tries at once what waits for the network. */
    async reconnect() {
        await this.#releaseWhere(({ problem }) => problem?.code === "gateway_unreachable");
    }

    /**
     * Removes everything about a video's analysis, at the gateway first.
     * @param {string} id
     * @throws {GatewayError} where the gateway does not: nothing is removed then
     */
    async erase(id) {
        const { browser, store, works } = this.#parts;
        const analysis = store.get(id);
        if (!analysis) return;
        const settings = await loadSettings(browser);
        if (analysis.jobId === undefined) {
            await this.#breakOff(id);
            const location = store.get(id)?.upload?.location;
            if (location) await this.#tidying.removeUpload(location);
        } else {
            const { jobId, gatewayUrl } = analysis;
            if (gatewayUrl !== settings.gatewayUrl) throw new GatewayError({ code: "gateway_changed", detail: gatewayUrl });
            await works.erase(jobId, settings);
        }
        // A verdict that was known before has the job of the earlier analysis.
        const isSame = (/** @type {Analysis} */ each) => each.id === id || (each.jobId !== undefined && each.jobId === analysis.jobId);
        await this.forget([...store.all()].filter(isSame).map((each) => each.id));
    }

    /**
     * Forgets analyses here, whatever they are at.
     * @param {string[]} ids
     */
    async forget(ids) {
        const { store, clips } = this.#parts;
        for (const id of ids) {
            await this.#breakOff(id);
            await this.#serial.run(id, () => store.remove([id]));
            await clips.forget(id);
            this.#polls.forget(id);
            this.#cooling.delete(id);
        }
        this.tick();
    }

    /** @param {string} id */
    async #interrupt(id) {
        try {
            await this.dispatch(id, { kind: "interrupted" });
        } catch (error) {
            // Where it cannot be stored, its old state has it begin anew just as well.
            this.#parts.diagnostics.noteError("interruption.not_stored", error, { analysis: id });
        }
    }

    /**
     * @param {string} id
     * @param {AnalysisEvent} event
     */
    async #follow(id, event) {
        const { store, clock, onChanged } = this.#parts;
        const before = store.get(id);
        if (!before) return null;
        const { analysis, effects } = advance(before, event, clock.now());
        if (analysis === before) return before;
        await store.save(analysis);
        const isNews = analysis.state !== before.state || analysis.method !== before.method || analysis.problem?.code !== before.problem?.code;
        if (isNews) this.#note(analysis);
        const running = this.#running.get(id);
        // The new state may have no use for what is being done.
        if (running && running.work !== workOf(analysis)) running.controller.abort();
        for (const effect of effects) this.#tidying.carryOut(id, effect, running?.done);
        onChanged(analysis);
        this.tick();
        return analysis;
    }

    async #tick() {
        this.#isTickDue = false;
        const { browser, store, clock, reader } = this.#parts;
        // One moment for all: what is not due by it is due later, and nothing falls between.
        const moment = { now: clock.now(), elapsed: clock.elapsed() };
        const settings = await loadSettings(browser);
        await this.#followGateway(settings);
        const problem = settings.gatewayUrl === "" ? { code: "gateway_unset", detail: "" } : this.#pause;
        const starters = problem ? [] : nextToStart(store.all(), settings.parallelAnalyses, moment.now);
        for (const id of starters) {
            const analysis = store.get(id);
            if (analysis) await this.dispatch(id, { kind: "started", ways: await reader.ways(analysis, settings), at: clock.now() });
        }
        if (problem) await this.#hold(problem);
        this.#startWorks(settings, problem !== null, moment);
        if (!problem) await this.#startPolls(settings, moment);
        await this.#setWake(problem !== null, moment);
    }

    /** @param {Settings} settings */
    async #followGateway({ gatewayUrl }) {
        if (gatewayUrl === "") return;
        for (const each of [...this.#parts.store.all()]) {
            const hasMoved = !hasEnded(each) && each.gatewayUrl !== undefined && each.gatewayUrl !== gatewayUrl;
            if (hasMoved) await this.dispatch(each.id, { kind: "gatewayChanged" });
        }
    }

    /** @param {AnalysisProblem} problem */
    async #hold(problem) {
        for (const { id, state } of [...this.#parts.store.all()]) {
            if (state === "waiting") await this.dispatch(id, { kind: "held", problem });
        }
    }

    /** @param {(analysis: Analysis) => boolean} isMeant */
    async #releaseWhere(isMeant) {
        for (const { id } of [...this.#parts.store.all()].filter(isMeant)) await this.dispatch(id, { kind: "released" });
        this.tick();
    }

    /**
     * @param {Settings} settings
     * @param {boolean} isPaused
     * @param {Moment} moment
     */
    #startWorks(settings, isPaused, moment) {
        const { works } = this.#parts;
        for (const analysis of this.#idle(moment)) {
            const work = workOf(analysis);
            const mayRun = work === "read" || (!isPaused && isDue(analysis, moment.now));
            if (work && work !== "poll" && mayRun) this.#run(analysis.id, work, false, settings, (errand) => works[work](analysis, errand));
        }
    }

    /**
     * @param {Settings} settings
     * @param {Moment} moment
     */
    async #startPolls(settings, moment) {
        if (!this.#idle(moment).some(isAtGateway)) return;
        const isWatched = await this.#parts.look();
        const running = [...this.#running.values()].filter(({ work }) => work === "poll");
        for (const poll of this.#polls.choose(this.#idle(moment), running, isWatched, moment)) {
            this.#run(poll.analysis.id, "poll", poll.isLong, settings, (errand) => this.#poll(poll, errand));
        }
    }

    /**
     * @param {Poll} poll
     * @param {Errand} errand
     */
    async #poll(poll, errand) {
        const outcome = await this.#parts.works.poll(poll.analysis, { ...errand, waitSeconds: poll.isLong ? LONG_POLL_SECONDS : 0 });
        this.#polls.answered(poll, outcome);
    }

    /**
     * What is to be done and not under way.
     * @param {Moment} moment
     */
    #idle({ elapsed }) {
        const isFree = (/** @type {string} */ id) => !this.#running.has(id) && (this.#cooling.get(id) ?? 0) <= elapsed;
        return [...this.#parts.store.all()].filter((analysis) => workOf(analysis) !== null && isFree(analysis.id));
    }

    /**
     * @param {string} id
     * @param {Work} work
     * @param {boolean} isLong
     * @param {Settings} settings
     * @param {(errand: Errand) => Promise<void>} begin
     */
    #run(id, work, isLong, settings, begin) {
        const controller = new AbortController();
        const { signal } = controller;
        const report = async (/** @type {AnalysisEvent} */ event) => {
            signal.throwIfAborted();
            await this.dispatch(id, event);
        };
        const done = begin({ settings, signal, report }).catch((error) => this.#failed(id, error, signal)).then(() => {
            this.#running.delete(id);
            this.tick();
        });
        this.#running.set(id, { work, isLong, controller, done });
        this.#wake.stayAwakeWhile(() => this.#running.size > 0);
    }

    /** @param {string} id */
    async #breakOff(id) {
        const running = this.#running.get(id);
        running?.controller.abort();
        await running?.done;
    }

    /**
     * @param {string} id
     * @param {unknown} error
     * @param {AbortSignal} signal
     */
    async #failed(id, error, signal) {
        const { clock, store, diagnostics } = this.#parts;
        if (signal.aborted) return;
        diagnostics.noteError("work.failed", error, { analysis: id, state: store.get(id)?.state });
        try {
            if (!(error instanceof GatewayError)) throw error;
            await this.#takeFailure(id, error);
        } catch (failure) {
            if (failure !== error) diagnostics.noteError("work.not_recorded", failure, { analysis: id });
            this.#cooling.set(id, clock.elapsed() + COOLING_MILLISECONDS);
        }
    }

    /**
     * @param {string} id
     * @param {GatewayError} error
     */
    async #takeFailure(id, { problem, disposition, retryAfterMilliseconds }) {
        const { browser, clock, random, store } = this.#parts;
        if (disposition === "pause") {
            this.#pause = problem;
            await browser.writeStorage("session", { [PAUSE_KEY]: problem });
            await this.dispatch(id, { kind: "gatewayFailed", problem, disposition });
            return;
        }
        const delay = retryDelayMilliseconds(store.get(id)?.failures ?? 0, random(), retryAfterMilliseconds);
        await this.dispatch(id, { kind: "gatewayFailed", problem, disposition, retryAt: clock.now() + delay });
    }

    /**
     * @param {boolean} isPaused
     * @param {Moment} moment
     */
    async #setWake(isPaused, moment) {
        const isPending = !isPaused && isAnyPending(this.#parts.store.all());
        const dueMilliseconds = isPaused ? null : this.#nextDueMilliseconds(moment);
        await this.#wake.set({ isBusy: this.#running.size > 0, isPending, dueMilliseconds });
    }

    /**
     * Until something is due that is not under way. What was due at this moment waits for its turn, which comes when something else ends.
     * @param {Moment} moment
     * @returns {number | null}
     */
    #nextDueMilliseconds({ now, elapsed }) {
        const idle = [...this.#parts.store.all()].filter((analysis) => !hasEnded(analysis) && !this.#running.has(analysis.id));
        const times = idle.flatMap(({ id, nextAt = 0 }) => [
            nextAt - now, this.#polls.dueAt(id) - elapsed, (this.#cooling.get(id) ?? 0) - elapsed,
        ]);
        const later = times.filter((milliseconds) => milliseconds > 0);
        return later.length > 0 ? Math.min(...later) : null;
    }

    /** @param {Analysis} analysis */
    #note({ id, state, method, problem, failures }) {
        const { code, detail } = problem ?? {};
        this.#parts.diagnostics.note("analysis", { id, state, method, problem: code, detail, failures: failures || undefined });
    }
}
