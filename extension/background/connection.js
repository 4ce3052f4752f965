// @ts-check
import { GatewayClient, GatewayError } from "../shared/gateway-client.js";
import { hostPattern } from "../shared/host-pattern.js";
import { normalizedKey, normalizedUrl } from "../shared/settings.js";

/**
 * How the connection to a gateway is.
 *
 * @typedef {"ok"|"degraded"|"unreachable"|"unauthorized"|"permission_missing"|"unset"|"not_whorl"} ConnectionStatus
 * @typedef {{status: ConnectionStatus, version?: string, detail: string}} Connection
 * @typedef {Pick<typeof import("../shared/browser.js"), "hasHosts">} ConnectionBrowser
 */

/**
 * @param {ConnectionBrowser} browser
 * @param {{url: string, key: string}} connection  as a person wrote them
 * @returns {Promise<Connection>}
 */
export async function checkConnection(browser, connection) {
    const url = normalizedUrl(connection.url);
    const key = normalizedKey(connection.key);
    if (url === "") return { status: "unset", detail: "" };
    if (url === null) return { status: "unreachable", detail: "this is no address of http or https" };
    if (key === null) return { status: "unauthorized", detail: "a key has no spaces and no letters beyond ASCII" };
    if (!(await hasPermission(browser, url))) return { status: "permission_missing", detail: "" };
    try {
        return await ask(new GatewayClient({ url, key }));
    } catch (error) {
        return { status: statusOf(error), detail: error instanceof GatewayError ? error.detail : String(error) };
    }
}

/**
 * Whether the extension may talk to a gateway.
 * @param {ConnectionBrowser} browser
 * @param {string} url
 */
export async function hasPermission(browser, url) {
    const pattern = hostPattern(url);
    return pattern !== null && browser.hasHosts([pattern]);
}

/**
 * @param {GatewayClient} client
 * @returns {Promise<Connection>}
 */
async function ask(client) {
    const { status, version, detail } = await client.health();
    // While it is unavailable, it cannot say what a key may do.
    if (status !== "unavailable") await client.checkKey();
    return { status: status === "ok" ? "ok" : "degraded", version, detail };
}

/**
 * @param {unknown} error
 * @returns {ConnectionStatus}
 */
function statusOf(error) {
    if (!(error instanceof GatewayError)) return "unreachable";
    if (error.disposition === "pause") return "unauthorized";
    return error.code === "not_whorl" ? "not_whorl" : "unreachable";
}
