import Foundation
import Settings
import Testing

private let table = [
    Setting("http.port", .integer(0...65535), default: "8080", help: "Port."),
    Setting("http.idleSeconds", .number(0.5...60), unit: "seconds", default: "5", help: "Idle."),
    Setting("database.url", .text, default: nil, isSecret: true, help: "Database."),
    Setting("log.level", .choice(["info", "debug"]), default: "info", help: "Level."),
    Setting("strict", .flag, default: "false", help: "Strict."),
]

@Suite struct SettingsTests {
    private func read(
        _ arguments: [String] = [], _ environment: [String: String] = ["DATABASE_URL": "postgresql://x"]
    ) async throws -> SettingsReader {
        try await SettingsReader(table: table, arguments: arguments, environment: environment)
    }

    @Test func defaultsHoldWhereNothingIsGiven() async throws {
        let settings = try await read()
        #expect(settings.integer("http.port") == 8080 && settings.number("http.idleSeconds") == 5)
        #expect(settings.text("log.level") == "info" && !settings.flag("strict"))
        #expect(settings.text("database.url") == "postgresql://x")
    }

    @Test func aFlagWinsOverTheEnvironmentAndThatOverTheFile() async throws {
        let path = NSTemporaryDirectory() + "/settings-\(UUID().uuidString).json"
        try #"{"http": {"port": 1, "idleSeconds": 7.5}, "log": {"level": "debug"}, "strict": true}"#
            .write(toFile: path, atomically: true, encoding: .utf8)
        let settings = try await read(
            ["--http-port", "3", "--config=\(path)"],
            ["WHORL_HTTP_PORT": "2", "WHORL_DATABASE_URL": "mine", "DATABASE_URL": "other", "WHORL_LOG_LEVEL": "info"])
        #expect(settings.integer("http.port") == 3)
        #expect(settings.text("database.url") == "mine")
        #expect(settings.text("log.level") == "info")
        #expect(settings.number("http.idleSeconds") == 7.5)
        #expect(settings.flag("strict"))
        try FileManager.default.removeItem(atPath: path)
    }

    @Test(arguments: [
        (["--http-port", "70000"], "--http-port must be 0 to 65535 (got 70000)"),
        (["--http-port", "many"], "--http-port must be 0 to 65535"),
        (["--http-idle-seconds=0"], "--http-idle-seconds must be 0.5 to 60.0 seconds (got 0.0)"),
        (["--log-level", "loud"], "--log-level must be info | debug (got \"loud\")"),
        (["--http-prot", "1"], "--http-prot is not a setting"),
        (["--http-port"], "--http-port needs a value"),
        (["extra"], "extra is not a setting"),
        (["--config", "/nowhere.json"], "cannot read the configuration file /nowhere.json"),
    ])
    func aWrongFlagIsOneClearLine(arguments: [String], expected: String) async {
        let error = await #expect(throws: SettingsError.self) { try await read(arguments) }
        #expect(error?.description.hasPrefix(expected) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("\n") == false)
    }

    @Test func aMissingRequiredSettingSaysHowToGiveIt() async {
        let error = await #expect(throws: SettingsError.self) { try await read([], [:]) }
        #expect(error?.description.contains("--database-url") == true)
        #expect(error?.description.contains("WHORL_DATABASE_URL") == true)
    }

    @Test func aWrongEnvironmentVariableIsNamed() async {
        let error = await #expect(throws: SettingsError.self) {
            try await read([], ["DATABASE_URL": "x", "WHORL_STRICT": "perhaps"])
        }
        #expect(error?.description.hasPrefix("WHORL_STRICT must be true | false") == true)
    }

    @Test func anUnknownFileKeyIsNamed() async throws {
        let path = NSTemporaryDirectory() + "/settings-\(UUID().uuidString).json"
        try #"{"http": {"prot": 1}}"#.write(toFile: path, atomically: true, encoding: .utf8)
        let error = await #expect(throws: SettingsError.self) { try await read(["--config", path]) }
        #expect(error?.description.contains("http.prot is not a setting") == true)
        try FileManager.default.removeItem(atPath: path)
    }

    @Test func secretsAreNotShown() async {
        let error = await #expect(throws: SettingsError.self) { try await read([], ["WHORL_DATABASE_URL": ""]) }
        #expect(error?.description.contains("got") == false)
    }

    @Test func theHelpListsEveryKeyWithItsUnitAndDefault() {
        let help = SettingsHelp.text(program: "p", summary: "s", table: table)
        for setting in table {
            #expect(help.contains(setting.flagName) && help.contains(setting.environmentName) && help.contains(setting.help))
        }
        #expect(help.contains("0.5 to 60.0 seconds (default: 5)") && help.contains("(required)"))
    }
}
