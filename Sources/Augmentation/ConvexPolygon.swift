/// The smallest convex polygon about some points.
package struct ConvexPolygon: Sendable, Equatable {
    /// Its corners in order around it; fewer than three if the points lie on a line.
    package let corners: [SIMD2<Double>]

    /// The hull of points (Andrew's monotone chain, 1979).
    package init(around points: [SIMD2<Double>]) {
        let sorted = points.sorted { $0.x != $1.x ? $0.x < $1.x : $0.y < $1.y }
        guard sorted.count > 2 else {
            corners = sorted
            return
        }
        func chain(_ points: some Sequence<SIMD2<Double>>) -> [SIMD2<Double>] {
            var chain: [SIMD2<Double>] = []
            for point in points {
                while chain.count >= 2 {
                    let a = chain[chain.count - 1] - chain[chain.count - 2], b = point - chain[chain.count - 2]
                    if a.x * b.y - a.y * b.x > 0 { break }
                    chain.removeLast()
                }
                chain.append(point)
            }
            return chain.dropLast()
        }
        corners = chain(sorted) + chain(sorted.reversed())
    }

    /// Sets the pixels whose middles lie inside to 1, in a mask.
    package func fill(_ mask: inout FloatPicture) {
        precondition(mask.channels == 1, "polygons are filled in masks")
        guard corners.count >= 3 else { return }
        let (width, height) = (mask.width, mask.height)
        let top = corners.map(\.y).min() ?? 0, bottom = corners.map(\.y).max() ?? 0
        let first = Int(min(max(top - 0.5, 0), Double(height)).rounded(.up)), last = Int(min(max(bottom + 0.5, 0), Double(height)))
        guard first < last else { return }
        for row in first..<last {
            let y = Double(row) + 0.5
            var left = Double.infinity, right = -Double.infinity
            for index in corners.indices {
                let a = corners[index], b = corners[(index + 1) % corners.count]
                guard (a.y <= y) != (b.y <= y) else { continue }
                let x = a.x + (b.x - a.x) * (y - a.y) / (b.y - a.y)
                left = min(left, x)
                right = max(right, x)
            }
            let from = Int(min(max(left - 0.5, 0), Double(width)).rounded(.up)), to = Int(min(max(right + 0.5, 0), Double(width)))
            for column in from..<max(from, to) { mask.storage[row * width + column] = 1 }
        }
    }
}
