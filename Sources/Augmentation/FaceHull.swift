import Foundation
import NeuralCore

/// Which part of a face a fake takes: drawn once, then outlined on any face, so that all frames of a clip get the same.
struct FaceHull: Sendable {
    /// The part, of a face whose mesh is known.
    enum Part: CaseIterable {
        case oval, jawAndBrows, innerFace, components, raisedForehead, lowerFace, mouth
    }

    /// The part, of a face whose five landmarks are known: an oval about some of them.
    enum Oval: CaseIterable {
        case whole, browsToChin, inner, lower, mouth
    }

    private let part: Part
    private let componentScale: Double
    private let mouthScale: Double
    private let raise: Double
    private let prefersLandmarks: Bool
    private let oval: Oval
    /// Draws of 0…1 for where the oval lies, how wide and how high it is.
    private let shift: Double
    private let width: Double
    private let height: Double
    /// Of the superellipse |x|ⁿ + |y|ⁿ = 1.
    private let exponent: Double
    /// The oval's corners, in and out by these factors.
    private let dents: [Double]

    /// Everything is drawn, whether this part needs it or not: so what is drawn next never depends on the part.
    init(_ settings: BlendSettings.Hulls, random: inout SeededRandom) {
        part = Self.pick(Part.allCases, settings.shares, random: &random)
        componentScale = settings.componentScale
        mouthScale = random.uniform(settings.mouthScale)
        raise = random.uniform(settings.foreheadRaise)
        prefersLandmarks = random.chance(settings.landmarkShare)
        oval = Self.pick(Oval.allCases, settings.landmarkShares, random: &random)
        shift = random.uniform()
        width = random.uniform()
        height = random.uniform()
        exponent = random.uniform(2...2.6)
        dents = (0..<24).map { _ in random.uniform(0.95...1.05) }
    }

    private static func pick<Value>(_ values: [Value], _ shares: [Double], random: inout SeededRandom) -> Value {
        var rest = random.uniform() * shares.reduce(0, +)
        for (value, share) in zip(values, shares) where share > 0 {
            rest -= share
            if rest <= 0 { return value }
        }
        // Only rounding leads here.
        let last = shares.lastIndex { $0 > 0 } ?? 0
        return values[last]
    }

    /// The part's outline on a face: one or several polygons, in the points' own unit.
    func outline(landmarks: [SIMD2<Double>], mesh: [SIMD2<Double>]?) -> [ConvexPolygon] {
        guard let mesh, !prefersLandmarks else { return [ConvexPolygon(around: ovalPoints(landmarks))] }
        return groups(of: mesh).map(ConvexPolygon.init(around:))
    }

    private func groups(of mesh: [SIMD2<Double>]) -> [[SIMD2<Double>]] {
        func points(_ places: [Int]...) -> [SIMD2<Double>] { places.joined().map { mesh[$0] } }
        let (brows, eyes) = (MeshRegions.brows, MeshRegions.eyes)
        switch part {
        case .oval: return [points(MeshRegions.oval)]
        case .jawAndBrows: return [points(MeshRegions.jaw, brows[0], brows[1])]
        case .innerFace: return [points(brows[0], brows[1], eyes[0], eyes[1], MeshRegions.nose, MeshRegions.lips)]
        case .components:
            let parts = [points(brows[0], eyes[0]), points(brows[1], eyes[1]), points(MeshRegions.nose), points(MeshRegions.lips)]
            return parts.map { Self.grown($0, by: componentScale) }
        case .raisedForehead: return [raised(points(MeshRegions.oval), mesh: mesh)]
        case .lowerFace: return [points(MeshRegions.cheeks, MeshRegions.chin, MeshRegions.lips)]
        case .mouth: return [Self.grown(points(MeshRegions.lips), by: mouthScale)]
        }
    }

    private static func mean(_ points: [SIMD2<Double>]) -> SIMD2<Double> { points.reduce(.zero, +) / Double(points.count) }

    private static func grown(_ points: [SIMD2<Double>], by factor: Double) -> [SIMD2<Double>] {
        let middle = mean(points)
        return points.map { middle + ($0 - middle) * factor }
    }

    /// What lies above the eyes is lifted by a part of the face's height: a mesh ends below the hair.
    private func raised(_ oval: [SIMD2<Double>], mesh: [SIMD2<Double>]) -> [SIMD2<Double>] {
        let eyes = Self.mean(MeshRegions.eyes.joined().map { mesh[$0] })
        let axis = mesh[MeshRegions.foreheadTop] - mesh[MeshRegions.chinTip]
        let length = (axis * axis).sum().squareRoot()
        guard length > 0 else { return oval }
        let up = axis / length
        return oval.map { point in ((point - eyes) * up).sum() > 0 ? point + up * (length * raise) : point }
    }

    /// A dented superellipse. Its unit across is the distance of the eyes, upright that from the mouth to the eyes.
    private func ovalPoints(_ landmarks: [SIMD2<Double>]) -> [SIMD2<Double>] {
        let eyes = (landmarks[0] + landmarks[1]) / 2, mouth = (landmarks[3] + landmarks[4]) / 2
        let up = eyes - mouth
        var right = landmarks[1] - landmarks[0]
        let upLength = (up * up).sum().squareRoot(), rightLength = (right * right).sum().squareRoot()
        // In profile the eyes lie on one another, though the face stays wide.
        if rightLength < 0.6 * upLength { right *= 0.8 * upLength / max(rightLength, 1e-6) }
        func between(_ draw: Double, _ low: Double, _ high: Double) -> Double { low + (high - low) * draw }
        let middle = (eyes + mouth) / 2
        let center: SIMD2<Double>
        let half: SIMD2<Double>
        switch oval {
        case .whole: (center, half) = (middle + up * between(shift, 0, 0.15), [between(width, 0.85, 1.1), between(height, 0.95, 1.3)])
        case .browsToChin:
            (center, half) = (middle - up * between(shift, 0.1, 0.25), [between(width, 0.85, 1.05), between(height, 0.9, 1.1)])
        case .inner: (center, half) = (middle + up * between(shift, -0.1, 0.1), [between(width, 0.6, 0.8), between(height, 0.65, 0.85)])
        case .lower: (center, half) = (mouth - up * between(shift, -0.05, 0.15), [between(width, 0.6, 0.9), between(height, 0.4, 0.6)])
        case .mouth: (center, half) = (mouth, [between(width, 0.35, 0.5), between(height, 0.25, 0.4)])
        }
        return dents.enumerated().map { index, dent in
            let angle = 2 * Double.pi * Double(index) / Double(dents.count)
            func power(_ value: Double) -> Double { value < 0 ? -pow(-value, 2 / exponent) : pow(value, 2 / exponent) }
            return center + right * (power(cos(angle)) * half.x * dent) + up * (power(sin(angle)) * half.y * dent)
        }
    }
}
