import CLibpq

/// The rows that a statement returned, and how many it changed.
public struct PostgresResult: RandomAccessCollection, Sendable {
    /// The rows that an INSERT, UPDATE, DELETE, MERGE or SELECT concerned; 0 for other statements.
    public let affectedRows: Int
    let storage: ResultStorage

    /// The columns' names, in their order.
    public var columns: [String] { storage.columns.map(\.name) }
    public var startIndex: Int { 0 }
    public var endIndex: Int { storage.rowCount }

    public subscript(position: Int) -> PostgresRow {
        precondition(indices.contains(position), "row \(position) of \(count)")
        return PostgresRow(storage: storage, row: Int32(position))
    }

    init(storage: ResultStorage) {
        self.storage = storage
        affectedRows = Int(String(cString: PQcmdTuples(storage.pointer))) ?? 0
    }
}

/// One row of a ``PostgresResult``.
public struct PostgresRow: Sendable {
    let storage: ResultStorage
    let row: Int32

    /// Reads the column of this name.
    ///
    /// - Throws: ``PostgresError/Kind-swift.enum/decoding(_:)`` when there is none, or when it is NULL or of another
    ///   type than asked for.
    public func decode<Value: PostgresDecodable>(
        _ column: String, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard let index = storage.index(of: column) else {
            let names = storage.columns.map(\.name).joined(separator: ", ")
            throw PostgresError(.decoding("no column \"\(column)\" among \(names)"), sql: storage.sql)
        }
        return try decode(at: index, as: type)
    }

    /// Reads the column at this index, from 0.
    ///
    /// - Throws: ``PostgresError/Kind-swift.enum/decoding(_:)``, as above.
    public func decode<Value: PostgresDecodable>(
        at index: Int, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard storage.columns.indices.contains(index) else {
            throw PostgresError(.decoding("no column \(index) among \(storage.columns.count)"), sql: storage.sql)
        }
        do {
            guard let value = storage.value(row: row, column: index) else {
                return try Value.decodeNull(column: storage.columns[index].name)
            }
            return try Value.decode(from: value)
        } catch {
            throw error.with(sql: storage.sql)
        }
    }
}

/// Owns a libpq result. `@unchecked Sendable`: a PGresult never changes once libpq has handed it over, and libpq
/// allows it to be read from any thread.
final class ResultStorage: @unchecked Sendable {
    struct Column: Sendable {
        let name: String
        let type: PostgresType
    }

    let pointer: OpaquePointer
    let sql: String
    let rowCount: Int
    let columns: [Column]

    /// Takes over `pointer`.
    init(taking pointer: OpaquePointer, sql: String) {
        self.pointer = pointer
        self.sql = sql
        rowCount = Int(PQntuples(pointer))
        columns = (0..<PQnfields(pointer)).map { index in
            let name = PQfname(pointer, index).map { String(cString: $0) } ?? ""
            return Column(name: name, type: PostgresType(oid: PQftype(pointer, index)))
        }
    }

    deinit {
        PQclear(pointer)
    }

    /// What the server says it did, such as `COMMIT` or `INSERT 0 1`.
    var commandTag: String { String(cString: PQcmdStatus(pointer)) }

    /// The first column of this name. A row has few columns, so looking at each is faster than hashing.
    func index(of name: String) -> Int? {
        columns.firstIndex { $0.name == name }
    }

    /// Nil for NULL.
    func value(row: Int32, column: Int) -> PostgresValue? {
        let field = Int32(column)
        guard PQgetisnull(pointer, row, field) == 0 else { return nil }
        let bytes = UnsafeRawBufferPointer(
            start: PQgetvalue(pointer, row, field), count: Int(PQgetlength(pointer, row, field)))
        return PostgresValue(type: columns[column].type, column: columns[column].name, bytes: bytes, owner: self)
    }
}
