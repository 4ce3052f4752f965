/// A table of sources as comma-separated values (RFC 4180), with a line of names.
struct SourceTable: Sendable {
    let name: String
    private let rows: [String: Clues]
    /// In the order of the text.
    private let paths: [String]

    init(name: String, text: String) throws(CropsError) {
        self.name = name
        let records = try Self.records(of: text, name: name)
        guard let header = records.first else { throw .badTable(name: name, line: 1, reason: "it is empty; its first line names the columns") }
        let known = ["path", "label", "method"] + Clues.groupNames
        let columns = header.fields.map { $0.trimmed.lowercased() }
        for (place, column) in columns.enumerated() {
            guard known.contains(column) else {
                throw .badTable(name: name, line: 1, reason: "there is no column \(column); the columns are path, label, method, group to group9")
            }
            guard columns.firstIndex(of: column) == place else {
                throw .badTable(name: name, line: 1, reason: "the column \(column) is there twice")
            }
        }
        guard columns.contains("path") else { throw .badTable(name: name, line: 1, reason: "it has no column path") }
        var rows: [String: Clues] = [:]
        var lines: [String: Int] = [:]
        var paths: [String] = []
        for record in records.dropFirst() {
            guard record.fields.count == columns.count else {
                throw .badTable(
                    name: name, line: record.line, reason: "it has \(record.fields.count) fields, and there are \(columns.count) columns")
            }
            let (path, clues) = try Self.clues(record, columns: columns, name: name)
            if let earlier = rows[path], let line = lines[path] {
                try Self.compare(earlier, line: line, clues, record: record.line, path: path, name: name)
                continue
            }
            rows[path] = clues
            lines[path] = record.line
            paths.append(path)
        }
        self.rows = rows
        self.paths = paths
    }

    /// The row of a source: that of its whole path, or of the longest end of it.
    func row(of path: String) -> Clues? {
        key(of: path).flatMap { rows[$0] }
    }

    func unused(among sources: [String]) -> [String] {
        let used = Set(sources.compactMap(key))
        return paths.filter { !used.contains($0) }
    }

    private func key(of path: String) -> String? {
        var rest = Substring(path)
        while true {
            if rows[String(rest)] != nil { return String(rest) }
            guard let slash = rest.firstIndex(of: "/") else { return nil }
            rest = rest[rest.index(after: slash)...]
        }
    }

    private static func compare(
        _ earlier: Clues, line: Int, _ later: Clues, record: Int, path: String, name: String
    ) throws(CropsError) {
        if let one = earlier.label, let other = later.label, one != other {
            throw .twoLabels(
                first: "\(name), line \(line) (\(path)),", firstLabel: one, second: "line \(record)", secondLabel: other)
        }
        guard earlier == later else {
            throw .badTable(name: name, line: record, reason: "\(path) is in line \(line) already, with other words")
        }
    }

    private static func clues(
        _ record: (line: Int, fields: [String]), columns: [String], name: String
    ) throws(CropsError) -> (String, Clues) {
        var clues = Clues()
        var path = ""
        for (column, field) in zip(columns, record.fields) {
            let value = field.trimmed
            switch column {
            case "path": path = value.hasPrefix("./") ? String(value.dropFirst(2)) : value
            case "label" where !value.isEmpty:
                guard let label = CropSource.Label(rawValue: value.lowercased()) else {
                    throw .badTable(name: name, line: record.line, reason: "the label is \(value); it must be real or fake")
                }
                clues.label = label
            case "method" where !value.isEmpty: clues.method = value
            case _ where column.hasPrefix("group") && !value.isEmpty: clues.identities.append(value)
            default: break
            }
        }
        guard !path.isEmpty else { throw .badTable(name: name, line: record.line, reason: "it has no path") }
        return (path, clues)
    }

    /// The text's records with the lines that they start in; empty lines are none.
    private static func records(of text: String, name: String) throws(CropsError) -> [(line: Int, fields: [String])] {
        var records: [(line: Int, fields: [String])] = []
        var fields: [String] = []
        var field = ""
        var isQuoted = false
        var wasQuoted = false
        var line = 1
        var start = 1
        func end(_ fields: inout [String], _ field: inout String) {
            fields.append(field)
            if fields.contains(where: { !$0.isEmpty }) { records.append((start, fields)) }
            fields = []
            field = ""
        }
        var rest = Substring(text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text)
        while let character = rest.popFirst() {
            if isQuoted {
                if character == "\"", rest.first == "\"" {
                    field.append(rest.removeFirst())
                } else if character == "\"" {
                    isQuoted = false
                } else {
                    field.append(character)
                    if character.isNewline { line += 1 }
                }
                continue
            }
            switch character {
            case "\"" where field.isEmpty && !wasQuoted: (isQuoted, wasQuoted) = (true, true)
            case "\"": throw .badTable(name: name, line: line, reason: "a quote stands inside a field")
            case ",":
                fields.append(field)
                (field, wasQuoted) = ("", false)
            case _ where character.isNewline:
                end(&fields, &field)
                line += 1
                (start, wasQuoted) = (line, false)
            default: field.append(character)
            }
        }
        if isQuoted { throw .badTable(name: name, line: start, reason: "a quote is not closed") }
        end(&fields, &field)
        return records
    }
}

extension String {
    fileprivate var trimmed: String {
        var rest = Substring(self)
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
