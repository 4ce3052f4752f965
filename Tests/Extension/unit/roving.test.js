// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { destination } from "../../../extension/look/roving.js";

test("arrows go to the next, Home and End to the ends, and stay within", () => {
    const keys = ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "Home", "End"];
    assert.deepEqual(keys.map((key) => destination(key, 2, 5, false)), [3, 3, 1, 1, 0, 4]);
    assert.deepEqual([destination("ArrowRight", 4, 5, false), destination("ArrowLeft", 0, 5, false)], [4, 0]);
});

test("left and right change places where writing runs from right to left", () => {
    assert.deepEqual([destination("ArrowLeft", 2, 5, true), destination("ArrowRight", 2, 5, true)], [3, 1]);
});

test("other keys mean nothing", () => {
    assert.equal(destination("a", 2, 5, false), -1);
});
