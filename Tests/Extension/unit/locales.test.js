// @ts-check
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { LANGUAGES } from "../../../extension/shared/translate.js";
import { LOCALES, messagesOf } from "./example-analysis.js";

/** @typedef {import("../../../extension/shared/translate.js").Message} Message */

const EXTENSION = new URL("../../../extension/", import.meta.url);
const FIRST_WORDS = [
    "extension", "language", "action", "badge", "popup", "panel", "options",
    "verdict", "reason", "warning", "state", "stage", "method", "problem", "report", "number",
];
const KEY = new RegExp(`["'\`]((?:${FIRST_WORDS.join("|")})_[a-z0-9_]+)["'\`]`, "g");
const REFERENCE = "en";

const folders = readdirSync(LOCALES);
/** @type {Record<string, Message>} */
const reference = messagesOf(REFERENCE);

/**
 * @param {URL} folder
 * @returns {URL[]}
 */
function filesIn(folder) {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory()
        ? filesIn(new URL(`${entry.name}/`, folder)) : [new URL(entry.name, folder)]));
}

/** @param {string} message */
function gapsIn(message) {
    return new Set([...message.matchAll(/\$([A-Za-z0-9_@]+)\$/g)].map(([, name]) => name.toLowerCase()));
}

function usedKeys() {
    const sources = filesIn(EXTENSION).filter(({ pathname }) => /\.(js|html)$/.test(pathname)).map((file) => readFileSync(file, "utf8"));
    const manifest = readFileSync(new URL("manifest.json", EXTENSION), "utf8");
    return new Set([
        ...sources.flatMap((text) => [...text.matchAll(KEY)].map(([, key]) => key)),
        ...[...manifest.matchAll(/__MSG_([A-Za-z0-9_]+)__/g)].map(([, key]) => key),
    ]);
}

describe("texts and their uses", () => {
    const used = usedKeys();

    test("every key that is used is there", () => {
        assert.deepEqual([...used].filter((key) => !Object.hasOwn(reference, key)), []);
    });

    test("every key that is there is used", () => {
        assert.deepEqual(Object.keys(reference).filter((key) => !used.has(key)), []);
    });

    test("every key begins with a word by which its uses are found", () => {
        assert.deepEqual(Object.keys(reference).filter((key) => !FIRST_WORDS.includes(key.split("_")[0])), []);
    });

    test("the parsing has seen the real thing", () => {
        const known = ["extension_name", "verdict_title_fake", "popup_heading_videos", "panel_table_other"];
        assert.deepEqual(known.filter((key) => !used.has(key)), []);
    });
});

test("the languages that can be chosen are the ones that are there", () => {
    assert.deepEqual(LANGUAGES.map(({ folder }) => folder).sort(), folders.sort());
});

for (const folder of folders) {
    /** @type {Record<string, Message>} */
    const messages = messagesOf(folder);

    describe(`texts in ${folder}`, () => {
        test("are the same ones as in the reference", () => {
            assert.deepEqual(Object.keys(messages).sort(), Object.keys(reference).sort());
        });

        test("have the same gaps, filled alike", () => {
            for (const [key, { placeholders }] of Object.entries(messages)) {
                assert.deepEqual(placeholders, reference[key].placeholders, key);
            }
        });

        test("use the gaps that they declare, and no others", () => {
            for (const [key, { message, placeholders = {} }] of Object.entries(messages)) {
                const inText = gapsIn(message);
                assert.deepEqual(inText, gapsIn(reference[key].message), key);
                for (const name of inText) assert.ok(Object.hasOwn(placeholders, name), `${key} declares ${name}`);
            }
        });

        test("are neither empty nor unkempt", () => {
            for (const [key, { message }] of Object.entries(messages)) {
                assert.ok(message.length > 0, key);
                assert.equal(message, message.trim(), key);
                assert.doesNotMatch(message, / {2}|\.\.\.|"/, key);
            }
        });

        test("say which language they are in", () => {
            assert.equal(messages.language_tag.message, folder.replace("_", "-"));
            assert.match(messages.language_direction.message, /^(ltr|rtl)$/);
        });

        test("keep to a store's bounds", () => {
            assert.ok(messages.extension_name.message.length <= 75);
            assert.ok(messages.extension_description.message.length <= 132);
        });
    });
}
