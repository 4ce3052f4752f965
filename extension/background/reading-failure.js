// @ts-check
/** Why a way to a video's picture did not do. */
export class ReadingFailure extends Error {
    /**
     * @param {string} code  of an AnalysisProblem
     * @param {string} [detail]
     */
    constructor(code, detail = "") {
        super(`${code}: ${detail}`);
        this.name = "ReadingFailure";
        /** @type {import("../shared/types.js").AnalysisProblem} */
        this.problem = { code, detail: detail.slice(0, 500) };
    }
}

/**
 * @param {unknown} error
 * @param {string} [code]  for errors that say nothing themselves
 * @returns {ReadingFailure}
 */
export function asReadingFailure(error, code = "reading_failed") {
    if (error instanceof ReadingFailure) return error;
    const isFull = error instanceof Error && error.name === "QuotaExceededError";
    return new ReadingFailure(isFull ? "storage_full" : code, error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}
