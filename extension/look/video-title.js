// @ts-check
/**
 * @typedef {import("../shared/types.js").VideoSource} VideoSource
 * @typedef {import("../shared/translate.js").Translator} Translator
 */

/**
 * What a video is called where it has no title: its file's name, or what kind of source it has.
 * @param {VideoSource} source
 * @param {Translator} translator
 */
export function videoTitle({ kind, url }, translator) {
    if (kind === "none") return translator.text("popup_video_nothing");
    return (kind === "http" && url && fileName(url)) || translator.text("popup_video_stream");
}

/** @param {string} url */
function fileName(url) {
    const name = url.replace(/[?#].*$/s, "").split("/").pop() ?? "";
    try {
        return decodeURIComponent(name);
    } catch {
        return name;
    }
}
