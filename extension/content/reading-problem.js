// @ts-check
"use strict";
var whorl = whorl || {};

/** Why something could not be read, as the other side is told of it. */
whorl.ReadingProblem = class ReadingProblem extends Error {
    /**
     * @param {string} code  of an AnalysisProblem
     * @param {string} detail
     */
    constructor(code, detail) {
        super(detail || code);
        this.name = "ReadingProblem";
        this.code = code;
        this.detail = detail;
    }
};

/**
 * @param {unknown} error
 * @returns {import("../shared/types.js").AnalysisProblem}
 */
whorl.problemOf = (error) => {
    if (error instanceof whorl.ReadingProblem) return { code: error.code, detail: error.detail };
    return { code: "reading_failed", detail: String(error instanceof Error ? `${error.name}: ${error.message}` : error).slice(0, 500) };
};
