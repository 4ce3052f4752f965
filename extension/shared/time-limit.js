// @ts-check
/**
 * What TypeScript 4.8 does not know of it yet.
 * @type {{timeout: (milliseconds: number) => AbortSignal, any: (signals: AbortSignal[]) => AbortSignal}}
 */
const signals = /** @type {any} */ (AbortSignal);

/**
 * A signal that fires after a time, or when another does.
 * @param {number} milliseconds
 * @param {AbortSignal} [signal]
 * @returns {AbortSignal}
 */
export function timeLimit(milliseconds, signal) {
    const timeout = signals.timeout(milliseconds);
    return signal ? signals.any([signal, timeout]) : timeout;
}

/**
 * What a promise gives within a time; null after it, and what it gives then is left aside.
 * @template T
 * @param {number} milliseconds
 * @param {Promise<T>} promise
 * @returns {Promise<T | null>}
 */
export function within(milliseconds, promise) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => resolve(null), milliseconds);
        promise.then(resolve, reject).finally(() => clearTimeout(timer));
    });
}
