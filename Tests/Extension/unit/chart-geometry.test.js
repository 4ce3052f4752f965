// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { chartGeometry } from "../../../extension/shared/chart-geometry.js";

/** @type {[number, number]} */
const BAND = [0.4, 0.6];
const SIZE = { threshold: 0.5, band: BAND, width: 358, height: 190 };

/** @param {number[]} seconds */
const samplesAt = (seconds) => seconds.map((each) => ({ seconds: each, probability: 0.5 }));

test("time runs from the video's beginning to its end, probability from the bottom up", () => {
    const { plot, points, thresholdY, band } = chartGeometry({
        ...SIZE, durationSeconds: 10,
        samples: [{ seconds: 0, probability: 0 }, { seconds: 10, probability: 1 }, { seconds: 5, probability: 0.5 }],
    });
    const middle = (plot.left + plot.right) / 2;
    assert.deepEqual(points, [{ x: plot.left, y: plot.bottom }, { x: plot.right, y: plot.top }, { x: middle, y: thresholdY }]);
    assert.equal(band.y + band.height / 2, thresholdY);
});

test("the line goes through the points in the order of time", () => {
    const { line, points } = chartGeometry({ ...SIZE, durationSeconds: 4, samples: samplesAt([3, 1, 2]) });
    assert.equal(line, `M${points[1].x} ${points[1].y}L${points[2].x} ${points[2].y}L${points[0].x} ${points[0].y}`);
});

test("ticks have round times and room", () => {
    for (const durationSeconds of [0.5, 4, 9.7, 61, 754, 5400, 86_000, 500_000]) {
        const { timeTicks, plot } = chartGeometry({ ...SIZE, durationSeconds, samples: samplesAt([0]) });
        assert.ok(timeTicks.length >= 1 && timeTicks.length <= 6, `${durationSeconds} s: ${timeTicks.length} ticks`);
        for (const [index, { x }] of timeTicks.entries()) {
            assert.ok(x >= plot.left && x <= plot.right);
            if (index > 0) assert.ok(x - timeTicks[index - 1].x >= 50, `${durationSeconds} s`);
        }
    }
});

test("a piece out of a live stream fills the chart", () => {
    const { points, plot } = chartGeometry({ ...SIZE, durationSeconds: 0, samples: samplesAt([3600, 3610]) });
    assert.deepEqual(points.map(({ x }) => x), [plot.left, plot.right]);
});

test("nothing, one sample and a narrow place break nothing", () => {
    for (const seconds of [[], [0], [7]]) {
        for (const width of [1, 60, 358]) {
            const geometry = chartGeometry({ ...SIZE, width, durationSeconds: 0, samples: samplesAt(seconds) });
            const numbers = JSON.stringify(geometry).match(/null|NaN/g);
            assert.equal(numbers, null, `${seconds} in ${width}`);
        }
    }
});
