// @ts-check
/**
 * Probability over time as places on a drawing. Time runs from left to right in every language, as it does on a player's bar.
 *
 * @typedef {{seconds: number, probability: number}} Sample
 *
 * @typedef {object} ChartInput
 * @property {Sample[]} samples
 * @property {number} durationSeconds
 * @property {number} threshold
 * @property {[number, number]} band  of abstention
 * @property {number} width  of the whole drawing, in pixels
 * @property {number} height
 *
 * @typedef {object} ChartGeometry
 * @property {{left: number, top: number, right: number, bottom: number}} plot
 * @property {{x: number, y: number}[]} points  in the samples' order
 * @property {string} line  an SVG path through the points, in the order of time
 * @property {number} thresholdY
 * @property {{y: number, height: number}} band
 * @property {{x: number, seconds: number}[]} timeTicks
 * @property {number} timeDigits  after the point, to tell the ticks apart
 * @property {{y: number, probability: number}[]} probabilityTicks
 */

const MARGIN = { left: 44, top: 12, right: 14, bottom: 28 };
const TICK_WIDTH = 64;
const TICK_STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200];

/**
 * @param {ChartInput} input
 * @returns {ChartGeometry}
 */
export function chartGeometry({ samples, durationSeconds, threshold, band, width, height }) {
    const right = Math.max(MARGIN.left + 1, width - MARGIN.right);
    const plot = { left: MARGIN.left, top: MARGIN.top, right, bottom: height - MARGIN.bottom };
    const [start, end] = timeSpan(samples, durationSeconds);
    /** @param {number} seconds */
    const x = (seconds) => rounded(plot.left + (plot.right - plot.left) * (seconds - start) / (end - start));
    /** @param {number} probability */
    const y = (probability) => rounded(plot.bottom - (plot.bottom - plot.top) * probability);
    const points = samples.map((sample) => ({ x: x(sample.seconds), y: y(sample.probability) }));
    const step = tickStep(end - start, (plot.right - plot.left) / TICK_WIDTH);
    return {
        plot,
        points,
        line: linePath(points),
        thresholdY: y(threshold),
        band: { y: y(band[1]), height: rounded(y(band[0]) - y(band[1])) },
        timeTicks: multiples(step, start, end).map((seconds) => ({ x: x(seconds), seconds })),
        timeDigits: step < 1 ? 1 : 0,
        probabilityTicks: [0, 0.25, 0.5, 0.75, 1].map((probability) => ({ y: y(probability), probability })),
    };
}

/**
 * From the video's beginning to its end; from the first sample where that is far into it, as in a live stream.
 * @param {Sample[]} samples
 * @param {number} durationSeconds
 * @returns {[number, number]}
 */
function timeSpan(samples, durationSeconds) {
    const times = samples.map((sample) => sample.seconds);
    const last = Math.max(0, ...times);
    const first = times.length > 0 ? Math.min(...times) : 0;
    const isFarIn = durationSeconds < first || (durationSeconds <= last && first > last / 2);
    const end = Math.max(last, isFarIn ? 0 : durationSeconds);
    const start = isFarIn ? first : 0;
    return [start, end > start ? end : start + 1];
}

/**
 * @param {number} span  seconds
 * @param {number} count  how many ticks there is room for
 */
function tickStep(span, count) {
    return TICK_STEPS.find((step) => span / step <= Math.max(1, count)) ?? span;
}

/**
 * @param {number} step
 * @param {number} start
 * @param {number} end
 */
function multiples(step, start, end) {
    const first = Math.ceil(start / step - 1e-9);
    const last = Math.floor(end / step + 1e-9);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => Number(((first + index) * step).toFixed(3)));
}

/** @param {{x: number, y: number}[]} points */
function linePath(points) {
    return [...points].sort((one, other) => one.x - other.x).map(({ x, y }, index) => `${index === 0 ? "M" : "L"}${x} ${y}`).join("");
}

/** @param {number} value  to a hundredth of a pixel */
function rounded(value) {
    return Math.round(value * 100) / 100;
}
