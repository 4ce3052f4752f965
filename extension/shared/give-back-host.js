// @ts-check
import * as ownBrowser from "./browser.js";
import { hostPattern } from "./host-pattern.js";

/**
 * Gives the permission for an address's host back to the browser, unless the gateway or an allowed site has the same host.
 * @param {string} address  that is needed no longer
 * @param {import("./types.js").Settings} settings  as they are now
 * @param {Pick<typeof ownBrowser, "removeHosts">} [browser]
 */
export async function giveBackHost(address, { gatewayUrl, sites }, browser = ownBrowser) {
    const pattern = hostPattern(address);
    const inUse = [gatewayUrl, ...Object.keys(sites)].map(hostPattern);
    if (pattern && !inUse.includes(pattern)) await browser.removeHosts([pattern]);
}
