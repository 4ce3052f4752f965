// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { runContentScripts } from "./content-scripts.js";

const { LookBudget } = runContentScripts("look-budget");

function budgetAt(/** @type {number} */ start) {
    const clock = { now: start };
    return { clock, budget: new LookBudget(() => clock.now) };
}

test("the first look may be at once, the next after half a second", () => {
    const { clock, budget } = budgetAt(1000);
    assert.equal(budget.waitMilliseconds, 0);
    assert.ok(budget.isIdleLookDue);
    budget.noteWish();
    assert.equal(budget.waitMilliseconds, 500);
    clock.now += 400;
    assert.equal(budget.waitMilliseconds, 100);
});

test("a slice ends after some milliseconds, and a rest follows that is as long as it was dear", () => {
    const { clock, budget } = budgetAt(0);
    assert.equal(budget.isOpen, false);
    assert.equal(budget.begin(), true);
    assert.equal(budget.isOpen, true);
    clock.now += 100;
    assert.equal(budget.isOpen, false);
    budget.end(100);
    assert.equal(budget.restMilliseconds, 5000);
    assert.equal(budget.begin(), false);
    clock.now += 5000;
    assert.equal(budget.restMilliseconds, 0);
    assert.equal(budget.begin(), true);
});

test("where looks are dear they become seldom", () => {
    const { clock, budget } = budgetAt(0);
    budget.noteWish();
    budget.begin();
    clock.now += 20;
    budget.end(20);
    assert.equal(budget.waitMilliseconds, 980);
    clock.now += 2500;
    assert.equal(budget.isIdleLookDue, false);
    clock.now += 6000;
    assert.equal(budget.isIdleLookDue, true);
});
