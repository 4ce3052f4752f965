// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { Pictures } from "../../../extension/panel/pictures.js";

/** A source whose answers the test gives. */
class Source {
    /** @type {{link: string, resolve: (blob: Blob) => void, reject: (error: Error) => void}[]} */
    asked = [];

    /** @param {string} link */
    fetch = (link) => new Promise((/** @type {(blob: Blob) => void} */ resolve, reject) => {
        this.asked.push({ link, resolve, reject });
    });
}

/** Lets what is pending run. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a picture is fetched once, however often it is shown", async () => {
    const source = new Source();
    const pictures = new Pictures(source.fetch);
    const urls = Promise.all([pictures.url("/a"), pictures.url("/a")]);
    await settled();
    source.asked[0].resolve(new Blob(["a"]));
    const [one, other] = await urls;
    assert.equal(one, other);
    assert.match(one, /^blob:/);
    assert.equal(source.asked.length, 1);
    pictures.close();
});

test("four at a time, the others in turn", async () => {
    const source = new Source();
    const pictures = new Pictures(source.fetch);
    const all = Promise.all(["/0", "/1", "/2", "/3", "/4", "/5"].map((link) => pictures.url(link)));
    await settled();
    assert.deepEqual(source.asked.map(({ link }) => link), ["/0", "/1", "/2", "/3"]);
    source.asked[2].resolve(new Blob());
    await settled();
    assert.deepEqual(source.asked.map(({ link }) => link), ["/0", "/1", "/2", "/3", "/4"]);
    for (let index = 0; index < 6; index += 1) {
        source.asked[index].resolve(new Blob());
        await settled();
    }
    assert.equal((await all).length, 6);
    pictures.close();
});

test("one that failed can be asked for again, and holds nobody up", async () => {
    const source = new Source();
    const pictures = new Pictures(source.fetch);
    const failing = pictures.url("/a");
    await settled();
    source.asked[0].reject(new Error("no answer"));
    await assert.rejects(failing, /no answer/);
    const again = pictures.url("/a");
    await settled();
    source.asked[1].resolve(new Blob());
    assert.match(await again, /^blob:/);
    pictures.close();
});

test("after the end nobody waits, and nothing more is fetched", async () => {
    const source = new Source();
    const pictures = new Pictures(source.fetch);
    const asked = ["/0", "/1", "/2", "/3", "/4"].map((link) => pictures.url(link));
    await settled();
    pictures.close();
    const late = assert.rejects(asked[4], /given back/);
    for (const { resolve } of source.asked) resolve(new Blob());
    await late;
    await Promise.all(asked.slice(0, 4).map((each) => assert.rejects(each, /given back/)));
    assert.equal(source.asked.length, 4);
});
