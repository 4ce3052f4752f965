import AsyncAlgorithms
import Foundation
import JobModel
import JobStore
import Logging
import ServiceLifecycle
import Telemetry

/// Decides at the door whether a job may come in: by counts that are a second old, so that no request pays for counting.
///
/// The bounds hold to within what other gateways take in that second.
actor QueueAdmission {
    /// What a request that was let in goes by.
    struct Ticket: Sendable {
        /// PostgreSQL's time, as near as it is known.
        let databaseTime: Date
        /// How many entries the stream may hold.
        let streamBound: Int
        /// Whether the job's id should go on the stream at once; not while others wait before it.
        let goesOnStream: Bool
    }

    private struct Snapshot {
        let load: QueueLoad
        let slots: Int
        let takenAt: ContinuousClock.Instant
        /// What counting took.
        let cost: Duration
    }

    /// For how long a full stream is taken for full without asking again.
    private static let backlogBelief = Duration.milliseconds(100)

    private let store: JobStore
    private let registry: WorkerRegistry
    private let maximumQueued: Int
    private let maximumQueuedPerTenant: Int
    private let aliveSeconds: Double
    private var snapshot: Snapshot?
    private var backlogUntil: ContinuousClock.Instant?

    init(store: JobStore, registry: WorkerRegistry, configuration: GatewayConfiguration) {
        self.store = store
        self.registry = registry
        maximumQueued = configuration.maximumQueued
        maximumQueuedPerTenant = configuration.maximumQueuedPerTenant
        aliveSeconds = configuration.workersAliveSeconds
    }

    /// Lets a job of a tenant in.
    ///
    /// - Parameter ownMaximum: how many of the tenant's jobs may wait, if that is not what the settings say.
    /// - Throws: a `Problem`, 429 when the tenant's own queue is full and 503 when the whole is; what the store throws when
    ///   nothing can be accepted at all.
    func admit(_ tenant: Tenant, maximumQueued ownMaximum: Int?) async throws -> Ticket {
        let current = try await current()
        let queued = current.load.queued, own = current.load.queuedByTenant[tenant] ?? 0
        let maximumQueuedPerTenant = ownMaximum ?? maximumQueuedPerTenant
        guard own < maximumQueuedPerTenant else {
            throw Problem(
                .tenantQueueFull, "\(own) of your jobs wait already, and no more than \(maximumQueuedPerTenant) may; send the clip when some are done",
                retryAfterSeconds: 10, closesConnection: true)
        }
        guard queued < maximumQueued else {
            throw Problem(
                .queueFull, "\(queued) jobs wait already, and no more than \(maximumQueued) may; nothing was accepted, try again later",
                retryAfterSeconds: 30, closesConnection: true)
        }
        return ticket(as: current)
    }

    /// What a job goes by that was let in before.
    func ticket() async throws -> Ticket {
        ticket(as: try await current())
    }

    private func ticket(as snapshot: Snapshot) -> Ticket {
        let now = ContinuousClock.now
        let elapsed = snapshot.takenAt.duration(to: now)
        return Ticket(
            databaseTime: snapshot.load.databaseTime.addingTimeInterval(elapsed.seconds),
            streamBound: Relay.bound(slots: snapshot.slots), goesOnStream: backlogUntil.map { $0 < now } ?? true)
    }

    private func current() async throws -> Snapshot {
        if let snapshot, snapshot.takenAt.duration(to: .now) < Self.staleAfter(snapshot) { return snapshot }
        return try await refresh()
    }

    /// Counts a job that came in since.
    func noteQueued(_ tenant: Tenant) {
        snapshot = snapshot.map { known in
            var load = known.load
            load.queuedByTenant[tenant, default: 0] += 1
            return Snapshot(load: load, slots: known.slots, takenAt: known.takenAt, cost: known.cost)
        }
    }

    /// The stream took no job: others wait before it.
    func noteBacklog() {
        backlogUntil = .now + Self.backlogBelief
    }

    /// Counts anew where it is time to.
    fileprivate func keepFresh() async throws {
        if let snapshot, snapshot.takenAt.duration(to: .now) < Pace.age(allowedAfter: snapshot.cost) { return }
        _ = try await refresh()
    }

    private func refresh() async throws -> Snapshot {
        let start = ContinuousClock.now
        let load = try await store.load()
        let slots = try await registry.capacity(withinSeconds: aliveSeconds).slots
        let fresh = Snapshot(load: load, slots: slots, takenAt: .now, cost: start.duration(to: .now))
        snapshot = fresh
        return fresh
    }

    /// With nothing heard for this long, PostgreSQL may be away: then a request asks itself.
    private static func staleAfter(_ snapshot: Snapshot) -> Duration {
        Pace.age(allowedAfter: snapshot.cost) * 2
    }
}

/// Keeps the counts of `QueueAdmission` fresh.
struct QueueGauge: Service {
    let admission: QueueAdmission
    let pulse: Pulse
    let logger: Logger

    func run() async throws {
        for await _ in AsyncTimerSequence(interval: .milliseconds(500), clock: .continuous).cancelOnGracefulShutdown() {
            pulse.beat("gauge")
            do {
                try await admission.keepFresh()
            } catch {
                logger.debug("the queue could not be counted", metadata: [LogField.error: "\(String(reflecting: error))"])
            }
        }
        pulse.end("gauge")
    }
}
