// @ts-check
"use strict";
var whorl = whorl || {};

/** What goes on in one document, from the injection to the end of the page or of the extension. */
whorl.Session = class Session {
    /** Changes come in bursts: the service worker is told at most so often. */
    static TELL_MILLISECONDS = 500;
    /** So soon the browser has said which videos are in sight. */
    static SIGHT_MILLISECONDS = 50;
    static PULSE_MILLISECONDS = 2500;
    static MAXIMUM_FAILURES = 5;
    static MAXIMUM_READINGS = 8;

    /** @type {Map<string, BadgeView>}  by video id */
    #views = new Map();
    #showsBadges = false;
    /** @type {Record<string, string>} */
    #words = {};
    /** @type {Map<string, {port: InstanceType<typeof whorl.ClipPort>, tracked: TrackedVideo}>}  by analysis id */
    #readings = new Map();
    #toldText = "";
    #isTelling = false;
    #toldAt = -Infinity;
    #failures = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #tellTimer;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    #pulse;
    /** @type {Element | null} */
    #root = document.documentElement;
    #onVisibility = () => {
        this.#setPulse();
        if (document.visibilityState === "visible") this.#onPulse();
    };
    #onPageShow = (/** @type {PageTransitionEvent} */ event) => {
        if (event.persisted) this.tellAgain();
    };

    constructor() {
        const words = (/** @type {string} */ key) => this.#words[key] || whorl.link.text(key) || key;
        const { shadowRootOf, canHaveShadowRoot } = whorl.link;
        this.layer = new whorl.BadgeLayer({ words, shadowRootOf, onDeed: (deed, videoId) => this.#carryOut(deed, videoId) });
        this.finder = new whorl.VideoFinder({
            shadowRootOf,
            canHaveShadowRoot,
            onChange: () => this.#scheduleTelling(),
            onRoot: (root) => this.layer.listenIn(root),
            onRootGone: (root) => this.layer.forget(root),
            onBatch: () => this.layer.lookSoon(),
        });
        this.endListening = whorl.link.listen((message) => this.#answer(message));
        this.#listen();
        this.#setPulse();
        this.finder.start();
        this.#scheduleTelling();
    }

    /** As if nothing had been told yet. */
    tellAgain() {
        this.#toldText = "";
        this.#failures = 0;
        this.#scheduleTelling();
    }

    stop() {
        clearTimeout(this.#tellTimer);
        clearInterval(this.#pulse);
        this.endListening();
        document.removeEventListener("visibilitychange", this.#onVisibility);
        removeEventListener("pageshow", this.#onPageShow);
        for (const { port } of this.#readings.values()) port.stop(new whorl.ReadingProblem("page_gone", ""));
        this.finder.stop();
        this.layer.stop();
    }

    #listen() {
        document.addEventListener("visibilitychange", this.#onVisibility);
        addEventListener("pageshow", this.#onPageShow);
    }

    /** Nothing is looked at while nobody looks. */
    #setPulse() {
        clearInterval(this.#pulse);
        this.#pulse = document.visibilityState === "visible" ? setInterval(() => this.#onPulse(), Session.PULSE_MILLISECONDS) : undefined;
    }

    #onPulse() {
        if (!this.#isAlive()) return;
        if (document.documentElement !== this.#root) {
            this.#root = document.documentElement;
            this.#listen();
            this.finder.listenAgain();
            this.layer.listenAgain();
        }
        this.finder.tick();
        this.layer.tick();
        if (this.#toldText === "") this.#scheduleTelling();
    }

    /** Where the extension is gone, so is all that it put into the page. */
    #isAlive() {
        if (whorl.link.isAlive()) return true;
        this.stop();
        return false;
    }

    #scheduleTelling() {
        this.#updateBadges();
        if (this.#failures > Session.MAXIMUM_FAILURES) return;
        const wait = Math.max(Session.SIGHT_MILLISECONDS, this.#toldAt + Session.TELL_MILLISECONDS - performance.now());
        this.#tellTimer ??= setTimeout(() => void this.#tell(), wait);
    }

    async #tell() {
        this.#tellTimer = undefined;
        if (!this.#isAlive()) return;
        // One at a time: an earlier answer must not come after a later one.
        if (this.#isTelling) {
            this.#scheduleTelling();
            return;
        }
        const videos = whorl.videos.summarizeAll(this.finder.videos);
        const text = JSON.stringify(videos);
        if (text === this.#toldText) return;
        this.#toldText = text;
        this.#toldAt = performance.now();
        this.#isTelling = true;
        try {
            const { badges, showsBadges, words } = await whorl.link.send({ type: "videos.found", videos });
            this.#failures = 0;
            this.#showsBadges = showsBadges === true;
            this.#words = words ?? {};
            this.#views = new Map(badges.map((/** @type {{videoId: string, view: BadgeView}} */ { videoId, view }) => [videoId, view]));
        } catch (error) {
            // The service worker may be about to start, or to be replaced; the next pulse tries again, for a while.
            this.#toldText = "";
            this.#failures += 1;
            if (!this.#isAlive() || this.#failures > Session.MAXIMUM_FAILURES) return;
            console.debug("Whorl: the videos could not be told of", error);
        } finally {
            this.#isTelling = false;
        }
        this.#updateBadges();
    }

    #updateBadges() {
        /** @type {Map<TrackedVideo, BadgeView>} */
        const wanted = new Map();
        for (const tracked of this.#showsBadges ? this.finder.videos : []) {
            const view = this.#views.get(tracked.videoId);
            if (view && tracked.isVisible && whorl.videos.mayHavePicture(tracked.video)) wanted.set(tracked, view);
        }
        this.layer.update(wanted);
    }

    /**
     * @param {BadgeDeed} deed
     * @param {string} videoId
     */
    async #carryOut(deed, videoId) {
        if (!this.#isAlive()) return;
        const messages = {
            ask: { type: "analysis.ask", videoId, again: false },
            again: { type: "analysis.ask", videoId, again: true },
            cancel: { type: "analysis.cancel", videoId },
            details: { type: "panel.open", videoId },
            hide: { type: "badges.hide" },
        };
        await whorl.link.send(messages[deed]);
        if (deed === "hide") this.#showBadges(false);
    }

    /** @param {boolean} showsBadges */
    #showBadges(showsBadges) {
        this.#showsBadges = showsBadges;
        this.#updateBadges();
    }

    /**
     * @param {any} message
     * @returns {Promise<unknown> | undefined}
     */
    #answer(message) {
        switch (message?.type) {
            case "badge.show":
                if (this.finder.find(message.videoId)) this.#views.set(message.videoId, message.view);
                this.#updateBadges();
                return undefined;
            case "badges.show":
                this.#showBadges(message.showsBadges === true);
                return undefined;
            case "clip.read":
                return Promise.resolve({ accepted: this.#read(message) });
            case "clip.stop":
                this.#readings.get(message.analysisId)?.port.stop(new whorl.ReadingProblem("reading_failed", "the analysis was stopped"));
                return undefined;
            case "video.measure":
                return this.#measure(message.videoId);
            case "video.seek":
                return this.#seek(message.videoId, message.seconds);
            default:
                return undefined;
        }
    }

    /**
     * @param {{videoId: string, analysisId: string, method: "file"|"frames", frameCount: number, maximumBytes: number}} message
     * @returns {boolean}
     */
    #read({ videoId, analysisId, method, frameCount, maximumBytes }) {
        const tracked = this.finder.find(videoId);
        const isBusy = [...this.#readings.values()].some((reading) => reading.tracked === tracked);
        if (!tracked || isBusy || this.#readings.has(analysisId) || this.#readings.size >= Session.MAXIMUM_READINGS) return false;
        const port = new whorl.ClipPort(whorl.link.connect(`clip:${analysisId}`));
        const { signal } = port;
        const { video } = tracked;
        const isProtected = () => whorl.videos.summarize(tracked).isProtected;
        const onProgress = (/** @type {number} */ progress) => port.progress(progress);
        this.#readings.set(analysisId, { port, tracked });
        const read = method === "file"
            ? () => whorl.readFile(video, { maximumBytes, signal })
            : () => whorl.readFrames(video, { frameCount, maximumBytes, isProtected, signal, onProgress });
        void port.send(read).finally(() => this.#readings.delete(analysisId));
        return true;
    }

    /** @param {string} videoId */
    async #measure(videoId) {
        const tracked = this.finder.find(videoId);
        if (!tracked?.video.isConnected) return { gone: true };
        await this.layer.clear(tracked.video);
        return whorl.videoDeeds.measure(tracked.video);
    }

    /**
     * @param {string} videoId
     * @param {number} seconds
     */
    async #seek(videoId, seconds) {
        const tracked = this.finder.find(videoId);
        return tracked ? whorl.videoDeeds.seek(tracked.video, seconds) : { done: false };
    }
};

/** Begins, or, where it has begun already, tells everything anew: the popup injects these files whenever it opens. */
whorl.begin = () => {
    if (whorl.session) whorl.session.tellAgain();
    else whorl.session = new whorl.Session();
};

/** @type {InstanceType<typeof whorl.Session> | undefined} */
whorl.session = whorl.session;

// A page that is loaded ahead of a click may never be shown.
if (document.prerendering) document.addEventListener("prerenderingchange", whorl.begin, { once: true });
else whorl.begin();
