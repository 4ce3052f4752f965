import AsyncAlgorithms
import Crypto
import Foundation
import JobModel
import JobStore
import Logging
import Outbound
import ServiceLifecycle
import Synchronization
import Telemetry

/// Delivers webhooks as Standard Webhooks says: signed, at least once, and again after longer and longer waits.
struct WebhookSender: Service {
    /// Tries side by side, of one endpoint and of all: one that is slow to answer holds up its own deliveries only.
    private static let endpointWidth = 4
    private static let width = 32
    /// More than a try takes: until then no other gateway makes the same.
    private static let leaseSeconds = 90.0
    private static let maximumAnswerBytes = 65_536

    let store: WebhookStore
    let jobs: JobStore
    let client: OutboundClient
    /// Waits after the first try, the second and so on; after the last one it is given up.
    let backoffSeconds: [Double]
    let pollSeconds: Double
    /// Deliveries that ended are kept in the log for this long.
    let keepSeconds: Double
    /// This gateway's own requests: there is one to deliver.
    let requests: AsyncStream<Void>
    let pulse: Pulse
    let metrics: MetricRegistry
    let logger: Logger

    func run() async throws {
        let underWay = UnderWay()
        let (finished, finish) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let ticks = AsyncTimerSequence(interval: .seconds(pollSeconds), clock: .continuous).map { _ in }
        var tidiedAt = ContinuousClock.now
        await withDiscardingTaskGroup { group in
            for await _ in merge(ticks, requests, finished).cancelOnGracefulShutdown() {
                pulse.beat("webhooks")
                do {
                    while let due = try await takeDue(underWay), !due.isEmpty {
                        for delivery in due {
                            underWay.begin(delivery.endpoint)
                            group.addTask {
                                await deliver(delivery)
                                underWay.end(delivery.endpoint)
                                finish.yield()
                            }
                        }
                    }
                    if tidiedAt.duration(to: .now) > .seconds(60) {
                        tidiedAt = .now
                        try await store.removeEnded(olderThanSeconds: keepSeconds, limit: 10_000)
                    }
                } catch {
                    note(error)
                }
            }
            pulse.end("webhooks")
        }
    }

    /// nil when there are as many tries under way as there may be.
    private func takeDue(_ underWay: UnderWay) async throws -> [DueDelivery]? {
        let room = Self.width - underWay.count
        guard room > 0 else { return nil }
        // They may all be of one endpoint.
        return try await store.takeDue(
            limit: min(room, Self.endpointWidth), leaseSeconds: Self.leaseSeconds, except: underWay.endpoints(with: Self.endpointWidth))
    }

    private func note(_ error: any Error) {
        metrics.add(to: .choreFailures, ["webhooks"])
        logger.warning("webhooks wait", metadata: [LogField.error: "\(String(reflecting: error))"])
    }

    private func deliver(_ delivery: DueDelivery) async {
        do {
            guard let body = try await body(of: delivery) else {
                return try await store.note(.failed(status: nil, error: "the job was erased"), of: delivery)
            }
            let outcome = await outcome(of: delivery, body: body)
            if case .delivered = outcome {
                metrics.add(to: .webhookDeliveries, ["delivered"])
            } else {
                metrics.add(to: .webhookDeliveries, ["failed"])
                logger.notice("a webhook was not delivered", metadata: [
                    LogField.webhook: "\(delivery.endpoint)", LogField.count: "\(delivery.attempt)",
                ])
            }
            try await store.note(outcome, of: delivery)
        } catch {
            // It is due again after its lease.
            note(error)
        }
    }

    private func outcome(of delivery: DueDelivery, body: String) async -> DeliveryOutcome {
        let stamp = Int(Date().timeIntervalSince1970)
        let signature = WebhookSignature.text(id: "\(delivery.id)", timestamp: stamp, body: body, secret: delivery.secret)
        let request = OutboundRequest(
            method: "POST", url: delivery.url,
            headers: [
                ("content-type", "application/json"), ("user-agent", "whorl/\(WhorlVersion.current)"), ("webhook-id", "\(delivery.id)"),
                ("webhook-timestamp", "\(stamp)"), ("webhook-signature", signature),
            ],
            body: Array(body.utf8))
        do {
            let status = try await client.send(request) { status, _, body in
                // Read to its end, within bounds, so that the other side sees that it was heard.
                do {
                    _ = try await body.collect(upTo: Self.maximumAnswerBytes)
                } catch {
                    // Its status is all that counts.
                }
                return Int(status.code)
            }
            switch status {
            case 200..<300: return .delivered(status: status)
            case 410: return .gone
            default: return next(delivery, status: status, error: "it answered \(status)")
            }
        } catch OutboundError.refused(let reason) {
            // A name may lead elsewhere tomorrow; today nothing is sent there.
            return next(delivery, status: nil, error: reason)
        } catch {
            return next(delivery, status: nil, error: "\(error)")
        }
    }

    private func next(_ delivery: DueDelivery, status: Int?, error: String) -> DeliveryOutcome {
        guard delivery.attempt <= backoffSeconds.count else { return .failed(status: status, error: error) }
        // Up to a tenth more, so that many that failed together do not come together.
        let wait = backoffSeconds[delivery.attempt - 1] * Double.random(in: 1...1.1)
        return .retry(status: status, error: error, afterSeconds: wait)
    }

    private struct Message: Encodable {
        let type: String
        let timestamp: Date
        let data: JobStatus?
    }

    /// What is sent: the job as it stood at the first try. nil for a job that is gone.
    private func body(of delivery: DueDelivery) async throws -> String? {
        if let body = delivery.body { return body }
        var status: JobStatus?
        if let job = delivery.job {
            guard let found = try await jobs.status(of: job, tenant: delivery.tenant) else { return nil }
            status = found.withLinks
        }
        let message = Message(type: delivery.event, timestamp: delivery.createdAt, data: status)
        let body = String(decoding: try WhorlJSON.encoder().encode(message), as: UTF8.self)
        guard try await store.keep(body: body, of: delivery) else { return nil }
        return body
    }
}

/// How many tries are under way, for each endpoint.
private final class UnderWay: Sendable {
    private let counts = Mutex<[JobID: Int]>([:])

    var count: Int { counts.withLock { $0.values.reduce(0, +) } }

    func begin(_ endpoint: JobID) {
        counts.withLock { $0[endpoint, default: 0] += 1 }
    }

    func end(_ endpoint: JobID) {
        counts.withLock { counts in
            let left = (counts[endpoint] ?? 0) - 1
            counts[endpoint] = left > 0 ? left : nil
        }
    }

    /// Endpoints with so many or more.
    func endpoints(with limit: Int) -> Set<JobID> {
        counts.withLock { Set($0.filter { $0.value >= limit }.keys) }
    }
}

/// The signature of Standard Webhooks, version 1.
enum WebhookSignature {
    /// What goes into `webhook-signature`: HMAC-SHA256 over the id, the time and the body.
    static func text(id: String, timestamp: Int, body: String, secret: [UInt8]) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Data("\(id).\(timestamp).\(body)".utf8), using: SymmetricKey(data: secret))
        return "v1," + Data(code).base64EncodedString()
    }
}
