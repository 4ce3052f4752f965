import FoundationEssentials

/// A worker as operators see it.
public struct WorkerStatus: Hashable, Sendable, Codable {
    public var id: UUID
    public var host: String
    public var version: String
    public var modelSHA256: String
    public var kinds: [String]
    public var slots: Int
    public var busySlots: Int
    /// Whether its heart was heard lately.
    public var isAlive: Bool
    public var isDraining: Bool
    /// Why it takes no jobs; nil while it does.
    public var unreadyReason: String?
    public var startedAt: Date
    public var heartbeatAt: Date

    private enum CodingKeys: String, CodingKey {
        case id, host, version, kinds, slots, busySlots, isAlive, isDraining, unreadyReason, startedAt, heartbeatAt
        case modelSHA256 = "modelSha256"
    }

    public init(
        id: UUID, host: String, version: String, modelSHA256: String, kinds: [String], slots: Int, busySlots: Int,
        isAlive: Bool, isDraining: Bool, unreadyReason: String?, startedAt: Date, heartbeatAt: Date
    ) {
        self.id = id
        self.host = host
        self.version = version
        self.modelSHA256 = modelSHA256
        self.kinds = kinds
        self.slots = slots
        self.busySlots = busySlots
        self.isAlive = isAlive
        self.isDraining = isDraining
        self.unreadyReason = unreadyReason
        self.startedAt = startedAt
        self.heartbeatAt = heartbeatAt
    }
}

/// All workers, as the API lists them.
public struct WorkerList: Hashable, Sendable, Codable {
    public var workers: [WorkerStatus]

    public init(workers: [WorkerStatus]) {
        self.workers = workers
    }
}
