// @ts-check
/**
 * Has the queue looked at again in time: by a timer while the service worker lives, by an alarm in case that it does not.
 *
 * @typedef {import("./analyses.js").Clock} Clock
 * @typedef {Pick<typeof import("../shared/browser.js"), "setAlarm"|"clearAlarm"|"stayAwake">} WakeBrowser
 */

export const QUEUE_ALARM = "queue";
const AWAKE_MILLISECONDS = 20_000;
const LONGEST_TIMER_MILLISECONDS = 25_000;
const SHORTEST_ALARM_MINUTES = 0.5;
const LONGEST_ALARM_MINUTES = 60;
const PERIOD_MINUTES = 1;
/** Alarms that differ by less are one. */
const ALARM_STEP_MILLISECONDS = 15_000;

export class Wake {
    #browser;
    #clock;
    #wake;
    /** @type {unknown} */
    #timer;
    /** @type {unknown} */
    #awakeTimer;
    /**
     * When the alarm goes off next, by the clock that nobody sets; Infinity: there is none; null: that is not known.
     * @type {number | null}
     */
    #alarmAt = null;

    /**
     * @param {WakeBrowser} browser
     * @param {Clock} clock
     * @param {() => void} wake
     */
    constructor(browser, clock, wake) {
        this.#browser = browser;
        this.#clock = clock;
        this.#wake = wake;
    }

    /**
     * @param {object} need
     * @param {boolean} need.isBusy  something is under way, which the service worker may die over
     * @param {boolean} need.isPending  something is to be done at some time
     * @param {number | null} need.dueMilliseconds  until the next of it is due; null where that is not known
     */
    async set({ isBusy, isPending, dueMilliseconds }) {
        this.#clock.clearTimer(this.#timer);
        const isSoon = dueMilliseconds !== null && dueMilliseconds <= LONGEST_TIMER_MILLISECONDS;
        if (isSoon) this.#timer = this.#clock.setTimer(this.#wake, dueMilliseconds);
        if (isBusy || isPending) await this.#setAlarm(alarmMinutes(isBusy ? null : dueMilliseconds));
        else await this.#clearAlarm();
    }

    /** @param {number} delayMinutes */
    async #setAlarm(delayMinutes) {
        const now = this.#clock.elapsed();
        const at = now + delayMinutes * 60_000;
        const stands = this.#alarmAt !== null && this.#alarmAt > now && Math.abs(this.#alarmAt - at) < ALARM_STEP_MILLISECONDS;
        if (stands) return;
        this.#alarmAt = at;
        // The period is for a service worker that dies over what the alarm woke it for.
        await this.#browser.setAlarm(QUEUE_ALARM, { delayMinutes, periodMinutes: PERIOD_MINUTES });
    }

    async #clearAlarm() {
        if (this.#alarmAt === Infinity) return;
        this.#alarmAt = Infinity;
        await this.#browser.clearAlarm(QUEUE_ALARM);
    }

    /**
     * The browser ends a service worker that makes no call for 30 s, though it waits for an answer of the network.
     * @param {() => boolean} isBusy
     */
    stayAwakeWhile(isBusy) {
        if (this.#awakeTimer !== undefined) return;
        this.#awakeTimer = this.#clock.setTimer(() => {
            this.#awakeTimer = undefined;
            if (!isBusy()) return;
            // Where the call fails, the alarm is what is left.
            this.#browser.stayAwake().catch(() => undefined);
            this.stayAwakeWhile(isBusy);
        }, AWAKE_MILLISECONDS);
    }
}

/** @param {number | null} dueMilliseconds */
function alarmMinutes(dueMilliseconds) {
    if (dueMilliseconds === null) return SHORTEST_ALARM_MINUTES;
    const minutes = (Math.ceil(dueMilliseconds / ALARM_STEP_MILLISECONDS) * ALARM_STEP_MILLISECONDS) / 60_000;
    return Math.min(LONGEST_ALARM_MINUTES, Math.max(SHORTEST_ALARM_MINUTES, minutes));
}
