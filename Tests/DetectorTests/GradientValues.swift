import Detector
import Foundation
import NeuralCore

/// The values that Tools/reference/make_gradient_values.py stored.
struct GradientValues: Decodable {
    struct Sample: Decodable {
        let name: String
        let norm: Double
        let indices: [Int]
        let values: [Double]

        /// How far a tensor is from the stored one: the difference's norm over the values' on the places that were stored.
        func distance(_ computed: (_ index: Int) -> Double) -> Double {
            var (difference, size) = (0.0, 0.0)
            for (index, value) in zip(indices, values) {
                difference += (computed(index) - value) * (computed(index) - value)
                size += value * value
            }
            return (difference / max(size, 1e-30)).squareRoot()
        }
    }

    struct Form: Decodable {
        let form: String
        let pictureSeed: UInt64
        let logits: [Double]
        let losses: [Double]
        let gradients: [Sample]
        let updates: [Sample]
        let statistics: [Sample]?
    }

    let pictures: Int
    let forms: [Form]

    static func load() throws -> GradientValues {
        guard let url = Bundle.module.url(forResource: "gradient-values", withExtension: "json", subdirectory: "Fixtures") else {
            throw CocoaError(.fileNoSuchFile)
        }
        return try JSONDecoder().decode(GradientValues.self, from: Data(contentsOf: url))
    }

    /// `[pictures, 224, 224, 3]`: squares of 32 pixels with noise on them.
    func rgb(_ form: Form) -> [UInt8] {
        let (size, squares) = (224, 7)
        let coarse = SeededValues.uniform(seed: form.pictureSeed, name: "coarse pictures", count: pictures * squares * squares * 3)
        let fine = SeededValues.uniform(seed: form.pictureSeed, name: "fine pictures", count: pictures * size * size * 3)
        return fine.indices.map { index in
            let (channel, x, y, picture) = (index % 3, index / 3 % size, index / 3 / size % size, index / 3 / size / size)
            let square = ((picture * squares + y / 32) * squares + x / 32) * 3 + channel
            return UInt8(max(0, min(255, (128 + 90 * coarse[square] + 30 * fine[index]).rounded(.down))))
        }
    }
}
