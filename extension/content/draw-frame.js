// @ts-check
"use strict";
var whorl = whorl || {};

/** Draws what a video shows. */
whorl.FrameDrawer = class FrameDrawer {
    static QUALITY = 0.92;
    static SAMPLE = { width: 64, height: 36 };

    #canvas = new OffscreenCanvas(1, 1);
    #context = FrameDrawer.#contextOf(this.#canvas);
    #sample = FrameDrawer.#contextOf(new OffscreenCanvas(FrameDrawer.SAMPLE.width, FrameDrawer.SAMPLE.height));

    /** @param {HTMLVideoElement} video */
    constructor(video) {
        this.video = video;
    }

    /**
     * The frame that the video shows now. It is drawn before this comes back, and compressed after.
     * @param {number} seconds
     * @returns {Promise<DrawnFrame>}
     * @throws {InstanceType<typeof whorl.ReadingProblem>}  `tainted`: the picture is from elsewhere, and must not be read
     */
    async draw(seconds) {
        const { width, height } = whorl.framePlan.frameSize(this.video.videoWidth, this.video.videoHeight);
        // The size follows the video's: a player may change its quality as it plays.
        if (this.#canvas.width !== width) this.#canvas.width = width;
        if (this.#canvas.height !== height) this.#canvas.height = height;
        try {
            this.#context.drawImage(this.video, 0, 0, width, height);
            const spread = this.#spread();
            const picture = await this.#canvas.convertToBlob({ type: "image/jpeg", quality: FrameDrawer.QUALITY });
            return { seconds: whorl.framePlan.toMilliseconds(seconds), picture, spread };
        } catch (error) {
            if (error instanceof DOMException && error.name === "SecurityError") throw new whorl.ReadingProblem("tainted", error.message);
            throw error;
        }
    }

    #spread() {
        const { width, height } = FrameDrawer.SAMPLE;
        this.#sample.drawImage(/** @type {CanvasImageSource} */ (/** @type {unknown} */ (this.#canvas)), 0, 0, width, height);
        return whorl.framePlan.lumaSpread(this.#sample.getImageData(0, 0, width, height).data);
    }

    /** @param {OffscreenCanvas} canvas */
    static #contextOf(canvas) {
        // What is read back often is drawn without the graphics card.
        const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
        if (!context) throw new whorl.ReadingProblem("reading_failed", "the browser gives no canvas");
        return context;
    }
};
