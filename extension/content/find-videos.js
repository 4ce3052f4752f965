// @ts-check
"use strict";
var whorl = whorl || {};

/** @typedef {Document | ShadowRoot} TreeRoot */

/**
 * Every video of the document and of the shadow roots in it, as they come, change and go.
 *
 * What is added is seen by observers. A root that is attached to an element which was there before tells nobody: for those the whole tree
 * is walked again now and then, the more seldom the longer it takes and the less it finds.
 */
whorl.VideoFinder = class VideoFinder {
    static MAXIMUM_VIDEOS = 2000;
    static MAXIMUM_ROOTS = 2000;
    static MAXIMUM_ELEMENTS = 200_000;
    static MAXIMUM_WAITING = 1000;
    static BATCH_MILLISECONDS = 200;
    static SLICE_MILLISECONDS = 6;
    static SHORTEST_WALK_INTERVAL_MILLISECONDS = 4000;
    static LONGEST_WALK_INTERVAL_MILLISECONDS = 60_000;
    /** Walks take at most this share of the time. */
    static WALK_SHARE = 1 / 400;
    /** The same where more was added than is remembered. */
    static HURRIED_WALK_SHARE = 1 / 50;
    static EVENTS = ["loadstart", "emptied", "loadedmetadata", "durationchange", "encrypted", "resize", "error"];

    /** @type {Set<TrackedVideo>} */
    videos = new Set();
    /** @type {WeakMap<Element, TrackedVideo>} */
    #known = new WeakMap();
    /** @type {Set<TreeRoot>} */
    #roots = new Set();
    /** @type {Set<Element>} */
    #added = new Set();
    /** @type {Set<Element>}  custom elements that nobody has defined yet: a root may come with the definition */
    #undefined = new Set();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #batchTimer;
    /** @type {Set<Node>}  trees still to be looked through; the document stands for all */
    #waiting = new Set();
    /** @type {Generator<void, void> | null} */
    #look = null;
    #idleHandle = 0;
    #isWalking = false;
    #walkMilliseconds = 0;
    #walkFoundSomething = false;
    #walkInterval = VideoFinder.SHORTEST_WALK_INTERVAL_MILLISECONDS;
    #nextWalkAt = 0;
    #isStopped = false;

    #mutations = new MutationObserver((records) => this.#noteMutations(records));
    #intersections = new IntersectionObserver((entries) => this.#noteIntersections(entries), { threshold: [0, 0.01] });
    #noteMediaEvent = (/** @type {Event} */ event) => this.#onMediaEvent(event);

    /**
     * @param {object} outside
     * @param {(element: Element) => ShadowRoot | null} outside.shadowRootOf
     * @param {(localName: string) => boolean} outside.canHaveShadowRoot
     * @param {() => void} outside.onChange  some video came, went or changed
     * @param {(root: TreeRoot) => void} outside.onRoot  a tree was found; what happens in it is seen in it alone
     * @param {(root: TreeRoot) => void} outside.onRootGone
     * @param {() => void} outside.onBatch  the page has put in or taken out something
     */
    constructor({ shadowRootOf, canHaveShadowRoot, onChange, onRoot, onRootGone, onBatch }) {
        this.shadowRootOf = shadowRootOf;
        this.canHaveShadowRoot = canHaveShadowRoot;
        this.onChange = onChange;
        this.onRoot = onRoot;
        this.onRootGone = onRootGone;
        this.onBatch = onBatch;
    }

    start() {
        this.#addRoot(document);
        // Most pages have their videos in the document itself: those are told of at once, without waiting for the walk.
        for (const element of document.querySelectorAll("video")) this.#addVideo(element);
        this.#lookThrough([document]);
    }

    stop() {
        this.#isStopped = true;
        this.#mutations.disconnect();
        this.#intersections.disconnect();
        clearTimeout(this.#batchTimer);
        cancelIdleCallback(this.#idleHandle);
        for (const root of this.#roots) this.#setListening(root, false);
        this.#roots.clear();
        this.videos.clear();
    }

    /** Called every few seconds while the page is visible. */
    tick() {
        for (const element of this.#undefined) {
            if (element.isConnected && !element.matches(":defined")) continue;
            this.#undefined.delete(element);
            if (element.isConnected) this.#noteAdded(element);
        }
        if (!this.#isWalking && performance.now() >= this.#nextWalkAt) this.#lookThrough([document]);
    }

    /** @param {string} videoId */
    find(videoId) {
        for (const tracked of this.videos) {
            if (tracked.videoId === videoId) return tracked;
        }
        return null;
    }

    /** The document was opened anew, which takes its listeners away. */
    listenAgain() {
        this.#setListening(document, true);
    }

    /** @param {TreeRoot} root */
    #addRoot(root) {
        if (this.#roots.has(root) || this.#roots.size >= VideoFinder.MAXIMUM_ROOTS) return false;
        this.#roots.add(root);
        this.#mutations.observe(root, { childList: true, subtree: true });
        this.#setListening(root, true);
        this.onRoot(root);
        return true;
    }

    /**
     * Media events do not bubble, but pass down from their root to the video.
     * @param {TreeRoot} root
     * @param {boolean} isListening
     */
    #setListening(root, isListening) {
        for (const name of VideoFinder.EVENTS) {
            if (isListening) root.addEventListener(name, this.#noteMediaEvent, { capture: true, passive: true });
            else root.removeEventListener(name, this.#noteMediaEvent, { capture: true });
        }
    }

    /** @param {Element} element */
    #addVideo(element) {
        if (!whorl.videos.isVideo(element)) return;
        const tracked = this.#known.get(element)
            ?? { video: element, videoId: whorl.videos.randomId(), identity: null, isVisible: false, wasEncrypted: false };
        if (this.videos.has(tracked) || this.videos.size >= VideoFinder.MAXIMUM_VIDEOS) return;
        this.#known.set(element, tracked);
        this.videos.add(tracked);
        whorl.videos.noteIdentity(tracked);
        this.#intersections.observe(element);
        this.onChange();
    }

    /** @param {Event} event */
    #onMediaEvent(event) {
        const element = /** @type {Element} */ (event.target);
        const tracked = this.#known.get(element);
        if (!tracked) {
            if (whorl.videos.isVideo(element)) this.#noteAdded(element);
            return;
        }
        if (event.type === "encrypted") tracked.wasEncrypted = true;
        whorl.videos.noteIdentity(tracked);
        this.onChange();
    }

    /** @param {IntersectionObserverEntry[]} entries */
    #noteIntersections(entries) {
        let isChanged = false;
        for (const { target, isIntersecting, intersectionRect } of entries) {
            const tracked = this.#known.get(target);
            const isVisible = isIntersecting && intersectionRect.width > 0 && intersectionRect.height > 0;
            if (!tracked || tracked.isVisible === isVisible) continue;
            tracked.isVisible = isVisible;
            isChanged = true;
        }
        if (isChanged) this.onChange();
    }

    /** @param {MutationRecord[]} records */
    #noteMutations(records) {
        for (const record of records) {
            for (const node of record.addedNodes) {
                if (node.nodeType === Node.ELEMENT_NODE) this.#noteAdded(/** @type {Element} */ (node));
            }
        }
        this.#scheduleBatch();
    }

    /** @param {Element} element */
    #noteAdded(element) {
        if (this.#added.size < VideoFinder.MAXIMUM_WAITING) this.#added.add(element);
        else this.#nextWalkAt = Math.min(this.#nextWalkAt, performance.now() + this.#walkMilliseconds / VideoFinder.HURRIED_WALK_SHARE);
        this.#scheduleBatch();
    }

    #scheduleBatch() {
        this.#batchTimer ??= setTimeout(() => this.#runBatch(), VideoFinder.BATCH_MILLISECONDS);
    }

    #runBatch() {
        this.#batchTimer = undefined;
        if (this.#isStopped) return;
        this.#forgetWhatWent();
        this.onBatch();
        const added = this.#added;
        this.#added = new Set();
        if (added.size === 0) return;
        this.#walkInterval = VideoFinder.SHORTEST_WALK_INTERVAL_MILLISECONDS;
        // A part of something that was added too is looked at with it.
        const isPart = (/** @type {Element} */ { parentElement }) => parentElement !== null && added.has(parentElement);
        this.#lookThrough([...added].filter((element) => element.isConnected && !isPart(element)));
    }

    #forgetWhatWent() {
        let isChanged = false;
        for (const tracked of this.videos) {
            if (tracked.video.isConnected) continue;
            this.#intersections.unobserve(tracked.video);
            tracked.isVisible = false;
            this.videos.delete(tracked);
            isChanged = true;
        }
        for (const root of this.#roots) {
            if (root instanceof ShadowRoot && !root.isConnected) {
                this.#setListening(root, false);
                this.#roots.delete(root);
                this.onRootGone(root);
            }
        }
        if (isChanged) this.onChange();
    }

    /** @param {Node[]} tops */
    #lookThrough(tops) {
        for (const top of tops) this.#waiting.add(top);
        if (this.#look) return;
        this.#look = this.#steps();
        this.#continue();
    }

    /** Goes on for one slice, then waits until the page has nothing to do. */
    #continue() {
        if (!this.#look || this.#isStopped) return;
        const start = performance.now();
        let isDone = false;
        while (!isDone && performance.now() - start < VideoFinder.SLICE_MILLISECONDS) isDone = this.#look.next().done === true;
        if (isDone) this.#look = null;
        else this.#idleHandle = requestIdleCallback(() => this.#continue(), { timeout: 1000 });
    }

    /** @returns {Generator<void, void>} */
    *#steps() {
        for (const top of this.#waiting) {
            this.#waiting.delete(top);
            if (top === document) yield* this.#walkAll();
            else if (top.isConnected) yield* this.#elementsOf(top);
        }
    }

    /** @returns {Generator<void, void>} */
    *#walkAll() {
        this.#isWalking = true;
        this.#walkFoundSomething = false;
        let milliseconds = 0;
        let start = performance.now();
        for (const _ of this.#elementsOf(document)) {
            milliseconds += performance.now() - start;
            yield;
            start = performance.now();
        }
        this.#isWalking = false;
        this.#walkMilliseconds = milliseconds + performance.now() - start;
        this.#planNextWalk();
    }

    #planNextWalk() {
        const { SHORTEST_WALK_INTERVAL_MILLISECONDS, LONGEST_WALK_INTERVAL_MILLISECONDS, WALK_SHARE } = VideoFinder;
        const wanted = this.#walkFoundSomething ? SHORTEST_WALK_INTERVAL_MILLISECONDS : this.#walkInterval * 1.5;
        this.#walkInterval = Math.min(LONGEST_WALK_INTERVAL_MILLISECONDS, wanted);
        this.#nextWalkAt = performance.now() + Math.max(this.#walkInterval, this.#walkMilliseconds / WALK_SHARE);
    }

    /**
     * Looks at every element from `top` on, roots within roots; stops after every few dozen.
     * @param {Node} top
     * @returns {Generator<void, void>}
     */
    *#elementsOf(top) {
        const tops = [top];
        let count = 0;
        for (let next = tops.pop(); next; next = tops.pop()) {
            const walker = document.createTreeWalker(next, NodeFilter.SHOW_ELEMENT);
            /** @type {Node | null} */
            let node = next.nodeType === Node.ELEMENT_NODE ? next : walker.nextNode();
            for (; node; node = walker.nextNode()) {
                const root = this.#lookAt(/** @type {Element} */ (node));
                if (root) tops.push(root);
                count += 1;
                if (count >= VideoFinder.MAXIMUM_ELEMENTS) return;
                if (count % 64 === 0) yield;
            }
        }
    }

    /**
     * @param {Element} element
     * @returns {ShadowRoot | null}  a root to be looked through as well
     */
    #lookAt(element) {
        const name = element.localName;
        if (name === "video") this.#addVideo(element);
        if (!this.canHaveShadowRoot(name)) return null;
        const root = this.shadowRootOf(element);
        if (root) {
            if (this.#addRoot(root)) this.#walkFoundSomething = true;
            return root;
        }
        const isUndefined = name.includes("-") && !element.matches(":defined");
        if (isUndefined && this.#undefined.size < VideoFinder.MAXIMUM_WAITING) this.#undefined.add(element);
        return null;
    }
};
