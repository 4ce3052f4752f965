// @ts-check
/**
 * Checks of what comes from outside: each gives a clean copy, or throws `Refused` with the place that was wrong. Members that are not named
 * are left out.
 *
 * @template T
 * @typedef {(value: unknown, path: string) => T} Check
 */

export class Refused extends Error {
    /**
     * @param {string} path
     * @param {string} wanted
     */
    constructor(path, wanted) {
        super(`${path} must be ${wanted}`);
        this.name = "Refused";
    }
}

/**
 * @param {number} maximumLength
 * @param {RegExp} [pattern]
 * @returns {Check<string>}
 */
export function text(maximumLength, pattern) {
    return (value, path) => {
        const fits = typeof value === "string" && value.length <= maximumLength;
        if (!fits) throw new Refused(path, `a text of up to ${maximumLength} characters`);
        if (pattern && !pattern.test(value)) throw new Refused(path, `a text like ${pattern}`);
        return value;
    };
}

/**
 * A text that is cut where it is too long.
 * @param {number} maximumLength
 * @returns {Check<string>}
 */
export function cutText(maximumLength) {
    return (value, path) => {
        if (typeof value !== "string") throw new Refused(path, "a text");
        return value.slice(0, maximumLength);
    };
}

/**
 * @param {number} least
 * @param {number} most
 * @returns {Check<number>}
 */
export function number(least, most) {
    return (value, path) => {
        if (typeof value !== "number" || !(value >= least && value <= most)) throw new Refused(path, `a number from ${least} to ${most}`);
        return value;
    };
}

/**
 * @param {number} least
 * @param {number} most
 * @returns {Check<number>}
 */
export function whole(least, most) {
    const check = number(least, most);
    return (value, path) => {
        if (!Number.isInteger(value)) throw new Refused(path, "a whole number");
        return check(value, path);
    };
}

/** @type {Check<boolean>} */
export function flag(value, path) {
    if (typeof value !== "boolean") throw new Refused(path, "true or false");
    return value;
}

/**
 * @template {string} T
 * @param {...T} choices
 * @returns {Check<T>}
 */
export function oneOf(...choices) {
    return (value, path) => {
        const chosen = choices.find((choice) => choice === value);
        if (chosen === undefined) throw new Refused(path, `one of ${choices.join(", ")}`);
        return chosen;
    };
}

/**
 * @template T
 * @param {Check<T>} check
 * @returns {Check<T | null>}
 */
export function nullable(check) {
    return (value, path) => (value === null ? null : check(value, path));
}

/**
 * @template T
 * @param {Check<T>} check
 * @returns {Check<T | undefined>}
 */
export function optional(check) {
    return (value, path) => (value === undefined ? undefined : check(value, path));
}

/**
 * @template T
 * @param {Check<T>} check
 * @param {number} maximumCount
 * @returns {Check<T[]>}
 */
export function list(check, maximumCount) {
    return (value, path) => {
        if (!Array.isArray(value) || value.length > maximumCount) throw new Refused(path, `a list of up to ${maximumCount}`);
        return value.map((each, index) => check(each, `${path}[${index}]`));
    };
}

/**
 * @template {Record<string, Check<any>>} Members
 * @param {Members} members
 * @returns {Check<{[Name in keyof Members]: ReturnType<Members[Name]>}>}
 */
export function record(members) {
    return (value, path) => {
        if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Refused(path, "an object");
        const given = /** @type {Record<string, unknown>} */ (value);
        const checked = /** @type {Record<string, unknown>} */ ({});
        for (const [name, check] of Object.entries(members)) {
            const member = check(Object.hasOwn(given, name) ? given[name] : undefined, `${path}.${name}`);
            if (member !== undefined) checked[name] = member;
        }
        return /** @type {any} */ (checked);
    };
}
