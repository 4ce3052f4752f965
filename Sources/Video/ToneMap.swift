import CLibav
import Glibc

/// Brings a picture of wider range or gamut to BT.709 as a display of 2020 shows it: for people's eyes and for a network that knows nothing else.
///
/// Light in units of the reference white (203 cd/m², ITU-R BT.2408): PQ by SMPTE ST 2084's EOTF, HLG by ITU-R BT.2100's inverse OETF and its OOTF
/// for 1,000 cd/m² (gamma 1.2), wide gamut without range by BT.1886. Then BT.2020's primaries become BT.709's (ITU-R BT.2087, negative parts
/// cut off). The largest part of a colour above 0.6 is bent towards 1 by 0.6 + 0.4·(1 − e^(−(x − 0.6) / 0.4)) and its other parts shrink with it.
/// Last, the inverse of BT.1886 (gamma 2.4).
struct ToneMap {
    enum Kind: Equatable {
        case perceptualQuantizer, hybridLogGamma, wideGamut

        /// nil for a frame that is BT.709 or near enough to it.
        init?(_ frame: UnsafeMutablePointer<AVFrame>) {
            switch frame.pointee.color_trc {
            case AVCOL_TRC_SMPTE2084: self = .perceptualQuantizer
            case AVCOL_TRC_ARIB_STD_B67: self = .hybridLogGamma
            default:
                guard frame.pointee.color_primaries == AVCOL_PRI_BT2020 else { return nil }
                self = .wideGamut
            }
        }
    }

    private static let referenceWhite: Float = 203
    private static let knee: Float = 0.6
    private static let steps = 4_096

    private let kind: Kind
    /// Light of a code value; before HLG's OOTF.
    private let light: [Float]
    /// 8-bit code of the square root of light, which spreads the dark ones.
    private let code: [UInt8]

    init(_ kind: Kind) {
        self.kind = kind
        let last = Float(Self.steps - 1)
        light = (0..<Self.steps).map { Self.light(Float($0) / last, kind) }
        code = (0..<Self.steps).map { UInt8((powf(Float($0) / last, 2 / 2.4) * 255).rounded()) }
    }

    /// Rewrites rows of 16-bit RGB as 8-bit RGB in the same place.
    func apply(to memory: UnsafeMutableRawPointer, stride: Int, width: Int, height: Int) {
        for y in 0..<height {
            let wide = (memory + y * stride).assumingMemoryBound(to: UInt16.self)
            let narrow = (memory + y * stride).assumingMemoryBound(to: UInt8.self)
            for x in 0..<width {
                // An 8-bit pixel ends before the 16-bit one that is read next.
                let mapped = display(
                    light[Int(wide[3 * x]) >> 4], light[Int(wide[3 * x + 1]) >> 4], light[Int(wide[3 * x + 2]) >> 4])
                narrow[3 * x] = mapped.0
                narrow[3 * x + 1] = mapped.1
                narrow[3 * x + 2] = mapped.2
            }
        }
    }

    private func display(_ r: Float, _ g: Float, _ b: Float) -> (UInt8, UInt8, UInt8) {
        var gain: Float = 1
        if kind == .hybridLogGamma {
            let luma = 0.2627 * r + 0.678 * g + 0.0593 * b
            gain = powf(max(luma, 1e-6), 0.2) * 1_000 / Self.referenceWhite
        }
        let red = max(0, (1.6605 * r - 0.5876 * g - 0.0728 * b) * gain)
        let green = max(0, (-0.1246 * r + 1.1329 * g - 0.0083 * b) * gain)
        let blue = max(0, (-0.0182 * r - 0.1006 * g + 1.1187 * b) * gain)
        let largest = max(red, green, blue)
        let bent = largest <= Self.knee
            ? largest : Self.knee + (1 - Self.knee) * (1 - expf(-(largest - Self.knee) / (1 - Self.knee)))
        let factor = largest > 0 ? bent / largest : 0
        func coded(_ value: Float) -> UInt8 {
            code[min(Self.steps - 1, Int((value * factor).squareRoot() * Float(Self.steps - 1) + 0.5))]
        }
        return (coded(red), coded(green), coded(blue))
    }

    private static func light(_ value: Float, _ kind: Kind) -> Float {
        switch kind {
        case .perceptualQuantizer:
            let (m1, m2): (Float, Float) = (0.159_301_76, 78.843_75)
            let (c1, c2, c3): (Float, Float, Float) = (0.835_937_5, 18.851_562_5, 18.687_5)
            let power = powf(value, 1 / m2)
            return powf(max(power - c1, 0) / (c2 - c3 * power), 1 / m1) * 10_000 / referenceWhite
        case .hybridLogGamma:
            let (a, b, c): (Float, Float, Float) = (0.178_832_77, 0.284_668_92, 0.559_910_73)
            return value <= 0.5 ? value * value / 3 : (expf((value - c) / a) + b) / 12
        case .wideGamut: return powf(value, 2.4)
        }
    }
}
