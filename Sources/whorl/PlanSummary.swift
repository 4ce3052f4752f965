import Foundation
import NeuralCore

/// What `whorl model inspect --plan` shows.
struct PlanSummary: Encodable {
    struct Layer: Encodable {
        var name: String
        /// `[outChannels, inChannels, kernel, kernel]`.
        var weights: [Int]
        var stride: Int
        /// `[outChannels, height, width]` of one frame.
        var output: [Int]
        var method: String
        /// By this method for one frame.
        var multiplications: Int
        /// By the definition.
        var directMultiplications: Int
        var packedBytes: Int
    }

    var precision: String
    var kernels: String
    var layers: [Layer]
    var multiplications: Int
    var directMultiplications: Int
    var packedBytes: Int

    init(_ plan: NetworkPlan) {
        precision = plan.selection.precision.rawValue
        kernels = plan.selection.kernels.rawValue
        layers = plan.layers.map { layer in
            let shape = layer.shape
            return Layer(
                name: layer.name, weights: [shape.outChannels, shape.inChannels, shape.kernel, shape.kernel],
                stride: shape.stride, output: [shape.outChannels, shape.outHeight, shape.outWidth],
                method: "\(layer.method)", multiplications: layer.multiplications,
                directMultiplications: shape.multiplications, packedBytes: layer.weightBytes)
        }
        multiplications = layers.reduce(0) { $0 + $1.multiplications }
        directMultiplications = layers.reduce(0) { $0 + $1.directMultiplications }
        packedBytes = plan.weightBytes
    }

    var text: String {
        let rows = layers.map { layer in
            let convolution = "\(layer.weights[1]) to \(layer.weights[0]), \(layer.weights[2])x\(layer.weights[3])"
                + (layer.stride == 1 ? "" : " / \(layer.stride)")
            return [
                layer.name, convolution, "\(layer.output[1])x\(layer.output[2])", layer.method,
                millions(layer.multiplications), megabytes(layer.packedBytes),
            ]
        }
        let total = [
            "all", "", "", "\(millions(directMultiplications)) M by definition", millions(multiplications),
            megabytes(packedBytes),
        ]
        let table = [["layer", "convolution", "output", "method", "M MACs", "packed MB"]] + rows + [total]
        let widths = table[0].indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        let lines = table.map { row in
            row.enumerated().map { column, text in
                column < 4 ? text.padded(right: widths[column]) : text.padded(left: widths[column])
            }.joined(separator: "  ")
        }
        return (["\(precision) on \(kernels); for one frame:"] + lines).joined(separator: "\n")
    }

    private func millions(_ count: Int) -> String { (Double(count) / 1e6).text(1) }
    private func megabytes(_ bytes: Int) -> String { (Double(bytes) / 1e6).text(2) }
}
