import Foundation
import PostgresClient
import TestServers
import Testing

private enum Colour: String, PostgresParameter, PostgresDecodable { case red, green }

@Suite struct ValueTests {
    /// Sends a value, reads it back, and has the server compare it with a literal.
    private func roundTrip<Value>(_ value: Value, _ literal: String, on pool: PostgresPool) async throws
    where Value: PostgresParameter & PostgresDecodable & Equatable {
        let rows = try await pool.query("SELECT v, v IS NOT DISTINCT FROM \(literal) AS same FROM (SELECT $1 AS v) AS s", [value])
        let row = try #require(rows.first)
        #expect(try row.decode("v") == value)
        #expect(try row.decode("same", as: Bool.self), "\(value) is not \(literal)")
    }

    @Test func scalarsSurviveTheRoundTrip() async throws {
        try await TestDatabase.with { _, pool in
            try await roundTrip(true, "true", on: pool)
            try await roundTrip(false, "false", on: pool)
            try await roundTrip(Int.min, "(-9223372036854775808)::int8", on: pool)
            try await roundTrip(Int64.max, "9223372036854775807", on: pool)
            try await roundTrip(Int32(-7), "-7", on: pool)
            try await roundTrip(Int16(300), "300::int2", on: pool)
            try await roundTrip(0.1, "0.1::float8", on: pool)
            try await roundTrip(-Double.infinity, "'-Infinity'::float8", on: pool)
            try await roundTrip(Float(0.5), "0.5::float4", on: pool)
            let uuid = try #require(UUID(uuidString: "0190163D-8694-739B-AEA5-966C26F8AD91"))
            try await roundTrip(uuid, "'0190163d-8694-739b-aea5-966c26f8ad91'::uuid", on: pool)
            try await roundTrip(Date(timeIntervalSince1970: 0.25), "'1970-01-01 00:00:00.25Z'::timestamptz", on: pool)
            try await roundTrip(
                Date(timeIntervalSince1970: 253_402_300_799), "'9999-12-31 23:59:59Z'::timestamptz", on: pool)
            try await roundTrip([UInt8](0...255), "decode('\((0...255).map { String(format: "%02x", $0) }.joined())', 'hex')", on: pool)
            try await roundTrip([UInt8](), "''::bytea", on: pool)
            try await roundTrip(Data([0, 1, 0]), "'\\x000100'::bytea", on: pool)
            try await roundTrip(PostgresJSON(#"{"a": [1, "ü"]}"#), #"'{"a":[1,"ü"]}'::jsonb"#, on: pool)
        }
    }

    @Test func aStringFitsWhateverTheStatementWants() async throws {
        try await TestDatabase.with { _, pool in
            try await pool.executeScript("CREATE TYPE mood AS ENUM ('red', 'green'); CREATE TABLE t (m mood, i interval, s text)")
            let text = "quote ' backslash \\ emoji 🌀 newline \n"
            let changed = try await pool.execute("INSERT INTO t VALUES ($1, $2, $3)", [Colour.green, "90 seconds", text])
            #expect(changed == 1)
            let row = try #require(try await pool.query("SELECT m, s, extract(epoch FROM i)::float8 AS i FROM t").first)
            #expect(try row.decode("m", as: Colour.self) == .green)
            #expect(try row.decode("s") == text)
            #expect(try row.decode("i") == 90.0)
            let empty = try #require(try await pool.query("SELECT $1::text AS t", [""]).first)
            #expect(try empty.decode("t") == "")
        }
    }

    @Test func arraysSurviveTheRoundTrip() async throws {
        try await TestDatabase.with { _, pool in
            try await roundTrip(["a", "", "{\"},"], "ARRAY['a', '', '{\"},']", on: pool)
            try await roundTrip([String](), "'{}'::text[]", on: pool)
            try await roundTrip([Data([0, 255]), Data()], "ARRAY['\\x00ff', '\\x']::bytea[]", on: pool)
            try await roundTrip([1, -2, .max], "ARRAY[1, -2, 9223372036854775807]", on: pool)
            try await roundTrip([Int32(5)], "ARRAY[5]", on: pool)
            try await roundTrip([1.5, .pi], "ARRAY[1.5, pi()]::float8[]", on: pool)
            try await roundTrip([true, false], "ARRAY[true, false]", on: pool)
            try await roundTrip(["x", nil], "ARRAY['x', NULL]", on: pool)
            try await roundTrip([PostgresJSON("1"), PostgresJSON("null")], "ARRAY['1', 'null']::jsonb[]", on: pool)
            let ids = (0..<100).map { _ in UUID() }
            let rows = try await pool.query("SELECT id FROM unnest($1) WITH ORDINALITY AS u (id, n) ORDER BY n", [ids])
            #expect(try rows.map { try $0.decode("id", as: UUID.self) } == ids)
            let found = try await pool.query("SELECT 1 WHERE $1 = ANY($2)", [ids[7], ids])
            #expect(found.count == 1)
        }
    }

    @Test func nullsNeedAnOptional() async throws {
        try await TestDatabase.with { _, pool in
            let nothing: Int? = nil
            let row = try #require(
                try await pool.query("SELECT $1 AS a, $2::uuid AS b, $3 AS c", [nothing, PostgresNull(), Optional(3)]).first)
            #expect(try row.decode("a", as: Int?.self) == nil)
            #expect(try row.decode("b", as: UUID?.self) == nil)
            #expect(try row.decode("c", as: Int?.self) == 3)
            let error = #expect(throws: PostgresError.self) { try row.decode("a", as: Int.self) }
            #expect(error?.debugDescription.contains("\"a\" is NULL") == true)
        }
    }

    @Test func aWrongTypeIsNamed() async throws {
        try await TestDatabase.with { _, pool in
            let row = try #require(
                try await pool.query("SELECT 300::int4 AS i, 'x'::text AS t, 1.5 AS n, 9223372036854775807 AS b").first)
            #expect(try row.decode("i", as: Int.self) == 300)
            #expect(try row.decode("i", as: Int16.self) == 300)
            func message<Value: PostgresDecodable>(_ column: String, _ type: Value.Type) -> String {
                do {
                    _ = try row.decode(column, as: type)
                    return "no error"
                } catch {
                    return error.debugDescription
                }
            }
            #expect(message("t", Int.self).contains("\"t\" is text and cannot be read as Int"))
            #expect(message("n", Double.self).contains("cast it in SQL, ::float8"))
            #expect(message("b", Int32.self).contains("too much for Int32"))
            #expect(message("i", UUID.self).contains("int4"))
            #expect(message("nix", Int.self).contains("no column \"nix\" among i, t, n, b"))
        }
    }

