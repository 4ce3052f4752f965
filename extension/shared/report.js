// @ts-check
import { chartGeometry } from "./chart-geometry.js";
import { methodWords } from "./state-words.js";
import { decidingTrack } from "./verdict-shape.js";
import { trackWords, verdictWords } from "./verdict-words.js";

/**
 * An analysis as a file that stands on its own: JSON for programs, HTML for people. The HTML has no script and loads nothing.
 *
 * @typedef {import("./types.js").Analysis} Analysis
 * @typedef {import("./translate.js").Translator} Translator
 * @typedef {import("./translate.js").Words} Words
 * @typedef {import("./verdict-shape.js").Frame} Frame
 * @typedef {import("./verdict-shape.js").Verdict} Verdict
 * @typedef {import("./verdict-words.js").VerdictWords} VerdictWords
 *
 * @typedef {object} ReportFacts  what the analysis itself does not say
 * @property {string} extensionVersion
 * @property {number} writtenAt  milliseconds since 1970
 * @property {string} jobLink  the job on the dashboard; empty where there is none
 */

const PICTURE = /^data:image\/(jpeg|png);base64,[A-Za-z0-9+/]+=*$/;
const CHART = { width: 720, height: 240 };

/**
 * @param {Analysis} analysis
 * @param {ReportFacts} facts
 * @returns {string}
 */
export function jsonReport(analysis, facts) {
    const report = {
        format: "whorl-report-1",
        writtenAt: new Date(facts.writtenAt).toISOString(),
        extensionVersion: facts.extensionVersion,
        page: { origin: analysis.pageOrigin, title: analysis.pageTitle },
        video: { kind: analysis.source.kind, address: addressWithoutQuery(analysis), durationSeconds: analysis.durationSeconds },
        reading: {
            method: analysis.method ?? null, frameTimesSeconds: analysis.frameTimesSeconds ?? null, sha256: analysis.sha256 ?? null,
        },
        jobId: analysis.jobId ?? null,
        askedAt: new Date(analysis.createdAt).toISOString(),
        endedAt: analysis.endedAt ? new Date(analysis.endedAt).toISOString() : null,
        verdict: analysis.verdict ?? null,
    };
    return `${JSON.stringify(report, null, 2)}\n`;
}

/**
 * @param {Analysis} analysis
 * @param {Translator} translator
 * @param {ReportFacts} facts
 * @param {ReadonlyMap<string, string>} pictures  data URLs by the links of the verdict's frames
 * @returns {string}  empty where there is no verdict
 */
export function htmlReport(analysis, translator, facts, pictures) {
    const words = verdictWords(analysis);
    if (!words) return "";
    const title = translator.text("report_title", analysis.pageTitle || analysis.pageOrigin);
    return `<!doctype html>
<html lang="${escaped(translator.language)}" dir="${translator.direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${verdictSection(words, title, translator)}
${listSection(translator.text("panel_heading_reasons"), [...words.reasons, ...words.warnings].map((note) => note.words), translator)}
${listSection(translator.text("panel_heading_limits"), words.limits, translator)}
${listSection(translator.text("report_heading_people"), people(words.verdict), translator)}
${chartSection(words.verdict, translator)}
${framesSection(words.verdict, translator, pictures)}
${factsSection(analysis, words.verdict, translator, facts)}
</main>
</body>
</html>
`;
}

/**
 * A file name that every system takes.
 * @param {Analysis} analysis
 * @param {"json"|"html"} extension
 */
