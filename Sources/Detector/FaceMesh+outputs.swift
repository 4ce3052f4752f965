import NeuralCore

extension FaceMesh {
    /// What the network gives for `[192, 192, 3]` values in 0…1: three coordinates of each point, in pixels of that picture, then the logit of
    /// there being a face.
    package func outputs(of picture: [Float]) -> [Float] {
        let rowFloats = 3 * FaceMeshNetwork.extent
        precondition(picture.count == FaceMeshNetwork.extent * rowFloats, "\(picture.count) values")
        return run { row, destination in
            picture.withUnsafeBufferPointer { values in
                guard let values = values.baseAddress else { return }
                destination.update(from: values + row * rowFloats, count: rowFloats)
            }
        } then: { Array($0.prefix(FaceMeshNetwork.presencePlace + 1)) }
    }
}
