// @ts-check
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { htmlReport, jsonReport, reportFileName } from "../../../extension/shared/report.js";
import { analysis, translatorOf, verdict } from "./example-analysis.js";

const FACTS = { extensionVersion: "0.1.0", writtenAt: 1_795_000_100_000, jobLink: "https://gateway.example/jobs/1" };
const PICTURE = "data:image/jpeg;base64,/9j/4AAQ==";

/** @param {ReturnType<typeof analysis>} one */
function picturesOf(one) {
    const frames = /** @type {any} */ (one.verdict).tracks[0].frames;
    return new Map(frames.flatMap((/** @type {any} */ frame) => [[frame.links.image, PICTURE], [frame.links.gradcam, PICTURE]]));
}

describe("as JSON", () => {
    test("holds the verdict and where it comes from", () => {
        const report = JSON.parse(jsonReport(analysis(), FACTS));
        assert.equal(report.format, "whorl-report-1");
        assert.equal(report.verdict.probability, 0.96);
        assert.equal(report.reading.method, "file");
        assert.equal(report.writtenAt, "2026-11-18T11:08:20.000Z");
    });

    test("holds the video's address without what may let a reader in", () => {
        assert.equal(JSON.parse(jsonReport(analysis(), FACTS)).video.address, "https://cdn.example/a/clip.mp4");
        const source = { kind: /** @type {const} */ ("http"), url: "https://ann:secret@cdn.example/clip.mp4" };
        assert.equal(JSON.parse(jsonReport(analysis({ source }), FACTS)).video.address, "https://cdn.example/clip.mp4");
        assert.ok(!jsonReport(analysis({ source }), FACTS).includes("secret"));
    });
});

describe("as HTML", () => {
    const translator = translatorOf("en");

    test("has the words, the chart, the table and every picture in it", () => {
        const html = htmlReport(analysis(), translator, FACTS, picturesOf(analysis()));
        assert.match(html, /<h1 class="fake">Likely fake<\/h1>/);
        assert.equal(html.match(/<circle /g)?.length, 4);
        assert.equal(html.match(/<img src="data:image\/jpeg;base64,/g)?.length, 8);
        assert.equal(html.match(/<tbody>(<tr>.*?<\/tr>){4}<\/tbody>/s)?.length, 2);
        assert.match(html, /no proof/);
    });

    test("has no script and loads nothing", () => {
        const html = htmlReport(analysis(), translator, FACTS, picturesOf(analysis()));
        assert.match(html, /default-src 'none'; style-src 'unsafe-inline'; img-src data:/);
        assert.doesNotMatch(html, /<script|<link|<iframe|javascript:|\son[a-z]+=|url\(|@import/i);
        for (const [, address] of html.matchAll(/(?:src|href)="([^"]*)"/g)) assert.ok(address.startsWith("data:image/"), address);
    });

    test("texts from pages and gateways stay texts", () => {
        const evil = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>&";
        const one = analysis({
            pageTitle: evil, pageOrigin: evil, jobId: evil, sha256: evil, source: { kind: "http", url: `https://x.example/${evil}` },
            verdict: verdict({ model: { name: evil, version: evil, sha256: evil, trained: true }, reasons: [evil], warnings: [evil] }),
        });
        const html = htmlReport(one, translator, { ...FACTS, jobLink: evil, extensionVersion: evil }, new Map());
        assert.doesNotMatch(html, /<script|<img/);
        assert.ok(html.includes("&quot;&#39;&gt;&lt;img src=x onerror=alert(1)&gt;"));
    });

    test("takes nothing for a picture that is none", () => {
        const links = [...picturesOf(analysis()).keys()];
        const evil = ["data:image/svg+xml;base64,AAAA", "https://evil.example/a.jpg", "data:image/jpeg;base64,AA\"onerror=\"x", ""];
        const html = htmlReport(analysis(), translator, FACTS, new Map(links.map((link, index) => [link, evil[index % evil.length]])));
        assert.doesNotMatch(html, /<img/);
    });

    test("says what was encoded again and what was not judged", () => {
        assert.match(htmlReport(analysis({ method: "frames" }), translator, FACTS, new Map()), /encoded the frames again/);
        const nothing = verdict({ label: "uncertain", probability: null, decidedBy: null, tracks: [], reasons: ["no_face"] });
        const html = htmlReport(analysis({ verdict: nothing }), translator, FACTS, new Map());
        assert.match(html, /Nothing in this video could be judged/);
        assert.doesNotMatch(html, /<svg/);
    });

    test("is none without a verdict", () => {
        assert.equal(htmlReport(analysis({ state: "failed", verdict: undefined }), translator, FACTS, new Map()), "");
    });

    test("carries its language and direction", () => {
        assert.match(htmlReport(analysis(), translatorOf("de"), FACTS, new Map()), /^<!doctype html>\n<html lang="de" dir="ltr">/);
    });
});

test("file names are taken by every system", () => {
    const awkward = analysis({ pageTitle: "Crème brûlée / Part 2: ..\\..\\x?" });
    assert.equal(reportFileName(awkward, "html"), "whorl-cre-me-bru-le-e-part-2-x-2026-11-18.html");
    assert.equal(reportFileName(analysis({ pageTitle: "新闻" }), "json"), "whorl-video-2026-11-18.json");
    assert.ok(reportFileName(analysis({ pageTitle: "x".repeat(200) }), "json").length < 90);
});
