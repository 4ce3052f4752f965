// @ts-check
/**
 * The match pattern that covers an address: its scheme and host, with any port, which the browser's permissions do not tell apart.
 * @param {string} address
 * @returns {string | null}  null for what is not http or https
 */
export function hostPattern(address) {
    const url = parseHttpUrl(address);
    return url ? `${url.protocol}//${url.hostname}/*` : null;
}

/**
 * @param {string} address
 * @returns {URL | null}
 */
export function parseHttpUrl(address) {
    try {
        const url = new URL(address);
        return url.protocol === "http:" || url.protocol === "https:" ? url : null;
    } catch {
        return null;
    }
}
