// What the pages of this folder share: videos made as the address's query says.
"use strict";

const query = new URLSearchParams(location.search);

/** The address of a clip; whatever else the query holds is handed on to the server. */
function clipAddress(name, { origin = "", folder = "clips", ...more } = {}) {
    const passedOn = new URLSearchParams();
    for (const key of ["tag", "hold", "as", "bytes"]) {
        if (query.has(key)) passedOn.set(key, query.get(key));
    }
    for (const [key, value] of Object.entries(more)) passedOn.set(key, value);
    return `${origin}/${folder}/${name}${passedOn.size ? `?${passedOn}` : ""}`;
}

/** A video as players make them: muted, so that it may play by itself. */
function makeVideo(address, { width = 480, height = 270 } = {}) {
    const video = document.createElement("video");
    video.width = width;
    video.height = height;
    video.controls = true;
    video.muted = true;
    video.loop = true;
    video.playsInline = true;
    if (address) video.src = address;
    if (query.has("plays")) video.autoplay = true;
    return video;
}

/** Plays a fragmented clip through MediaSource, as players that stream do. */
async function stream(video, address, mediaType = "video/mp4; codecs=\"avc1.42C015\"") {
    const source = new MediaSource();
    video.src = URL.createObjectURL(source);
    await new Promise((resolve) => source.addEventListener("sourceopen", resolve, { once: true }));
    const bytes = await (await fetch(address)).arrayBuffer();
    const buffer = source.addSourceBuffer(mediaType);
    buffer.appendBuffer(bytes);
    await new Promise((resolve) => buffer.addEventListener("updateend", resolve, { once: true }));
    source.endOfStream();
}
