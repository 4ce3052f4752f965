import Evaluation
import Foundation

/// A folder of clips whose labels are known: `real/` and `fake/` in it, with files at any depth.
struct LabelledFolder {
    /// What a clip is told by; anything else beside the clips (notes, lists) is left alone and counted.
    private static let extensions: Set = [
        "mp4", "m4v", "mov", "mkv", "webm", "avi", "mpg", "mpeg", "ts", "mts", "m2ts", "gif", "ogv", "ogg", "mjpeg", "mjpg", "3gp", "flv", "wmv",
    ]

    let clips: [EvaluationClip]
    /// Files that are no clips by their names.
    let ignored: Int

    /// - Parameter pattern: its matches in a file's name are the identities that the clip shows; clips that share one are of one group.
    init(path: String, pattern: Regex<AnyRegexOutput>) throws(CommandFailure) {
        var clips: [EvaluationClip] = []
        var ignored = 0
        var identities: [[String]] = []
        var groups = IdentityGroups()
        for label in EvaluationClip.Label.allCases {
            let folder = "\(path)/\(label.rawValue)"
            for name in try Self.files(in: folder, root: path) {
                guard Self.extensions.contains(URL(fileURLWithPath: name).pathExtension.lowercased()) else {
                    ignored += 1
                    continue
                }
                let stem = URL(fileURLWithPath: name).deletingPathExtension().lastPathComponent
                let method = label == .real ? "real" : Self.method(of: name)
                let found = stem.matches(of: pattern).map { match in
                    // The first capture where the pattern has one.
                    String((match.output.count > 1 ? match.output[1].substring : nil) ?? stem[match.range])
                }
                let own = found.isEmpty ? [Self.withoutMethod(stem, label: label)] : found
                groups.join(own)
                identities.append(own)
                clips.append(EvaluationClip(path: "\(folder)/\(name)", name: "\(label.rawValue)/\(name)", label: label, method: method, group: ""))
            }
        }
        for place in clips.indices { clips[place].group = groups.group(of: identities[place][0]) }
        self.clips = clips
        self.ignored = ignored
    }

    /// The folder that a fake lies in below `fake/`, else its file's name up to the first `_`.
    private static func method(of name: String) -> String {
        let parts = name.split(separator: "/")
        if parts.count > 1 { return String(parts[0]) }
        let stem = URL(fileURLWithPath: name).deletingPathExtension().lastPathComponent
        return stem.firstIndex(of: "_").map { String(stem[..<$0]) } ?? "unknown"
    }

    private static func withoutMethod(_ stem: String, label: EvaluationClip.Label) -> String {
        guard label == .fake, let place = stem.firstIndex(of: "_") else { return stem }
        return String(stem[stem.index(after: place)...])
    }

    /// Paths below the folder, in order; hidden files and folders are none.
    private static func files(in folder: String, root: String) throws(CommandFailure) -> [String] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue,
            let walk = FileManager.default.enumerator(atPath: folder)
        else {
            throw CommandFailure(
                .failure, code: "bad_data", "it has no folder \(URL(fileURLWithPath: folder).lastPathComponent)/; real/ and fake/ are wanted below it"
            ).about(root)
        }
        var names: [String] = []
        for case let name as String in walk {
            if name.split(separator: "/").contains(where: { $0.hasPrefix(".") }) { continue }
            var isFolder: ObjCBool = false
            if FileManager.default.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder), isFolder.boolValue { continue }
            names.append(name)
        }
        return names.sorted()
    }
}
