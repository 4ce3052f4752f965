import Foundation
import JobModel

/// What a request wants of its job beside the clip: from a raw body's query, or a form's parts, by the same names.
struct JobWishes: Sendable {
    /// The names, as clients write them.
    enum Field: String, CaseIterable, Sendable {
        case options, priority, runAt, fresh
    }

    static let maximumBytes = 16_384
    /// Clocks differ: what is past by less than this counts as now.
    private static let toleratedPastSeconds = 60.0

    var options: JobOptions
    var priority: Int
    /// nil for now.
    var runAt: Date?
    var isFresh: Bool

    /// Reads the wishes.
    ///
    /// - Parameters:
    ///   - text: a field's text; nil where it was not sent.
    ///   - databaseTime: PostgreSQL's time, by which `runAt` is judged.
    ///   - maximumDelaySeconds: how far `runAt` may lie ahead.
    /// - Throws: a `Problem` that names the field.
    init(databaseTime: Date, maximumDelaySeconds: Double, _ text: (Field) -> String?) throws {
        var texts: [Field: String] = [:]
        for field in Field.allCases {
            guard let text = text(field), !text.isEmpty else { continue }
            guard text.utf8.count <= Self.maximumBytes else {
                throw Problem(
                    .fieldTooLarge, "\(field.rawValue) has more than \(Self.maximumBytes) bytes",
                    field: field.rawValue, closesConnection: true)
            }
            texts[field] = text
        }
        options = try texts[.options].map(Self.options) ?? JobOptions()
        priority = try texts[.priority].map(Self.priority) ?? 0
        runAt = try texts[.runAt].flatMap { try Self.runAt($0, now: databaseTime, maximumDelaySeconds: maximumDelaySeconds) }
        isFresh = try texts[.fresh].map(Self.fresh) ?? false
    }

    private static func options(_ text: String) throws -> JobOptions {
        do {
            return try JobOptions.strictly(from: Data(text.utf8))
        } catch {
            throw wrong(.options, "options: \(WhorlJSON.explanation(of: error))")
        }
    }

    private static func priority(_ text: String) throws -> Int {
        guard let priority = Int(text), (-10...10).contains(priority) else {
            throw wrong(.priority, "priority must be a whole number from -10 to 10")
        }
        return priority
    }

    private static func fresh(_ text: String) throws -> Bool {
        switch text {
        case "true": true
        case "false": false
        default: throw wrong(.fresh, "fresh must be true or false")
        }
    }

    private static func runAt(_ text: String, now: Date, maximumDelaySeconds: Double) throws -> Date? {
        guard let moment = WhorlJSON.time(text) else {
            throw wrong(.runAt, "runAt must be a time as in RFC 3339, such as 2030-01-31T08:00:00Z")
        }
        let delay = moment.timeIntervalSince(now)
        guard delay >= -toleratedPastSeconds else { throw wrong(.runAt, "runAt lies in the past; leave it out to run now") }
        guard delay <= maximumDelaySeconds else {
            throw wrong(.runAt, "runAt lies more than \(Int(maximumDelaySeconds)) seconds ahead, which is the most")
        }
        return delay > 0 ? moment : nil
    }

    private static func wrong(_ field: Field, _ detail: String) -> Problem {
        Problem(.parameterInvalid, detail, field: field.rawValue, closesConnection: true)
    }
}
