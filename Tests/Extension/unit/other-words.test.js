// @ts-check
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { badgeView } from "../../../extension/shared/badge-words.js";
import { problemWords } from "../../../extension/shared/problem-words.js";
import { isUnderWay, methodWords, stateWords } from "../../../extension/shared/state-words.js";
import { analysis, translatorOf, verdict } from "./example-analysis.js";

const STATES = /** @type {const} */ (["waiting", "reading", "uploading", "queued", "running", "succeeded", "failed", "cancelled", "unreadable"]);
const ROOT = new URL("../../../", import.meta.url);

/** @param {string} path */
const read = (path) => readFileSync(new URL(path, ROOT), "utf8");

/** @param {string} text */
const quotedIn = (text) => [...text.matchAll(/`([a-z_]+)`/g)].map(([, word]) => word);

describe("states", () => {
    test("every one has words, and those before an end are under way", () => {
        for (const state of STATES) {
            const words = stateWords(analysis({ state, verdict: undefined }));
            assert.equal(words.title.key, `state_title_${state}`);
            assert.equal(words.isUnderWay, isUnderWay(state));
        }
        assert.deepEqual(["queued", "failed"].map((state) => isUnderWay(/** @type {any} */ (state))), [true, false]);
    });

    test("progress is told only where it is known", () => {
        assert.equal(stateWords(analysis({ state: "uploading", progress: 0.25 })).progress, 0.25);
        assert.equal(stateWords(analysis({ state: "uploading", progress: 0 })).progress, null);
        assert.equal(stateWords(analysis({ state: "queued", progress: 0.5 })).progress, null);
    });

    test("a stage that is not known is not shown", () => {
        assert.equal(stateWords(analysis({ state: "running", stage: "drawing" })).sentence.key, "stage_drawing");
        assert.equal(stateWords(analysis({ state: "running", stage: "toString" })).sentence.key, "state_sentence_running");
    });

    test("the way of reading has words as soon as it is known", () => {
        assert.equal(methodWords(analysis({ method: undefined })), null);
        assert.deepEqual(methodWords(analysis({ method: "capture" })), { key: "method_capture" });
    });
});

describe("problems", () => {
    const OTHER = problemWords({ code: "no_such_code", detail: "" });

    test("one that is not known has general words", () => {
        assert.deepEqual(problemWords({ code: "constructor", detail: "" }), OTHER);
    });

    test("every code that a job can end with has words of its own", () => {
        const codes = quotedIn(/A clip's own codes[^]*?\n\n/.exec(read("docs/api.md"))?.[0] ?? "");
        assert.ok(codes.length > 15, "docs/api.md lists them");
        for (const code of codes.filter((each) => !["error", "dead"].includes(each))) {
            assert.notDeepEqual(problemWords({ code, detail: "" }), OTHER, code);
        }
    });

    test("every code of the extension's own has words of its own", () => {
        const codes = quotedIn(/@property \{string\} code [^]*?@property/.exec(read("extension/shared/types.js"))?.[0] ?? "");
        assert.ok(codes.length > 10, "types.js lists them");
        for (const code of codes) assert.notDeepEqual(problemWords({ code, detail: "" }), OTHER, code);
    });

    test("whatever passes by itself, or can be mended, among the gateway's refusals has words of its own", () => {
        const rows = [...read("docs/problems.md").matchAll(/^\| `([a-z_]+)` \| (\d+) \|/gm)];
        const statuses = ["401", "403", "413", "415", "429", "503", "507"];
        const told = rows.filter(([, , status]) => statuses.includes(status)).map(([, code]) => code);
        assert.ok(told.length > 10, "docs/problems.md lists them");
        for (const code of told) assert.notDeepEqual(problemWords({ code, detail: "" }), OTHER, code);
    });
});

describe("badges", () => {
    const translator = translatorOf("en");

    test("invite where nobody has asked", () => {
        const view = badgeView(null, translator);
        assert.deepEqual([view.state, view.label, view.text], ["idle", null, "Analyse"]);
    });

    test("show verdict and sentence", () => {
        const view = badgeView(analysis(), translator);
        assert.deepEqual([view.label, view.text, view.isUntrained], ["fake", "Likely fake", false]);
        assert.match(view.description, /^Likely fake\. .*96%/);
    });

    test("say of an untrained model that it is one", () => {
        const view = badgeView(analysis({ verdict: verdict({ label: "uncertain", model: { trained: false } }) }), translator);
        assert.deepEqual([view.text, view.isUntrained], ["Untrained model", true]);
    });

    test("say what holds an analysis up", () => {
        const problem = { code: "gateway_unreachable", detail: "refused" };
        const view = badgeView(analysis({ state: "waiting", verdict: undefined, problem }), translator);
        assert.equal(view.description, "Waiting: The gateway does not answer");
        assert.equal(badgeView(analysis({ state: "uploading", progress: 0.4, verdict: undefined }), translator).progress, 0.4);
    });
});
