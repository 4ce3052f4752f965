import Detector
import JobModel
import Video

/// Finds the faces of decoded frames and cuts them out for a network.
public final class FaceFinder: Sendable {
    /// Longest side, in pixels, of the pictures that faces are looked for in.
    package static let pictureSide = 1_920
    /// A face smaller than this, at 1,080 lines, shows too little of what a fake gets wrong; smaller pictures have smaller faces, down to the floor.
    static let smallestAt1080 = 40.0
    static let smallestFloor = 32.0
    /// More faces of a frame are not looked at.
    private static let mostFaces = 16

    private let detector: FaceDetector
    private let rule: FaceCropRule

    /// Loads the face detector's weights that lie beside the program; `rule` is the model's.
    public init(rule: FaceCropRule) throws(FaceDetectorError) {
        detector = try FaceDetector()
        self.rule = rule
    }

    /// The shortest side of a face, in pixels of a picture, that can be judged.
    static func smallestFace(width: Int, height: Int) -> Double {
        max(smallestFloor, smallestAt1080 * Double(min(width, height, 1_080)) / 1_080)
    }

    /// Whether a sample's frame is searched for the smallest faces that can be judged, and for smaller ones still where it has none: one in four. It
    /// depends on the sample alone, so that a clip's verdict is the same whatever decodes its frames first.
    package static func isThorough(sample: Int) -> Bool { sample % 4 == 0 }

    /// Whether somebody in the clip is seen at a size that only thorough searches find: then all frames have to be searched like that.
    static func needsAnotherLook(_ frames: [SampledFrame<FaceFrame>]) -> Bool {
        needsAnotherLook(frames.map(\.kept.search))
    }

    package static func needsAnotherLook(_ searches: [FaceSearchDepth]) -> Bool {
        searches.contains { !$0.isThorough } && searches.contains { $0.isThorough && $0.hasModestFaces }
    }

    /// Looks at one frame: `picture` for the faces, `shown` for what people see of it.
    ///
    /// Works on the calling thread for some tens of milliseconds.
    package func find(in picture: PictureView, shown: PictureView, sample: Int, isThorough: Bool) -> FaceFrame {
        let (faces, search) = look(at: picture, sample: sample, isThorough: isThorough)
        return FaceFrame(
            picture: shown.copied(), pictureScale: Double(shown.width) / Double(picture.width), faces: faces, search: search)
    }

    /// The faces of a picture, the largest first.
    ///
    /// Works on the calling thread for some tens of milliseconds. Most of them go to the smallest faces, so a frame that is not searched thoroughly
    /// is searched for faces of twice that size first, and thoroughly when it has none.
    package func look(at picture: PictureView, sample: Int, isThorough: Bool) -> (faces: [FaceSighting], search: FaceSearchDepth) {
        let smallest = Self.smallestFace(width: picture.width, height: picture.height)
        var isThorough = isThorough
        var faces: [DetectedFace] = []
        if !isThorough {
            faces = detect(picture, minimum: Int(2 * smallest))
            isThorough = faces.isEmpty
        }
        if isThorough {
            faces = detect(picture, minimum: Int(smallest))
            // Whether nobody is there or somebody too far away.
            if faces.isEmpty, Self.isThorough(sample: sample) { faces = detect(picture, minimum: Int(smallest / 2)) }
        }
        let sightings = faces.prefix(Self.mostFaces).map { FaceSighting($0, in: picture, rule: rule, smallest: smallest) }
        let modest = faces.contains { (Float(smallest)..<Float(2 * smallest)).contains(max($0.width, $0.height)) }
        return (Array(sightings), FaceSearchDepth(isThorough: isThorough, hasModestFaces: modest))
    }

    private func detect(_ picture: PictureView, minimum: Int) -> [DetectedFace] {
        detector.detect(
            pixels: picture.pixels, width: picture.width, height: picture.height, rowBytes: picture.rowBytes,
            minimumFacePixels: minimum)
    }
}

/// How a frame was searched for faces.
package struct FaceSearchDepth: Sendable {
    /// Whether it was searched for the smallest faces that can be judged.
    let isThorough: Bool
    /// Whether it has faces of a size that a search which is not thorough may miss.
    let hasModestFaces: Bool
}

/// What is kept of a frame whose faces are judged.
package struct FaceFrame: Sendable {
    /// The frame at display aspect, for people.
    package let picture: RGBImage
    /// Pixels of `picture` for one of those that faces were found in.
    package let pictureScale: Double
    package let faces: [FaceSighting]
    let search: FaceSearchDepth

    package init(picture: RGBImage, pictureScale: Double, faces: [FaceSighting]) {
        self.init(
            picture: picture, pictureScale: pictureScale, faces: faces, search: FaceSearchDepth(isThorough: true, hasModestFaces: false))
    }

    init(picture: RGBImage, pictureScale: Double, faces: [FaceSighting], search: FaceSearchDepth) {
        self.picture = picture
        self.pictureScale = pictureScale
        self.faces = faces
        self.search = search
    }
}

/// A face in a frame.
package struct FaceSighting: Sendable {
    /// Relative to the frame.
    package let box: Verdict.Box
    /// In the picture that it was found in.
    package let crop: FaceCrop
    /// What the network sees: RGB of 224 × 224 pixels.
    package let input: RGBImage
    /// Why it is not judged; nil if it can be.
    package let flaw: Verdict.Reason?
    /// As it was found; nil where only the network's input is known.
    package let face: DetectedFace?
    /// Of what the network sees.
    package let quality: FaceQuality?

    package init(box: Verdict.Box, crop: FaceCrop, input: RGBImage, flaw: Verdict.Reason?) {
        face = nil
        quality = nil
        self.box = box
        self.crop = crop
        self.input = input
        self.flaw = flaw
    }

    init(_ face: DetectedFace, in picture: PictureView, rule: FaceCropRule, smallest: Double) {
        let (width, height) = (Double(picture.width), Double(picture.height))
        self.face = face
        box = Verdict.Box(
            x: Double(face.x) / width, y: Double(face.y) / height, width: Double(face.width) / width,
            height: Double(face.height) / height, score: Double(face.score))
        crop = FaceCrop(face, rule: rule)
        let input = crop.cut(from: picture, pixels: ResNetDetector.inputSize)
        self.input = input
        // Of what the network sees: the face's box is the middle of it.
        let side = Float(input.width) / Float(rule.scale), margin = (Float(input.width) - side) / 2
        let quality = input.pixels.withUnsafeBytes { pixels in
            FaceQuality(
                pixels: pixels, width: input.width, height: input.height, rowBytes: input.width * 3, x: margin, y: margin,
                boxWidth: side, boxHeight: side)
        }
        self.quality = quality
        flaw = Double(max(face.width, face.height)) < smallest ? .tooSmall : quality?.flaw
    }
}

extension FaceQuality {
    // Both were chosen on talking heads that were darkened and blurred until their features could hardly be told.
    /// Below this mean luma a face is too dark to judge.
    static let darkestLuma: Float = 24
    /// Below this variance of the Laplacian a face is too blurred to judge.
    static let leastSharpness: Float = 20

    /// Why a face that looks like this is not judged; nil if it can be.
    package var flaw: Verdict.Reason? {
        if meanLuma < Self.darkestLuma { return .tooDark }
        return sharpness < Self.leastSharpness ? .tooBlurred : nil
    }
}
