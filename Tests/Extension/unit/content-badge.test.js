// @ts-check
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { BADGE_MENU_KEYS } from "../../../extension/shared/badge-menu-words.js";
import { runContentScripts } from "./content-scripts.js";

const { badgeLook, badgeMenu } = runContentScripts("badge-look", "badge-menu");

const STATES = ["idle", "waiting", "reading", "uploading", "queued", "running", "succeeded", "failed", "cancelled", "unreadable"];

/** @param {string} path */
const text = (path) => readFileSync(new URL(`../../../extension/${path}`, import.meta.url), "utf-8");

test("every state has its deeds, and the way to the details", () => {
    for (const state of STATES) {
        const deeds = badgeMenu.deedsIn(state);
        assert.deepEqual(deeds.slice(1), ["details", "hide"], state);
        assert.ok(["details", ...deeds].includes(badgeMenu.mainDeed(state)), state);
    }
    assert.equal(badgeMenu.mainDeed("idle"), "ask");
    assert.equal(badgeMenu.mainDeed("cancelled"), "again");
    assert.equal(badgeMenu.mainDeed("running"), "details");
    assert.equal(badgeMenu.deedsIn("running")[0], "cancel");
    assert.equal(badgeMenu.deedsIn("succeeded")[0], "again");
});

test("a click on a badge whose analysis goes on never ends or doubles it", () => {
    const begun = STATES.filter((state) => state !== "idle" && state !== "cancelled");
    for (const state of begun) assert.equal(badgeMenu.mainDeed(state), "details");
});

test("arrows go round in the menu", () => {
    assert.equal(badgeMenu.itemAfter("ArrowDown", 2, 3), 0);
    assert.equal(badgeMenu.itemAfter("ArrowDown", -1, 3), 0);
    assert.equal(badgeMenu.itemAfter("ArrowUp", 0, 3), 2);
    assert.equal(badgeMenu.itemAfter("ArrowUp", -1, 3), 2);
    assert.equal(badgeMenu.itemAfter("Home", 1, 3), 0);
    assert.equal(badgeMenu.itemAfter("End", 0, 3), 2);
    assert.equal(badgeMenu.itemAfter("a", 0, 3), null);
});

test("each verdict looks different, without its colour too", () => {
    const view = { state: "succeeded", label: "fake", text: "", description: "", progress: 1, isUntrained: false };
    assert.deepEqual(["fake", "real", "uncertain"].map((label) => badgeLook.lookOf({ ...view, label })), ["fake", "real", "uncertain"]);
    assert.equal(badgeLook.lookOf({ ...view, label: "uncertain", isUntrained: true }), "untrained");
    assert.equal(badgeLook.lookOf({ ...view, label: null }), "problem");
    const lookIn = (/** @type {string} */ state) => badgeLook.lookOf({ ...view, state, label: null });
    for (const state of ["failed", "unreadable"]) assert.equal(lookIn(state), "problem");
    for (const state of ["waiting", "reading", "uploading", "queued", "running"]) assert.equal(lookIn(state), "busy");
    const drawings = Object.values(badgeLook.OUTLINES).map((paths) => JSON.stringify(paths));
    assert.equal(new Set(drawings).size, drawings.length);
});

test("colours and outlines are those of the extension's own pages", () => {
    const tokens = text("look/tokens.css");
    /** @type {Record<string, string>}  where they go by another name there */
    const names = {
        "--raised": "--surface-sunken", "--line": "--line-control", "--focus": "--accent", "--busy": "--accent", "--quiet": "--ink-quiet",
    };
    const rules = [...badgeLook.STYLE.matchAll(/\.badge \{\s+(--surface[^}]*?--quiet: #\w+;)/g)].map((match) => match[1]);
    assert.equal(rules.length, 2);
    const [light, dark] = tokens.split("prefers-color-scheme: dark");
    for (const [rule, scheme] of /** @type {[string, string][]} */ ([[rules[0], light], [rules[1], dark]])) {
        for (const [, name, colour] of rule.matchAll(/(--[a-z]+): (#\w+);/g)) {
            if (name === "--ring") continue;
            assert.ok(scheme.includes(`${names[name] ?? name}: ${colour};`), `${name} is ${colour}`);
        }
    }
    const icons = text("look/icons.js");
    for (const name of ["fake", "real", "uncertain", "untrained", "problem"]) {
        for (const path of badgeLook.OUTLINES[name]) assert.ok(icons.includes(path), `${name}: ${path}`);
    }
});

/** @param {string} colour */
function luminance(colour) {
    const [red, green, blue] = [1, 3, 5].map((start) => Number.parseInt(colour.slice(start, start + 2), 16) / 255)
        .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

test("ink and signs have the contrast of WCAG AA on the badge's own ground", () => {
    for (const [, rule] of badgeLook.STYLE.matchAll(/\.badge \{\s+(--surface[^}]*?--quiet: #\w+;)/g)) {
        const colours = Object.fromEntries([...rule.matchAll(/--([a-z]+): (#\w+);/g)].map(([, name, colour]) => [name, colour]));
        for (const ground of [colours.surface, colours.raised]) {
            for (const name of ["ink", "fake", "real", "uncertain", "untrained", "busy", "quiet", "focus"]) {
                const [darker, lighter] = [luminance(ground), luminance(colours[name])].sort((first, second) => first - second);
                assert.ok((lighter + 0.05) / (darker + 0.05) >= 4.5, `${name} on ${ground}`);
            }
        }
    }
});

test("all of the menu's texts are handed over, and exist in every language", () => {
    const used = Object.values(badgeMenu.WORDS);
    const source = ["badge", "badge-menu", "badge-layer"].map((name) => text(`content/${name}.js`)).join("\n");
    for (const [, key] of source.matchAll(/"((?:badge_|language_)[a-z_]+)"/g)) used.push(key);
    assert.deepEqual(new Set(used), new Set(BADGE_MENU_KEYS));
    for (const language of ["en", "de"]) {
        const messages = JSON.parse(text(`_locales/${language}/messages.json`));
        for (const key of BADGE_MENU_KEYS) assert.ok(messages[key]?.message, `${language}: ${key}`);
    }
});
