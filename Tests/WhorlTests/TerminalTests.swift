import Testing

/// What changes when a person looks on.
@Suite struct TerminalTests {
    @Test func progressAndColour() throws {
        let folder = try TestFolder()
        let arguments = ["analyze", "--model", try WhorlProcess.model.get(), try folder.clip(), "--frames", "2"]
        let outcome = try WhorlProcess.runOnTerminal(arguments)
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("clip.mp4  ["))
        #expect(outcome.output.contains("% "))
        #expect(outcome.output.contains("\u{1B}[1;33m UNCERTAIN "))
        // The bar is taken away before the verdict is written.
        #expect(outcome.output.contains("\r\u{1B}[K\u{1B}[1m"))
    }

    @Test func noColorIsRespected() throws {
        let folder = try TestFolder()
        let arguments = ["analyze", "--model", try WhorlProcess.model.get(), try folder.clip(), "--frames", "2"]
        let outcome = try WhorlProcess.runOnTerminal(arguments, environment: ["NO_COLOR": "1"])
        #expect(outcome.status == 0)
        #expect(outcome.output.contains(" UNCERTAIN "))
        #expect(outcome.output.firstMatch(of: /\x1B\[[0-9;]*m/) == nil)
    }

    @Test func aTerminalThatMovesNoCursor() throws {
        let folder = try TestFolder()
        let arguments = ["analyze", "--model", try WhorlProcess.model.get(), try folder.clip(), "--frames", "2"]
        let outcome = try WhorlProcess.runOnTerminal(arguments, environment: ["TERM": "dumb"])
        #expect(outcome.status == 0)
        #expect(!outcome.output.contains("\u{1B}"))
    }

    /// A file's name may hold what a terminal would obey.
    @Test func namesCommandNoTerminal() throws {
        let folder = try TestFolder()
        let clip = try folder.clip("red\u{1B}[31m.mp4")
        let outcome = try WhorlProcess.analyze([clip, "\(folder.path)/miss\u{1B}[31ming.mp4", "--frames", "2"])
        #expect(outcome.status == 3)
        #expect(!outcome.output.contains("\u{1B}") && !outcome.error.contains("\u{1B}"))
    }
}
