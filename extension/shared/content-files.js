// @ts-check
/** The content scripts in the order of their injection: each needs the earlier ones. */
export const CONTENT_FILES = Object.freeze([
    "reading-problem", "page-link", "waits", "videos", "find-videos", "around-video",
    "badge-place", "look-budget", "badge-position", "badge-look", "badge-menu", "badge-guard", "badge", "badge-layer",
    "frame-plan", "draw-frame", "seek-frames", "watch-frames", "pieces", "read-frames", "media-type", "read-file", "clip-port",
    "video-deeds", "main",
].map((name) => `content/${name}.js`));
