// @ts-check
/**
 * How long a service worker lives: a number of effects. After the last one nothing that it does reaches the world any more, as if its
 * process had been ended, and nothing that it waits for ever comes.
 */
export class Life {
    #left;
    #end = () => undefined;

    /** @param {number} [effects] */
    constructor(effects = Infinity) {
        this.#left = effects;
        this.effects = 0;
        /** Resolves with its end. @type {Promise<void>} */
        this.ended = new Promise((resolve) => {
            this.#end = () => resolve(undefined);
        });
    }

    get isOver() {
        return this.#left <= 0;
    }

    /** Counts an effect, which may be the last. */
    count() {
        this.effects += 1;
        this.#left -= 1;
        if (this.isOver) this.#end();
    }

    end() {
        this.#left = 0;
        this.#end();
    }

    /**
     * An object whose asynchronous methods work as long as this life lasts.
     * @template {object} T
     * @param {T} object
     * @param {string[]} effects  the methods that change the world
     * @returns {T}
     */
    lend(object, effects) {
        return new Proxy(object, {
            get: (target, name) => {
                const member = Reflect.get(target, name);
                if (typeof member !== "function") return member;
                return (/** @type {any[]} */ ...values) => this.#call(target, member, values, effects.includes(String(name)));
            },
        });
    }

    /**
     * @param {object} target
     * @param {Function} method
     * @param {any[]} values
     * @param {boolean} isEffect
     */
    #call(target, method, values, isEffect) {
        if (this.isOver) return new Promise(() => undefined);
        const result = method.apply(target, values);
        if (!(result instanceof Promise)) return result;
        return result.then((value) => {
            if (isEffect && !this.isOver) this.count();
            return this.isOver ? new Promise(() => undefined) : value;
        });
    }
}