    @Test func whatCannotBeSentIsRefusedBeforehand() async throws {
        try await TestDatabase.with { _, pool in
            for parameter in ["a\0b", Date(timeIntervalSince1970: 1e300), Date(timeIntervalSince1970: .nan), ["\0"]] as [any PostgresParameter] {
                let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT $1::text", [parameter]) }
                guard case .invalidParameter = error?.kind else {
                    Issue.record("\(parameter) gave \(String(describing: error))")
                    continue
                }
            }
            let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1\0; DROP TABLE x") }
            #expect(error?.isRetryable == false)
            #expect(throws: PostgresError.self) { try PostgresJSON(encoding: [Double.nan]) }
        }
    }

    @Test func infiniteTimesBecomeTheDistantFuture() async throws {
        try await TestDatabase.with { _, pool in
            let row = try #require(
                try await pool.query("SELECT 'infinity'::timestamptz AS a, '-infinity'::timestamptz AS b").first)
            #expect(try row.decode("a") == Date.distantFuture)
            #expect(try row.decode("b") == Date.distantPast)
        }
    }

    @Test func jsonIsDecoded() async throws {
        struct Options: Codable, Equatable { var frames: Int; var name: String? }
        try await TestDatabase.with { _, pool in
            let options = Options(frames: 16, name: "a/b")
            let row = try #require(try await pool.query("SELECT $1 AS j", [try PostgresJSON(encoding: options)]).first)
            #expect(try row.decode("j", as: PostgresJSON.self).decode() == options)
        }
    }

    @Test func largeValuesSurvive() async throws {
        try await TestDatabase.with { _, pool in
            let bytes = (0..<8_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            let row = try #require(try await pool.query("SELECT $1 AS b", [bytes]).first)
            #expect(try row.decode("b", as: [UInt8].self) == bytes)
        }
    }
}