export function reportFileName(analysis, extension) {
    const words = analysis.pageTitle.normalize("NFKD").replace(/[^A-Za-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
    const name = words.slice(0, 60).toLowerCase();
    const day = new Date(analysis.endedAt ?? analysis.createdAt).toISOString().slice(0, 10);
    return `whorl-${name || "video"}-${day}.${extension}`;
}

/**
 * The video's address without what may let a reader in: query, fragment, user and password.
 * @param {Analysis} analysis
 */
function addressWithoutQuery({ source }) {
    return source.kind === "http" && source.url ? source.url.replace(/[?#].*$/s, "").replace(/^(https?:\/\/)[^/@]*@/i, "$1") : null;
}

/**
 * @param {VerdictWords} words
 * @param {string} title
 * @param {Translator} translator
 */
function verdictSection(words, title, translator) {
    const tone = words.isUntrained ? "untrained" : words.label;
    const lines = [...(words.certainty ? [words.certainty] : []), ...words.numbers];
    return `<header><p class="title">${escaped(title)}</p>
<h1 class="${tone}">${said(words.title, translator)}</h1>
<p class="sentence">${said(words.sentence, translator)}</p></header>
${listSection(translator.text("panel_heading_certainty"), lines, translator)}`;
}

/**
 * @param {string} heading
 * @param {Words[]} lines
 * @param {Translator} translator
 */
function listSection(heading, lines, translator) {
    if (lines.length === 0) return "";
    return `<section><h2>${escaped(heading)}</h2><ul>${lines.map((line) => `<li>${said(line, translator)}</li>`).join("")}</ul></section>`;
}

/**
 * Everybody who was judged, where they are several; what follows is about the one who decided.
 * @param {Verdict} verdict
 */
function people(verdict) {
    return verdict.tracks.length > 1 ? verdict.tracks.map((_, index) => trackWords(verdict, index)) : [];
}

/**
 * @param {Verdict} verdict
 * @param {Translator} translator
 */
function chartSection(verdict, translator) {
    const frames = decidingTrack(verdict)?.frames ?? [];
    if (frames.length === 0) return "";
    return `<section><h2>${escaped(translator.text("panel_heading_chart"))}</h2>
${chart(verdict, frames, translator)}
${table(frames, translator)}</section>`;
}

/**
 * @param {Verdict} verdict
 * @param {Frame[]} frames
 * @param {Translator} translator
 */
function chart(verdict, frames, translator) {
    const geometry = chartGeometry({
        samples: frames.map((frame) => ({ seconds: frame.timestampSeconds, probability: frame.probability })),
        durationSeconds: verdict.video.durationSeconds, threshold: verdict.threshold, band: verdict.abstention, ...CHART,
    });
    const { plot } = geometry;
    const across = (/** @type {number} */ y) => `x1="${plot.left}" x2="${plot.right}" y1="${y}" y2="${y}"`;
    const probabilities = geometry.probabilityTicks.map(({ y, probability }) => `<line class="grid" ${across(y)}/>
<text x="${plot.left - 8}" y="${y + 4}" text-anchor="end">${escaped(translator.exactPercent(probability))}</text>`);
    const times = geometry.timeTicks.map(({ x, seconds }) =>
        `<text x="${x}" y="${plot.bottom + 18}" text-anchor="middle">${escaped(translator.clock(seconds, geometry.timeDigits))}</text>`);
    const points = geometry.points.map(({ x, y }, index) =>
        `<circle cx="${x}" cy="${y}" r="4"><title>${escaped(pointText(frames[index], translator))}</title></circle>`);
    const label = escaped(translator.text("report_chart_label"));
    return `<svg viewBox="0 0 ${CHART.width} ${CHART.height}" direction="ltr" role="img" aria-label="${label}">
<rect class="band" x="${plot.left}" y="${geometry.band.y}" width="${plot.right - plot.left}" height="${geometry.band.height}"/>
${probabilities.join("")}${times.join("")}
<line class="threshold" ${across(geometry.thresholdY)}/>
<path class="line" d="${geometry.line}"/>${points.join("")}</svg>`;
}

/**
 * @param {Frame} frame
 * @param {Translator} translator
 */
function pointText(frame, translator) {
    return translator.text("panel_point", { clock: frame.timestampSeconds }, { percent: frame.probability });
}

/**
 * @param {Frame[]} frames
 * @param {Translator} translator
 */
function table(frames, translator) {
    const head = ["panel_column_time", "panel_column_probability", "panel_column_contribution"].map((key) => translator.text(key));
    const rows = frames.map((frame) => [
        translator.clock(frame.timestampSeconds), translator.percent(frame.probability), translator.number(frame.contribution, 3),
    ]);
    return `<table><thead><tr>${head.map((cell) => `<th scope="col">${escaped(cell)}</th>`).join("")}</tr></thead>
<tbody>${rows.map((row) => `<tr>${row.map((cell) => `<td>${escaped(cell)}</td>`).join("")}</tr>`).join("")}</tbody></table>`;
}

/**
 * @param {Verdict} verdict
 * @param {Translator} translator
 * @param {ReadonlyMap<string, string>} pictures
 */
function framesSection(verdict, translator, pictures) {
    const frames = decidingTrack(verdict)?.frames ?? [];
    const figures = frames.map((frame) => figure(frame, translator, pictures)).filter(Boolean);
    if (figures.length === 0) return "";
    return `<section><h2>${escaped(translator.text("panel_heading_frames"))}</h2><p>${escaped(translator.text("panel_heat_legend"))}</p>
<div class="frames">${figures.join("")}</div></section>`;
}

/**
 * @param {Frame} frame
 * @param {Translator} translator
 * @param {ReadonlyMap<string, string>} pictures
 */
function figure(frame, translator, pictures) {
    const image = picture(pictures.get(frame.image), translator.text("panel_frame_picture", { clock: frame.timestampSeconds }));
    const heat = picture(pictures.get(frame.gradcam), translator.text("panel_frame_heat_picture", { clock: frame.timestampSeconds }));
    if (!image && !heat) return "";
    return `<figure><div>${image}${heat}</div><figcaption>${escaped(pointText(frame, translator))}</figcaption></figure>`;
}

/**
 * @param {string | undefined} dataURL
 * @param {string} description
 */
function picture(dataURL, description) {
    return dataURL && PICTURE.test(dataURL) ? `<img src="${dataURL}" alt="${escaped(description)}">` : "";
}

/**
 * @param {Analysis} analysis
 * @param {Verdict} verdict
 * @param {Translator} translator
 * @param {ReportFacts} facts
 */
function factsSection(analysis, verdict, translator, facts) {
    const method = methodWords(analysis);
    /** @type {[string, string | null][]} */
    const rows = [
        [translator.text("panel_fact_page"), analysis.pageOrigin],
        [translator.text("panel_fact_address"), addressWithoutQuery(analysis)],
        [translator.text("panel_fact_method"), method && translator.say(method)],
        [translator.text("panel_fact_model"), [verdict.model.name, verdict.model.version].filter(Boolean).join(" · ")],
        [translator.text("panel_fact_trained"), translator.text(verdict.model.isTrained ? "panel_trained_yes" : "panel_trained_no")],
        [translator.text("panel_fact_model_digest"), verdict.model.sha256],
        [translator.text("panel_fact_digest"), analysis.sha256 ?? null],
        [translator.text("panel_fact_job"), facts.jobLink || (analysis.jobId ?? null)],
        [translator.text("panel_fact_ended"), analysis.endedAt ? translator.time(analysis.endedAt) : null],
        [translator.text("report_fact_written"), translator.text("report_written", { time: facts.writtenAt }, facts.extensionVersion)],
    ];
    const shown = rows.filter(([, value]) => value)
        .map(([name, value]) => `<dt>${escaped(name)}</dt><dd><bdi>${escaped(value ?? "")}</bdi></dd>`);
    return `<section><h2>${escaped(translator.text("panel_heading_facts"))}</h2><dl>${shown.join("")}</dl></section>`;
}

/**
 * @param {Words} words
 * @param {Translator} translator
 */
function said(words, translator) {
    return escaped(translator.say(words));
}

/** @type {Record<string, string>} */
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;", "'": "&#39;" };

/** @param {string} text */
function escaped(text) {
    return text.replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

const STYLE = `
:root {
  color-scheme: light dark; --ink: #1b1f27; --quiet: #555d6b; --paper: #fff; --line: #d5d9e0;
  --fake: #b3261e; --real: #0b6b58; --uncertain: #7a5200; --untrained: #5b3fa8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e8eaee; --quiet: #a9b0bd; --paper: #14171c; --line: #3a404b;
    --fake: #ff9a90; --real: #6fd6bd; --uncertain: #f2c063; --untrained: #c2b0ff;
  }
}
body { margin: 0; padding: 2rem 1.25rem; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
main { max-inline-size: 46rem; margin-inline: auto; }
h1 { margin: 0; font-size: 2rem; line-height: 1.2; } h2 { margin: 2rem 0 .5rem; font-size: 1.125rem; }
.title, figcaption, dt { color: var(--quiet); } .title { margin: 0 0 .5rem; overflow-wrap: anywhere; } .sentence { font-size: 1.125rem; }
.fake { color: var(--fake); } .real { color: var(--real); } .uncertain { color: var(--uncertain); } .untrained { color: var(--untrained); }
ul { margin: 0; padding-inline-start: 1.25rem; } svg { inline-size: 100%; block-size: auto; } text { fill: var(--quiet); font-size: 12px; }
.grid { stroke: var(--line); } .band { fill: var(--uncertain); opacity: .18; } .threshold { stroke: var(--quiet); stroke-dasharray: 5 4; }
.line { fill: none; stroke: var(--ink); stroke-width: 1.5; } circle { fill: var(--ink); stroke: var(--paper); }
table { border-collapse: collapse; inline-size: 100%; margin-block-start: 1rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .5rem; border-block-end: 1px solid var(--line); text-align: start; }
.frames { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)); }
figure { margin: 0; break-inside: avoid; }
figure div { display: flex; } figure img { inline-size: 50%; block-size: auto; object-fit: contain; } figcaption { font-size: .875rem; }
dl { display: grid; grid-template-columns: minmax(8rem, auto) 1fr; gap: .25rem 1rem; margin: 0; } dd { margin: 0; overflow-wrap: anywhere; }
`;
