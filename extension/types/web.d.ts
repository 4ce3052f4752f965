/** What browsers have and TypeScript 4.8 does not know yet. */
interface OffscreenCanvas extends EventTarget {
    width: number;
    height: number;
    getContext(kind: "2d", options?: CanvasRenderingContext2DSettings): (CanvasDrawImage & CanvasImageData) | null;
    convertToBlob(options?: { type?: string; quality?: number }): Promise<Blob>;
}

declare var OffscreenCanvas: { prototype: OffscreenCanvas; new (width: number, height: number): OffscreenCanvas };

type VideoFrameCallbackMetadata = VideoFrameMetadata;
