import Detector
import JobModel
import Video

/// Finds the faces of decoded frames and cuts them out for a network.
public final class FaceFinder: Sendable {
    /// Longest side, in pixels, of the pictures that faces are looked for in.
    static let pictureSide = 1_920
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

    /// Looks at one frame: `picture` for the faces, `shown` for what people see of it.
    ///
    /// Works on the calling thread for some tens of milliseconds. Where there is no face of a size to judge it looks for smaller ones too, as far
    /// as the budget goes: that takes longer, and only tells whether nobody is there or somebody too far away.
    func find(in picture: PictureView, shown: PictureView, budget: FaceSearchBudget) -> FaceFrame {
        let smallest = Self.smallestFace(width: picture.width, height: picture.height)
        var faces = detect(picture, minimum: Int(smallest))
        if faces.isEmpty, budget.takeSmallSearch() { faces = detect(picture, minimum: Int(smallest / 2)) }
        let sightings = faces.prefix(Self.mostFaces).map { face in
            FaceSighting(face, in: picture, rule: rule, smallest: smallest)
        }
        return FaceFrame(
            picture: shown.copied(), pictureScale: Double(shown.width) / Double(picture.width), faces: Array(sightings))
    }

    private func detect(_ picture: PictureView, minimum: Int) -> [DetectedFace] {
        detector.detect(
            pixels: picture.pixels, width: picture.width, height: picture.height, rowBytes: picture.rowBytes,
            minimumFacePixels: minimum)
    }
}

/// What is kept of a frame whose faces are judged.
package struct FaceFrame: Sendable {
    /// The frame at display aspect, for people.
    package let picture: RGBImage
    /// Pixels of `picture` for one of those that faces were found in.
    package let pictureScale: Double
    package let faces: [FaceSighting]

    package init(picture: RGBImage, pictureScale: Double, faces: [FaceSighting]) {
        self.picture = picture
        self.pictureScale = pictureScale
        self.faces = faces
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

    package init(box: Verdict.Box, crop: FaceCrop, input: RGBImage, flaw: Verdict.Reason?) {
        self.box = box
        self.crop = crop
        self.input = input
        self.flaw = flaw
    }

    init(_ face: DetectedFace, in picture: PictureView, rule: FaceCropRule, smallest: Double) {
        let (width, height) = (Double(picture.width), Double(picture.height))
        box = Verdict.Box(
            x: Double(face.x) / width, y: Double(face.y) / height, width: Double(face.width) / width,
            height: Double(face.height) / height, score: Double(face.score))
        crop = FaceCrop(face, rule: rule)
        input = crop.cut(from: picture, pixels: ResNetDetector.inputSize)
        let quality = FaceQuality(
            of: face, pixels: picture.pixels, width: picture.width, height: picture.height, rowBytes: picture.rowBytes)
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
