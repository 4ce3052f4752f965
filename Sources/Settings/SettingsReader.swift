import Configuration
import Foundation
import SystemPackage

/// The settings of one program, read once at its start from flags, then the environment, then a JSON file, then the
/// defaults, and checked before anything else happens.
public struct SettingsReader: Sendable {
    private enum Value: Sendable {
        case text(String)
        case integer(Int)
        case number(Double)
        case flag(Bool)
    }

    private let values: [String: Value]
    private let table: [Setting]

    /// Reads and checks every setting of `table`.
    ///
    /// - Parameters:
    ///   - arguments: the command line without the program's name; only `--flag value` and `--flag=value` are taken.
    ///     `--config FILE` (or `WHORL_CONFIG`) names the JSON file.
    ///   - environment: `WHORL_…` names; `DATABASE_URL` and `REDIS_URL` are taken without the prefix too, as most
    ///     hosting platforms set them.
    /// - Throws: `SettingsError` for an unknown flag or file key, a missing value, or one out of range.
    public init(
        table: [Setting], arguments: [String], environment: [String: String]
    ) async throws(SettingsError) {
        let (flags, configPath) = try Self.checkedFlags(arguments, table: table)
        var unprefixed: [String: String] = [:]
        for (name, own) in Self.customaryNames { unprefixed[own] = environment[name] }
        var providers: [(source: String, provider: any ConfigProvider)] = [
            ("flag", CommandLineArgumentsProvider(arguments: ["whorl"] + flags)),
            ("environment", EnvironmentVariablesProvider(environmentVariables: environment).prefixKeys(with: "whorl")),
            ("environment", EnvironmentVariablesProvider(environmentVariables: unprefixed)),
        ]
        if let path = configPath ?? environment["WHORL_CONFIG"] {
            try Self.checkFileKeys(path, table: table)
            do {
                providers.append((path, try await FileProvider<JSONSnapshot>(filePath: FilePath(path))))
            } catch {
                throw SettingsError("cannot read the configuration file \(path): \(error)")
            }
        }
        var values: [String: Value] = [:]
        for setting in table {
            values[setting.key] = try Self.value(of: setting, in: providers)
        }
        self.values = values
        self.table = table
    }

    /// Names that hosting platforms and other tools set, and ours without the prefix.
    private static let customaryNames = [
        "DATABASE_URL": "DATABASE_URL", "REDIS_URL": "REDIS_URL", "AWS_ACCESS_KEY_ID": "S3_ACCESS_KEY",
        "AWS_SECRET_ACCESS_KEY": "S3_SECRET_KEY", "AWS_SESSION_TOKEN": "S3_SESSION_TOKEN",
    ]

    /// The flag of a setting, for messages.
    public func flagName(_ key: String) -> String {
        guard let setting = table.first(where: { $0.key == key }) else { preconditionFailure("no setting \(key)") }
        return setting.flagName
    }

    /// The text of a `text` or `choice` setting.
    public func text(_ key: String) -> String {
        guard case .text(let text) = values[key] else { preconditionFailure("no text setting \(key)") }
        return text
    }

    /// The value of an `integer` setting.
    public func integer(_ key: String) -> Int {
        guard case .integer(let integer) = values[key] else { preconditionFailure("no integer setting \(key)") }
        return integer
    }

    /// The value of a `number` setting.
    public func number(_ key: String) -> Double {
        guard case .number(let number) = values[key] else { preconditionFailure("no number setting \(key)") }
        return number
    }

    /// The value of a `flag` setting.
    public func flag(_ key: String) -> Bool {
        guard case .flag(let flag) = values[key] else { preconditionFailure("no flag setting \(key)") }
        return flag
    }

    private static func checkedFlags(
        _ arguments: [String], table: [Setting]
    ) throws(SettingsError) -> (flags: [String], configPath: String?) {
        let known = Set(table.map(\.flagName))
        var flags: [String] = []
        var configPath: String?
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard argument.hasPrefix("--"), known.contains(parts[0]) || parts[0] == "--config" else {
                throw SettingsError("\(argument) is not a setting; --help lists them all")
            }
            guard let value = parts.count == 2 ? parts[1] : rest.popFirst() else {
                throw SettingsError("\(argument) needs a value")
            }
            if parts[0] == "--config" {
                configPath = value
            } else {
                flags.append("\(parts[0])=\(value)")
            }
        }
        return (flags, configPath)
    }

    private static func checkFileKeys(_ path: String, table: [Setting]) throws(SettingsError) {
        let object: Any
        do {
            object = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw SettingsError("cannot read the configuration file \(path): \(error.localizedDescription)")
        }
        let known = Set(table.map(\.key))
        func visit(_ value: Any, _ prefix: String) throws(SettingsError) {
            if let members = value as? [String: Any] {
                for (name, member) in members {
                    try visit(member, prefix.isEmpty ? name : "\(prefix).\(name)")
                }
            } else if !known.contains(prefix) {
                throw SettingsError("\(path): \(prefix) is not a setting; --help lists them all")
            }
        }
        try visit(object, "")
    }

    private static func value(
        of setting: Setting, in providers: [(source: String, provider: any ConfigProvider)]
    ) throws(SettingsError) -> Value {
        let key = AbsoluteConfigKey(ConfigKey(setting.key))
        for (source, provider) in providers {
            let found: ConfigValue?
            do {
                found = try provider.value(forKey: key, type: setting.configType).value
            } catch {
                throw SettingsError(wrong(setting, source: source))
            }
            guard let found else { continue }
            guard let value = accept(found.content, for: setting) else {
                throw SettingsError(wrong(setting, source: source, content: found.content))
            }
            return value
        }
        guard let text = setting.defaultValue else {
            throw SettingsError(
                "\(setting.flagName) is missing: give it, or set \(setting.environmentName) (\(setting.help))")
        }
        guard let content = setting.content(of: text), let value = accept(content, for: setting) else {
            preconditionFailure("the default of \(setting.key) is not one of its own values")
        }
        return value
    }

    private static func accept(_ content: ConfigContent, for setting: Setting) -> Value? {
        switch (setting.kind, content) {
        case (.text, .string(let text)): text.isEmpty && setting.defaultValue != "" ? nil : .text(text)
        case (.choice(let choices), .string(let text)): choices.contains(text) ? .text(text) : nil
        case (.integer(let range), .int(let integer)): range.contains(integer) ? .integer(integer) : nil
        case (.number(let range), .double(let number)): range.contains(number) ? .number(number) : nil
        case (.flag, .bool(let flag)): .flag(flag)
        default: nil
        }
    }

    private static func wrong(_ setting: Setting, source: String, content: ConfigContent? = nil) -> String {
        let name = switch source {
        case "flag": setting.flagName
        case "environment": setting.environmentName
        default: "\(source): \(setting.key)"
        }
        let given: String = switch content {
        case _ where setting.isSecret: ""
        case .string(let text): " (got \"\(text)\")"
        case .int(let integer): " (got \(integer))"
        case .double(let number): " (got \(number))"
        default: ""
        }
        return "\(name) must be \(setting.valuesDescription)\(given)"
    }
}

extension Setting {
    fileprivate var configType: ConfigType {
        switch kind {
        case .text, .choice: .string
        case .integer: .int
        case .number: .double
        case .flag: .bool
        }
    }

    fileprivate func content(of text: String) -> ConfigContent? {
        switch kind {
        case .text, .choice: .string(text)
        case .integer: Int(text).map { .int($0) }
        case .number: Double(text).map { .double($0) }
        case .flag: Bool(text).map { .bool($0) }
        }
    }
}
