// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { giveBackHost } from "../../../extension/shared/give-back-host.js";
import { DEFAULT_SETTINGS } from "../../../extension/shared/settings.js";

/** @type {import("../../../extension/shared/types.js").SiteSetting} */
const SITE = { analysis: "ask", showsBadges: true };

/**
 * @param {string} address
 * @param {Partial<import("../../../extension/shared/types.js").Settings>} settings
 */
async function givenBack(address, settings) {
    /** @type {string[]} */
    const patterns = [];
    await giveBackHost(address, { ...DEFAULT_SETTINGS, ...settings }, {
        async removeHosts(given) {
            patterns.push(...given);
            return true;
        },
    });
    return patterns;
}

test("a host that nothing needs any longer is given back", async () => {
    const settings = { gatewayUrl: "https://b.example", sites: { "https://c.example": SITE } };
    assert.deepEqual(await givenBack("https://a.example:8443/whorl", settings), ["https://a.example/*"]);
});

test("one that the gateway or an allowed site has is kept, whatever its port", async () => {
    assert.deepEqual(await givenBack("https://a.example", { gatewayUrl: "https://a.example:8443/whorl" }), []);
    assert.deepEqual(await givenBack("https://a.example/whorl", { sites: { "https://a.example:444": SITE } }), []);
});

test("no address gives nothing back", async () => {
    assert.deepEqual(await givenBack("", {}), []);
});
