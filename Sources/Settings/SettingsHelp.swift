/// The text of `--help` for a program that is configured by settings.
public enum SettingsHelp {
    /// What the program is, how to set things, and every setting with its values, unit and default.
    public static func text(program: String, summary: String, table: [Setting]) -> String {
        let entries = table.map { setting in
            let preset = switch setting.defaultValue {
            case nil: "required"
            case "": "default: none"
            case .some(let value): "default: \(value)"
            }
            return """
                  \(setting.flagName), \(setting.environmentName)
                      \(setting.help)
                      \(setting.valuesDescription) (\(preset))
                """
        }
        return """
            \(summary)

            Usage: \(program) [--setting value]…

            Every setting can be given as a flag, in the environment, or in a JSON file named by --config or
            WHORL_CONFIG ({"http": {"port": 8080}} is --http-port); a flag wins over the environment, that over the file.

            \(entries.joined(separator: "\n\n"))

              --config, WHORL_CONFIG
                  The JSON file.
              --help, --version
            """
    }
}
