import Crypto
import Foundation
import JobModel
import JobStore
import WorkerApp

/// Work whose clips say what is to happen, so that faults come when a test wants them: the bytes are lines, each a command.
///
///     nothing         goes on; so does an empty clip
///     sleep SECONDS   takes its time
///     fail CODE       ends as the input's fault
///     fault CODE      ends as ours, to be tried again
///     crash           kills this very process
///     hang            never ends and hears nothing, while the heart goes on beating
///     # …             tells equal scripts apart
struct ScriptedWork: JobWork {
    let identity: WorkIdentity

    /// - Parameter name: workers of one name are of one model.
    init(name: String) {
        let digest = SHA256.hash(data: Data(name.utf8)).map { String(format: "%02x", $0) }.joined()
        identity = WorkIdentity(
            modelSHA256: digest, modelCard: "{\"name\":\"\(name)\"}", precision: "float32", analysisVersion: "scripted")
    }

    func perform(
        _ job: ClaimedJob, upload fileDescriptor: Int32, progress: @escaping @Sendable (JobStage, Double) -> Void
    ) async throws(JobFailure) -> WorkResult {
        for line in try Self.lines(of: fileDescriptor) {
            let words = line.prefix { $0 != "#" }.split(separator: " ").map(String.init)
            guard let command = words.first else { continue }
            try await obey(command, words.dropFirst().first ?? "", progress)
        }
        return WorkResult(verdict: verdict(of: job), artifacts: [])
    }

    private func obey(
        _ command: String, _ operand: String, _ progress: @Sendable (JobStage, Double) -> Void
    ) async throws(JobFailure) {
        switch command {
        case "nothing": break
        case "sleep":
            progress(.decoding, 0)
            do {
                try await Task.sleep(for: .seconds(Double(operand) ?? 1))
            } catch {
                throw JobFailure(code: "interrupted", message: "the script was interrupted", disposition: .retry)
            }
        case "fail": throw JobFailure(code: operand, message: "the script fails", disposition: .refuse)
        case "fault": throw JobFailure(code: operand, message: "the script meets a fault of ours", disposition: .retry)
        case "crash":
            // The job has a stage by then, as a real one that crashes its worker in decoding.
            progress(.decoding, 0)
            kill(getpid(), SIGKILL)
        case "hang":
            progress(.decoding, 0)
            await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
        default:
            throw JobFailure(code: "script_unknown", message: "\(command) is no command", disposition: .refuse)
        }
    }

    private static func lines(of fileDescriptor: Int32) throws(JobFailure) -> [String] {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = pread(fileDescriptor, &bytes, bytes.count, 0)
        guard count >= 0 else {
            throw JobFailure(code: "upload_unreadable", message: "the script cannot be read", disposition: .retry)
        }
        return String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private func verdict(of job: ClaimedJob) -> Verdict {
        Verdict(
            label: .uncertain, probability: nil, confidence: nil, logit: nil, threshold: 0.5, abstention: [0.4, 0.6],
            model: Verdict.ModelSummary(
                name: "scripted", version: "1", sha256: identity.modelSHA256, trained: false, region: "frame",
                precision: identity.precision, temperature: 1),
            video: Verdict.VideoSummary(
                codec: "script", width: 1, height: 1, durationSeconds: 0, frameCount: 0, sha256: job.uploadSHA256 ?? ""),
            sampling: .init(job.options.sampling), tracks: [], decidedBy: nil, reasons: [.untrainedModel], warnings: [], reused: false,
            timings: Verdict.Timings(decodeMilliseconds: 0, forwardMilliseconds: 0, drawMilliseconds: 0))
    }
}
