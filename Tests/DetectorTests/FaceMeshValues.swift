import Foundation

/// What TensorFlow Lite's interpreter makes of the face mesh's network, from Tools/faces/make_mesh_reference.py.
struct FaceMeshValues: Decodable {
    /// The network's input as it is: a composed picture of 192×192, or seeded noise if there are no layers.
    struct Input: Decodable {
        let name: String
        let layers: [FaceValues.Layer]?
        /// 468 × 3 coordinates in pixels of the input, then the logit.
        let outputs: [Float]
    }

    /// The first face of a picture of `FaceValues`.
    struct Mesh: Decodable {
        let picture: String
        /// 468 × 2 coordinates in pixels of the picture.
        let points: [Float]
        let score: Float
    }

    static let extent = 192

    let seed: UInt64
    let inputs: [Input]
    let meshes: [Mesh]

    static func load() throws -> FaceMeshValues {
        try JSONDecoder().decode(FaceMeshValues.self, from: Data(contentsOf: Fixture.url("face-mesh-values.json")))
    }

    /// `[192, 192, 3]` values in 0…1.
    func values(of input: Input, faces: FaceValues) throws -> [Float] {
        let extent = FaceMeshValues.extent
        guard let layers = input.layers else {
            return SeededValues.uniform(seed: seed, name: input.name, count: extent * extent * 3).map { Float(($0 + 1) / 2) }
        }
        let picture = FaceValues.Picture(
            name: input.name, width: extent, height: extent, minimum: 40, layers: layers, checksum: 0, faces: [])
        return try faces.pixels(of: picture).map { Float($0) / 255 }
    }
}
