import Glibc

/// The trained model that comes with the code: what judges where nobody names another.
public enum ShippedModel {
    static let fileName = "models/whorl.safetensors"

    /// Where it is for the program that runs.
    public static var path: String? { path(from: ShippedWeights.programFolder()) }

    /// Where it is for a program in a folder: installed as `share/whorl/models` beside that folder, or `models` in a folder above the program, as in a
    /// source tree; nil if it is in neither.
    public static func path(from folder: String) -> String? {
        var candidates = ["\(folder)/../share/whorl/\(fileName)"]
        var parts = folder.split(separator: "/")
        while !parts.isEmpty {
            candidates.append("/" + parts.joined(separator: "/") + "/" + fileName)
            parts.removeLast()
        }
        return candidates.first { access($0, R_OK) == 0 }
    }
}
