// @ts-check
/** Runs tasks of one key after another, in the order in which they came; those of other keys do not wait. */
export class Serial {
    /** @type {Map<string, Promise<unknown>>} the last task of each key */
    #last = new Map();

    /**
     * @template T
     * @param {string} key
     * @param {() => Promise<T>} task
     * @returns {Promise<T>}
     */
    run(key, task) {
        const earlier = this.#last.get(key) ?? Promise.resolve();
        const turn = earlier.then(task, task);
        this.#last.set(key, turn);
        const forget = () => {
            if (this.#last.get(key) === turn) this.#last.delete(key);
        };
        turn.then(forget, forget);
        return turn;
    }
}
