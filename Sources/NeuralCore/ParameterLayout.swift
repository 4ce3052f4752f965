/// Where each of a network's parameters lies in one flat run of floats, so that optimisers go through all of them in one loop.
public struct ParameterLayout: Sendable, Equatable {
    /// One tensor.
    public struct Entry: Sendable, Equatable {
        /// As the checkpoint calls it, such as `layer1.0.conv1.weight`.
        public let name: String
        /// Row-major, outermost axis first.
        public let shape: [Int]
        /// Place of its first value.
        public let offset: Int
        /// True for weights of convolutions and linear layers; normalisations and biases are spared weight decay.
        public let decays: Bool
        /// True for the classifier after the backbone, which may learn at a rate of its own.
        public let isHead: Bool

        /// Number of its values.
        public var count: Int { shape.reduce(1, *) }
        /// Its places in the run.
        public var range: Range<Int> { offset..<offset + count }
    }

    /// In the order in which they lie, without gaps.
    public private(set) var entries: [Entry] = []
    /// Number of all values.
    public private(set) var count = 0

    public init() {}

    /// Appends a tensor and says where it lies.
    @discardableResult
    public mutating func append(_ name: String, shape: [Int], decays: Bool, isHead: Bool = false) -> Range<Int> {
        precondition(!entries.contains { $0.name == name }, "two parameters named \(name)")
        let entry = Entry(name: name, shape: shape, offset: count, decays: decays, isHead: isHead)
        entries.append(entry)
        count += entry.count
        return entry.range
    }

    /// True if this one has the other's tensors in the same places, and perhaps more after them.
    public func begins(with other: ParameterLayout) -> Bool { entries.starts(with: other.entries) }

    /// The tensor of that name.
    public subscript(name: String) -> Entry? { entries.first { $0.name == name } }
}
