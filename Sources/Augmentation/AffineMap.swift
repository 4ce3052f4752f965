import Foundation

/// A map of the plane, (x, y) → (xx · x + xy · y + x₀, yx · x + yy · y + y₀), on points counted in pixels.
package struct AffineMap: Sendable, Equatable {
    package var xx = 1.0, xy = 0.0, x = 0.0
    package var yx = 0.0, yy = 1.0, y = 0.0

    /// The map that changes nothing.
    package init() {}

    /// A turn by `angle` radians (clockwise as seen) and a scaling about `center`, then a shift.
    package init(angle: Double = 0, scale: Double = 1, about center: SIMD2<Double>, shift: SIMD2<Double> = .zero) {
        xx = scale * cos(angle)
        xy = -scale * sin(angle)
        yx = scale * sin(angle)
        yy = scale * cos(angle)
        x = center.x - xx * center.x - xy * center.y + shift.x
        y = center.y - yx * center.x - yy * center.y + shift.y
    }

    /// The turn, scaling and shift that bring `points` nearest to `targets`, in the mean of squares (Umeyama 1991, in the plane); nil without extent.
    package init?(from points: [SIMD2<Double>], to targets: [SIMD2<Double>]) {
        precondition(points.count == targets.count, "a target for each point")
        guard !points.isEmpty else { return nil }
        let from = points.reduce(.zero, +) / Double(points.count), to = targets.reduce(.zero, +) / Double(points.count)
        var along = 0.0, across = 0.0, size = 0.0
        for (point, target) in zip(points, targets) {
            let (p, q) = (point - from, target - to)
            along += p.x * q.x + p.y * q.y
            across += p.x * q.y - p.y * q.x
            size += p.x * p.x + p.y * p.y
        }
        guard size > 1e-6, along * along + across * across > 1e-12 else { return nil }
        xx = along / size
        xy = -across / size
        yx = across / size
        yy = along / size
        x = to.x - xx * from.x - xy * from.y
        y = to.y - yx * from.x - yy * from.y
    }

    package func callAsFunction(_ point: SIMD2<Double>) -> SIMD2<Double> {
        SIMD2(xx * point.x + xy * point.y + x, yx * point.x + yy * point.y + y)
    }

    /// The map that undoes this one, which must keep areas apart from 0.
    package var inverse: AffineMap {
        let determinant = xx * yy - xy * yx
        precondition(determinant != 0, "a map onto a line cannot be undone")
        var map = AffineMap()
        map.xx = yy / determinant
        map.xy = -xy / determinant
        map.yx = -yx / determinant
        map.yy = xx / determinant
        map.x = -(map.xx * x + map.xy * y)
        map.y = -(map.yx * x + map.yy * y)
        return map
    }

    /// First this map, then another.
    package func then(_ next: AffineMap) -> AffineMap {
        var map = AffineMap()
        map.xx = next.xx * xx + next.xy * yx
        map.xy = next.xx * xy + next.xy * yy
        map.yx = next.yx * xx + next.yy * yx
        map.yy = next.yx * xy + next.yy * yy
        let origin = next(SIMD2(x, y))
        map.x = origin.x
        map.y = origin.y
        return map
    }
}
