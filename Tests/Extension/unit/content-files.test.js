// @ts-check
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { CONTENT_FILES } from "../../../extension/shared/content-files.js";
import { nameOf, runContentScripts } from "./content-scripts.js";

const FOLDER = new URL("../../../extension/content/", import.meta.url);
const names = CONTENT_FILES.map(nameOf);

test("every content script is injected, once", () => {
    assert.deepEqual([...names].sort(), readdirSync(FOLDER).map((file) => file.replace(/\.js$/, "")).sort());
});

test("one file alone names the browser's API", () => {
    const naming = names.filter((name) => /\bchrome\.(?!runtime\.Port\b)/.test(readFileSync(new URL(`${name}.js`, FOLDER), "utf-8")));
    assert.deepEqual(naming, ["page-link"]);
});

test("the files run in their order and once more, and leave one name", () => {
    const before = new Set(Object.getOwnPropertyNames(globalThis));
    const parts = names.filter((name) => name !== "main");
    const first = runContentScripts(...parts);
    const again = runContentScripts(...parts);
    assert.equal(again, first);
    assert.deepEqual(Object.getOwnPropertyNames(globalThis).filter((name) => !before.has(name)), ["whorl"]);
});
