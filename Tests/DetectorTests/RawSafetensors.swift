import Foundation
import NeuralCore

/// Safetensors bytes written without any check, for files of others and for broken ones.
struct RawSafetensors {
    let data: Data

    init(tensors: [(name: String, tensor: Tensor)]) {
        var members: [String] = []
        var body = Data()
        for (name, tensor) in tensors {
            let start = body.count
            tensor.withUnsafeBuffer { body.append(Data(buffer: $0)) }
            members.append("\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(tensor.shape),\"data_offsets\":[\(start),\(body.count)]}")
        }
        self.init(header: "{\(members.joined(separator: ","))}", body: body)
    }

    init(header: String, body: Data) {
        var data = Data()
        data.appendLittleEndian(UInt64(header.utf8.count))
        self.data = data + Data(header.utf8) + body
    }
}
