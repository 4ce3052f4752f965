import NeuralCore

/// The parameters of MTCNN's three nets, by their names in facenet-pytorch prefixed with the net's.
struct FaceDetectorWeights {
    static let fileName = "face-detector.safetensors"

    let tensors: [String: Tensor]

    /// Reads the file at `path`, or the one that belongs to the program; throws unless it holds the three nets' tensors and no others.
    init(path: String?) throws(FaceDetectorError) {
        guard let place = path ?? ShippedWeights.path(of: FaceDetectorWeights.fileName) else {
            throw .weightsMissing(folder: ShippedWeights.programFolder())
        }
        do throws(CheckpointError) {
            tensors = try ShippedWeights.tensors(at: place, shapes: FaceNet.shapes)
        } catch {
            throw .weights(error)
        }
    }
}
