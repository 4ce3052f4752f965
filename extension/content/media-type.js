// @ts-check
"use strict";
var whorl = whorl || {};

/** What a file's first bytes show it to be. */
whorl.mediaType = (() => {
    /** So many bytes are looked at. */
    const HEAD_BYTES = 400;
    const TAKEN = /^(video\/.+|application\/(octet-stream|mp4|ogg|mxf|x-matroska)|binary\/octet-stream|image\/gif|)$/;
    const PLAYLISTS = /mpegurl|dash\+xml/;
    const PICTURE_BRANDS = ["avif", "avis", "heic", "heix", "heim", "heis", "mif1", "msf1"];

    /**
     * Whether a server that declares this may have sent a video. Playlists of streams are texts.
     * @param {string | null} contentType
     */
    function mayBeVideo(contentType) {
        const declared = (contentType ?? "").split(";")[0].trim().toLowerCase();
        return TAKEN.test(declared) && !PLAYLISTS.test(declared);
    }

    /**
     * The media type of a video that begins like this, one that the gateway takes; null where it is none.
     * @param {Uint8Array} head
     * @returns {string | null}
     */
    function typeOf(head) {
        const text = String.fromCharCode(...head.subarray(0, HEAD_BYTES));
        const boxName = text.slice(4, 8);
        if (boxName === "ftyp") return ofBrand(text.slice(8, 12));
        if (["moov", "mdat", "wide", "free", "skip", "pnot"].includes(boxName)) return "video/quicktime";
        if (text.startsWith("\x1A\x45\xDF\xA3")) return text.slice(0, 64).includes("webm") ? "video/webm" : "video/x-matroska";
        if (text.startsWith("RIFF") && text.slice(8, 12) === "AVI ") return "video/x-msvideo";
        if (text.startsWith("OggS")) return "video/ogg";
        if (text.startsWith("\x00\x00\x01\xBA")) return "video/mp2p";
        if (text.startsWith("GIF87a") || text.startsWith("GIF89a")) return "image/gif";
        // A transport stream has nothing but its packets' first bytes.
        return head.length >= HEAD_BYTES && [0, 188, 376].every((offset) => head[offset] === 0x47) ? "video/mp2t" : null;
    }

    /** @param {string} brand */
    function ofBrand(brand) {
        if (PICTURE_BRANDS.includes(brand)) return null;
        return brand === "qt  " ? "video/quicktime" : "video/mp4";
    }

    return { mayBeVideo, typeOf };
})();
