// @ts-check
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { lookupIn, Translator } from "../../../extension/shared/translate.js";
import { translatorOf } from "./example-analysis.js";

describe("texts", () => {
    const lookup = lookupIn({
        language_tag: { message: "en" },
        plain: { message: "Plain" },
        named: { message: "$WHO$ has $what$ for $$5", placeholders: { who: { content: "$1" }, What: { content: "$2" } } },
        numbered: { message: "$2, then $1" },
        unknown: { message: "$NOBODY$ is left" },
    });
    const translator = new Translator(lookup);

    test("gaps are filled by name, whatever their case, and by number", () => {
        assert.equal(translator.text("named", "Ann", "time"), "Ann has time for $5");
        assert.equal(translator.text("numbered", "one", "two"), "two, then one");
    });

    test("what fills a gap is not looked at for gaps", () => {
        assert.equal(translator.text("named", "$2", "$WHO$"), "$2 has $WHO$ for $5");
    });

    test("a missing substitution is empty, a gap without a name stays", () => {
        assert.equal(translator.text("numbered", "one"), ", then one");
        assert.equal(translator.text("unknown"), "$NOBODY$ is left");
    });

    test("a missing text shows as its key, and no key reaches what every object has", () => {
        assert.equal(translator.text("absent"), "absent");
        assert.equal(translator.text("constructor"), "constructor");
    });

    test("words may stand in words", () => {
        assert.equal(translator.say({ key: "named", substitutions: [{ key: "plain" }, "x"] }), "Plain has x for $5");
    });
});

describe("numbers", () => {
    const english = translatorOf("en");
    const german = translatorOf("de");
    /** @param {string} text */
    const plain = (text) => text.replace(/[\u00a0\u202f]/g, " ");

    test("probabilities are never certain", () => {
        const shown = [0, 0.0004, 0.004, 0.394, 0.996, 1].map((each) => english.percent(each));
        assert.deepEqual(shown, ["< 0.1%", "< 0.1%", "0.4%", "39%", "99.6%", "> 99.9%"]);
        assert.equal(plain(german.percent(0.996)), "99,6 %");
    });

    test("bounds are exact", () => {
        assert.deepEqual([0, 0.425, 1].map((each) => english.exactPercent(each)), ["0%", "42.5%", "100%"]);
    });

    test("places in a video", () => {
        const shown = [0, 4.2, 59.96, 64.3, 3723.04, -1].map((each) => english.clock(each));
        assert.deepEqual(shown, ["0:00.0", "0:04.2", "1:00.0", "1:04.3", "1:02:03.0", "0:00.0"]);
        assert.equal(german.clock(4.2), "0:04,2");
        assert.equal(english.clock(61.5, 0), "1:02");
    });

    test("spans and sizes", () => {
        assert.deepEqual([1, 89, 150, 7200].map((each) => english.span(each)), ["1 sec", "89 sec", "3 min", "2 hr"]);
        assert.deepEqual([0, 999, 107_995, 12_345_678].map((each) => english.bytes(each)), ["0 byte", "999 byte", "108 kB", "12.3 MB"]);
        assert.equal(plain(german.bytes(12_345_678)), "12,3 MB");
    });

    test("counts take the language's plural", () => {
        const keys = { one: "panel_sampling_one", other: "panel_sampling_other" };
        assert.equal(english.counted(keys, 1), "1 frame");
        assert.equal(english.counted(keys, 16), "16, evenly spaced");
    });

    test("the browser's region decides only where its language is the texts' own", () => {
        const lookup = lookupIn({ language_tag: { message: "en" } });
        assert.equal(new Translator(lookup, "en-GB").locale, "en-GB");
        assert.equal(new Translator(lookup, "fr-FR").locale, "en");
    });
});
