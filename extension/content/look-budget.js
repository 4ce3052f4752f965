// @ts-check
"use strict";
var whorl = whorl || {};

/**
 * How often, and for how long, the page is looked at. Among thousands of videos a look at one point takes the browser a tenth of a second:
 * then badges are looked at one by one, with rests in between.
 */
whorl.LookBudget = class LookBudget {
    static SHORTEST_INTERVAL_MILLISECONDS = 500;
    static SLICE_MILLISECONDS = 8;
    /** Looks take at most this share of the time; while nothing happens, the other. */
    static SHARE = 1 / 50;
    static IDLE_SHARE = 1 / 400;

    #lookedAt = -Infinity;
    #milliseconds = 0;
    #sliceEnd = -Infinity;
    #restEnd = -Infinity;

    /** @param {() => number} clock  in milliseconds */
    constructor(clock = () => performance.now()) {
        this.clock = clock;
    }

    /** Every badge is to be looked at from now on. */
    noteWish() {
        this.#lookedAt = this.clock();
    }

    /** How long the next wish has to wait. */
    get waitMilliseconds() {
        const interval = Math.max(LookBudget.SHORTEST_INTERVAL_MILLISECONDS, this.#milliseconds / LookBudget.SHARE);
        return Math.max(0, this.#lookedAt + interval - this.clock());
    }

    /** Whether it is time for a look though nothing has happened. */
    get isIdleLookDue() {
        return this.clock() - this.#lookedAt >= this.#milliseconds / LookBudget.IDLE_SHARE;
    }

    /** Whether there is time, in this slice and after the last rest. */
    get isOpen() {
        const now = this.clock();
        return now < this.#sliceEnd && now >= this.#restEnd;
    }

    /** @returns {boolean}  whether there is time */
    begin() {
        this.#sliceEnd = this.clock() + LookBudget.SLICE_MILLISECONDS;
        return this.isOpen;
    }

    /** @param {number} milliseconds  that the slice took */
    end(milliseconds) {
        this.#milliseconds = milliseconds;
        this.#sliceEnd = -Infinity;
        this.#restEnd = this.clock() + milliseconds / LookBudget.SHARE;
    }

    /** So long is the rest before the next slice. */
    get restMilliseconds() {
        return Math.max(0, this.#restEnd - this.clock());
    }
};
