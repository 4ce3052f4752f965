/// Why a cache of crops, the rules about its sources or a division of them is not to be had.
public enum CropsError: Error, Sendable, Equatable {
    /// Nothing is there, or it may not be read.
    case unreadable(path: String, reason: String)
    /// A folder or a file that is no cache of crops.
    case notADataset(path: String, reason: String)
    /// Made by another version of the format.
    case otherVersion(path: String, found: Int, known: Int)
    /// A cache whose parts do not fit each other.
    case damaged(path: String, reason: String)
    /// A cache cannot be written: a full disk, a place without permission.
    case unwritable(path: String, reason: String)
    /// The place of a new cache is taken.
    case occupied(path: String, reason: String)
    /// The pattern is no regular expression, or captures nothing that a rule knows.
    case badPattern(pattern: String, reason: String)
    /// A source that the pattern does not match.
    case noMatch(path: String, pattern: String)
    /// The table of sources cannot be read; the line counts from 1.
    case badTable(name: String, line: Int, reason: String)
    /// A source that the table leaves out.
    case notInTable(path: String, name: String)
    /// A source of which nothing says whether it is real.
    case unlabelled(path: String)
    /// One file that two places call differently.
    case twoLabels(first: String, firstLabel: CropSource.Label, second: String, secondLabel: CropSource.Label)
    /// A share of validation that leaves one part empty.
    case badShare(Double)
    /// Sources that cannot be divided without dividing a group.
    case tooFewGroups(count: Int)
    /// A label whose sources all are of one group, so that one part would lack it.
    case labelInOneGroup(label: CropSource.Label, group: String)
    /// A label that no division of so few groups gives to both parts.
    case labelNotDivisible(CropSource.Label)
    /// A label that a recipe needs and no source has.
    case labelMissing(CropSource.Label)
    /// A group, or a file, that training and validation share.
    case shared(what: String, training: String, validation: String)
}

extension CropsError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path): cannot be read: \(reason)"
        case .notADataset(let path, let reason): "\(path) is no dataset of crops: \(reason); make one with `whorl dataset index`"
        case .otherVersion(let path, let found, let known):
            "\(path) has version \(found) of the format, and this program reads version \(known); index the clips again"
        case .damaged(let path, let reason): "\(path) is damaged: \(reason); index the clips again"
        case .unwritable(let path, let reason): "\(path): cannot be written: \(reason); nothing was left behind"
        case .occupied(let path, let reason): "\(path): \(reason)"
        case .badPattern(let pattern, let reason): "the pattern \(pattern) cannot be used: \(reason)"
        case .noMatch(let path, let pattern):
            "\(path) is not matched by the pattern \(pattern); widen the pattern or leave the file out of the folders"
        case .badTable(let name, let line, let reason): "\(name), line \(line): \(reason)"
        case .notInTable(let path, let name): "\(path) is not in the table \(name); add a row or leave the file out of the folders"
        case .unlabelled(let path):
            "\(path): nothing says whether it is real or fake; put it below a folder real/ or fake/, or name a label, a pattern or a table"
        case .twoLabels(let first, let firstLabel, let second, let secondLabel):
            "one file has two labels: \(first) says \(firstLabel.rawValue), \(second) says \(secondLabel.rawValue); take one of them away"
        case .badShare(let share): "a share of \(share) for validation leaves a part empty; it must lie between 0 and 1"
        case .tooFewGroups(let count):
            "the sources are of \(count) group\(count == 1 ? "" : "s"), and a group is never divided; add sources of other people, or name "
                + "the groups with a pattern or a table"
        case .labelInOneGroup(let label, let group):
            "all \(label.rawValue) sources are of the group \(group), which is never divided, so training or validation would have none; add "
                + "\(label.rawValue) sources of other people"
        case .labelNotDivisible(let label):
            "training or validation would have no \(label.rawValue) source, for want of groups that can be divided; add sources of other people"
        case .labelMissing(let label): "no source is \(label.rawValue), and they are needed; add some"
        case .shared(let what, let training, let validation):
            "training and validation share \(what): \(training) and \(validation); index one of them without it"
        }
    }
}
