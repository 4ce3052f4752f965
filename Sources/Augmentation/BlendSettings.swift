import Video

/// How self-blended fakes are drawn: every probability and range. The defaults follow "Detecting Deepfakes with Self-Blended Images" (Shiohara and
/// Yamasaki 2022, arXiv:2204.08376) with shapes and compression of our own.
///
/// A range is written as `[least, most]`. What a file leaves out keeps its default; a name that is not known is an error, and so is a value that
/// makes no sense.
public struct BlendSettings: Codable, Sendable, Equatable {
    public var patch = Patch()
    public var hulls = Hulls()
    public var difference = Difference()
    public var placement = Placement()
    public var mask = Mask()
    public var photometric = Photometric()
    public var detail = Detail()
    public var compression = Compression()
    public var crop = FinalCrop()
    public var clip = Clip()

    public init() {}

    /// The square that is worked on.
    public struct Patch: Codable, Sendable, Equatable {
        /// Its side over the longer side of the face's box.
        public var scale = 1.75...1.9
        /// How often it is mirrored.
        public var flipChance = 0.5
        /// How often it is made smaller, as faces of small videos are, and by which factor.
        public var shrinkChance = 0.3
        public var shrink = 0.45...1.0
        /// Its side is kept within these many pixels.
        public var sidePixels = 64...512

        public init() {}
    }

    /// Which part of the face is blended. Shares are relative to each other.
    public struct Hulls: Codable, Sendable, Equatable {
        public var oval = 0.2
        public var jawAndBrows = 0.25
        public var innerFace = 0.15
        /// Eyes with brows, nose and mouth, each grown by `componentScale`.
        public var components = 0.1
        /// The oval with its forehead raised by `foreheadRaise` of the face's height.
        public var raisedForehead = 0.1
        public var lowerFace = 0.1
        /// The mouth, grown by `mouthScale`.
        public var mouth = 0.1
        public var componentScale = 1.25
        public var mouthScale = 1.2...1.7
        public var foreheadRaise = 0.05...0.2
        /// How often the mesh is left aside and an oval about the five landmarks taken, as it always is without a mesh.
        public var landmarkShare = 0.0
        /// Those ovals: the whole face, brows to chin, the inner face, the lower face, the mouth.
        public var landmarkShares = [0.3, 0.25, 0.15, 0.15, 0.15]

        public init() {}

        var shares: [Double] { [oval, jawAndBrows, innerFace, components, raisedForehead, lowerFace, mouth] }
    }

    /// How the blended face and its surroundings come to differ.
    public struct Difference: Codable, Sendable, Equatable {
        /// How often the surroundings are changed, and with them the real picture; else the face is.
        public var targetShare = 0.5
        public var color = ColorRanges(
            rgbChance: 0.3, hsvChance: 0.3, contrastChance: 0.5, brightness: 0.06, contrast: 0.1)
        /// How often the picture is made smaller and larger again; else it is sharpened.
        public var resampleShare = 0.5
        /// How often by one of `fixedFactors`; else by some factor in `factor`.
        public var fixedFactorShare = 0.5
        public var fixedFactors = [2.0, 4.0]
        public var factor = 1.2...3.0
        /// Unsharp masking's amount and its blur in pixels.
        public var sharpen = 0.8...2.0
        public var sharpenSigma = 1.0

        public init() {}
    }

    /// Where the face is laid, with its mask.
    public struct Placement: Codable, Sendable, Equatable {
        /// Parts of the longer side of the face's box, either way.
        public var shiftX = 0.03
        public var shiftY = 0.015
        public var scale = 0.95...1.05
        public var turnChance = 0.3
        /// Either way.
        public var turnDegrees = 3.0

        public init() {}
    }

    /// The edge of the blended part.
    public struct Mask: Codable, Sendable, Equatable {
        /// The elastic displacement: noise of ±`elasticStrength` blurred by `elasticSigma`, in pixels of a patch 300 wide.
        public var elasticStrength = 50.0
        public var elasticSigma = 7.0
        /// Side of the mask in pixels while it is blurred.
        public var sidePixels = 192...256
        /// Odd sides of the Gaussian that the mask is drawn in by: what stays below 1 after it becomes 0.
        public var firstKernel = 5...25
        /// Share of the outline that at least stays whole; a wider Gaussian is narrowed until it does.
        public var leastWhole = 0.4
        /// Odd sides and widths of the Gaussian that then softens it.
        public var secondKernel = 5...45
        public var secondSigma = 2.25...12.5
        /// What the mask is multiplied with, each as likely.
        public var ratios = [0.5, 0.75, 1, 1, 1]

        public init() {}
    }

    /// What real and fake get alike.
    public struct Photometric: Codable, Sendable, Equatable {
        public var chance = 0.5
        public var color = ColorRanges(
            rgbChance: 0.5, hsvChance: 0.3, contrastChance: 0.6, brightness: 0.18, contrast: 0.3)

        public init() {}
    }

    /// How fine details are, changed in real and fake alike: otherwise whatever is soft as a whole would look blended. What the shares leave stays as
    /// it is.
    public struct Detail: Codable, Sendable, Equatable {
        /// How often both are made smaller and larger again, by which factor.
        public var coarserShare = 0.15
        public var factor = 1.2...3.0
        /// How often both are sharpened.
        public var sharperShare = 0.05
        /// Unsharp masking's amount and its blur in pixels.
        public var sharpen = 0.4...1.5
        public var sharpenSigma = 1.0

        public init() {}
    }

    /// Compression that real and fake get alike; what the shares leave stays as it is.
    public struct Compression: Codable, Sendable, Equatable {
        public var h264Share = 0.5
        /// In clips this share goes to H.264.
        public var jpegShare = 0.25
        public var crf = 18...40
        public var jpegQuality = 40...99
        public var preset = H264RoundTrip.Preset.veryfast

        public init() {}
    }

    /// The square about the face that the network gets.
    public struct FinalCrop: Codable, Sendable, Equatable {
        /// Parts of the longer side of the face's box, on each side.
        public var margin = 0.05...0.2
        /// Of that side, either way.
        public var jitter = 0.04

        public init() {}
    }

    /// Colour changes; ± means either way.
    public struct ColorRanges: Codable, Sendable, Equatable {
        public var rgbChance: Double
        /// ± of 255, each channel by itself.
        public var rgb = 20.0
        public var hsvChance: Double
        /// ± degrees.
        public var hue = 10.8
        /// ± of 255.
        public var saturation = 10.0
        public var value = 25.0
        public var contrastChance: Double
        /// ± of the whole range, added.
        public var brightness: Double
        /// ± of 1, as a factor about the middle grey.
        public var contrast: Double

        public init(
            rgbChance: Double = 0, hsvChance: Double = 0, contrastChance: Double = 0, brightness: Double = 0, contrast: Double = 0
        ) {
            self.rgbChance = rgbChance
            self.hsvChance = hsvChance
            self.contrastChance = contrastChance
            self.brightness = brightness
            self.contrast = contrast
        }
    }
}
