import Crops
import Testing

@Suite struct SourceRulesTests {
    private static func facts(_ rules: SourceRules, _ path: String) throws(CropsError) -> SourceFacts { try rules.facts(of: [path])[0] }

    @Test(arguments: [
        ("validation/real/183.mp4", CropSource.Label.real, "real", "183"),
        ("validation/fake/Deepfakes_183_253.mp4", .fake, "Deepfakes", "183_253"),
        ("fake/plain.mp4", .fake, "unknown", "plain"), ("Fake/_x.mp4", .fake, "unknown", "_x"), ("fake/x_.mp4", .fake, "unknown", "x_"),
        ("fake/FaceSwap/c23/183_253.mp4", .fake, "FaceSwap", "183_253"), ("real/fake/a_b.mp4", .fake, "a", "b"),
        ("REAL/some_name.tar.mp4", .real, "real", "some_name.tar"), ("real/.mp4", .real, "real", ".mp4"),
    ])
    func foldersSayWhatIsWhat(_ path: String, _ label: CropSource.Label, _ method: String, _ group: String) throws {
        #expect(try Self.facts(SourceRules(), path) == SourceFacts(label: label, method: method, identities: [group]))
    }

    @Test func withoutAWordItIsRefused() throws {
        let error = refusal { () throws(CropsError) in _ = try Self.facts(SourceRules(), "clips/a.mp4") }
        #expect(error == .unlabelled(path: "clips/a.mp4"))
        // The name of the file itself is no folder.
        #expect(refusal { () throws(CropsError) in _ = try Self.facts(SourceRules(), "clips/real") } != nil)
        #expect(try Self.facts(SourceRules(label: .real), "clips/a.mp4") == SourceFacts(label: .real, method: "real", identities: ["a"]))
        // A folder says more than the label for the rest.
        #expect(try Self.facts(SourceRules(label: .real), "clips/fake/a.mp4").label == .fake)
    }

    @Test func patternsCapture() throws {
        let rules = try SourceRules(pattern: #"(?<label>real|fake)/(?:(?<method>[A-Za-z]+\d?[A-Za-z]*)_)?(?<group>\d+)(?:_(?<group2>\d+))?\."#)
        #expect(try Self.facts(rules, "v/real/183.mp4") == SourceFacts(label: .real, method: "real", identities: ["183"]))
        #expect(
            try Self.facts(rules, "v/fake/Face2Face_183_253.mp4")
                == SourceFacts(label: .fake, method: "Face2Face", identities: ["183", "253"]))
        let error = refusal { () throws(CropsError) in _ = try Self.facts(rules, "v/real/nobody.mp4") }
        guard case .noMatch("v/real/nobody.mp4", _)? = error else {
            Issue.record("\(error.map { "\($0)" } ?? "it matched")")
            return
        }
    }

    @Test func aPatternForGroupsAloneLeavesTheRestToFolders() throws {
        let rules = try SourceRules(pattern: #"(?<group>[a-z]+)\d*\.mp4$"#)
        #expect(
            try Self.facts(rules, "fake/Deepfakes_anna12.mp4") == SourceFacts(label: .fake, method: "Deepfakes", identities: ["anna"]))
    }

    @Test(arguments: ["(", "(?<group>", "[a-z]+", "(?<person>a)", "(?<group>a)(?<group10>b)", "(?<group>a)(?<group>b)"])
    func patternsThatCannotBeUsed(_ pattern: String) {
        guard case .badPattern? = refusal({ () throws(CropsError) in _ = try SourceRules(pattern: pattern) }) else {
            Issue.record("\(pattern) was taken")
            return
        }
    }

    @Test func aPatternsLabelIsRealOrFake() throws {
        let rules = try SourceRules(pattern: #"(?<label>[a-z]+)_"#)
        guard case .badPattern? = refusal({ () throws(CropsError) in _ = try rules.facts(of: ["x/original_a.mp4"]) }) else {
            Issue.record("it was taken")
            return
        }
    }

    @Test(arguments: ["x/fake/a.mp4", "fake/b.mp4", "x/c_fake.mp4"]) func rulesThatContradictEachOther(_ path: String) throws {
        let rules = try SourceRules(
            pattern: #"(?:_(?<label>real|fake))?(?<method>\.)mp4"#,
            table: (name: "t.csv", text: "path,label\na.mp4,real\nb.mp4,real\nc_fake.mp4,real"))
        let error = refusal { () throws(CropsError) in _ = try Self.facts(rules, path) }
        let words = error.map { "\($0)" } ?? ""
        #expect(words.contains("t.csv on \(path) says real") && words.contains("says fake"), "\(words)")
    }

    // MARK: Groups

    @Test func pairsBothWaysAreOneGroup() throws {
        let rules = try SourceRules(pattern: #"(?<group>\d{3})(?:_(?<group2>\d{3}))?\."#)
        let paths = [
            "real/183.mp4", "real/253.mp4", "fake/Deepfakes_183_253.mp4", "fake/FaceSwap_253_183.mp4", "real/469.mp4", "fake/NT_469_481.mp4",
            "real/000.mp4",
        ]
        let groups = SourceRules.groups(of: try rules.facts(of: paths).map(\.identities))
        #expect(groups == ["183+253", "183+253", "183+253", "183+253", "469+481", "469+481", "000"])
    }

    @Test func groupsJoinThroughOthers() {
        let groups = SourceRules.groups(of: [["e", "d"], ["a"], ["b", "a"], ["c", "b"], ["d", "c"], ["x"], ["y", "x", "y"]])
        #expect(groups == ["a+4 more", "a+4 more", "a+4 more", "a+4 more", "a+4 more", "x+y", "x+y"])
        #expect(SourceRules.groups(of: []).isEmpty)
    }

    /// However sources are ordered, two are in one group exactly when a chain of shared identities leads from one to the other.
    @Test(arguments: 0..<20) func groupsAreTheComponents(_ seed: Int) {
        var state = UInt64(seed &* 7_919 + 1)
        func draw(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        let sources = (0..<40).map { _ in (0...draw(3)).map { _ in "id\(draw(45))" } }
        let groups = SourceRules.groups(of: sources)
        var reached = Array(sources.indices)
        for _ in sources {
            for (a, one) in sources.enumerated() {
                for (b, other) in sources.enumerated() where !Set(one).isDisjoint(with: other) { reached[a] = min(reached[a], reached[b]) }
            }
        }
        for a in sources.indices {
            for b in sources.indices { #expect((groups[a] == groups[b]) == (reached[a] == reached[b]), "seed \(seed)") }
        }
    }

    // MARK: Tables

    private static func table(_ text: String) throws(CropsError) -> SourceRules { try SourceRules(table: (name: "sources.csv", text: text)) }

    @Test func tablesNameSources() throws {
        let rules = try Self.table(
            """
            \u{FEFF}Path, label ,method,group,group2\r
            a.mp4,real,,anna,\r
            "deep/b, ""the second"".mp4",FAKE,"Face
            Swap",anna,bert

            ./c.mp4,,,,
            """)
        #expect(try Self.facts(rules, "clips/a.mp4") == SourceFacts(label: .real, method: "real", identities: ["anna"]))
        #expect(
            try Self.facts(rules, "clips/deep/b, \"the second\".mp4")
                == SourceFacts(label: .fake, method: "Face\nSwap", identities: ["anna", "bert"]))
        // What a row leaves open is read off the folders.
        #expect(try Self.facts(rules, "fake/Deepfakes_1/c.mp4") == SourceFacts(label: .fake, method: "Deepfakes_1", identities: ["c"]))
        #expect(
            refusal { () throws(CropsError) in _ = try Self.facts(rules, "clips/z.mp4") }
                == .notInTable(path: "clips/z.mp4", name: "sources.csv"))
        #expect(rules.rowsWithoutFile(among: ["clips/a.mp4"]) == ["deep/b, \"the second\".mp4", "c.mp4"])
    }

    @Test func theLongestPathOfATableCounts() throws {
        let rules = try Self.table("path,label\na.mp4,fake\none/a.mp4,real\n")
        #expect(try rules.facts(of: ["x/one/a.mp4", "x/two/a.mp4"]).map(\.label) == [.real, .fake])
        // Half a name is no end of a path.
        #expect(refusal { () throws(CropsError) in _ = try rules.facts(of: ["x/ba.mp4"]) } != nil)
    }

    @Test func twoLabelsInATableAreBothNamed() {
        let error = refusal { () throws(CropsError) in _ = try Self.table("path,label\na.mp4,fake\nb.mp4,real\na.mp4,real\n") }
        let words = error.map { "\($0)" } ?? ""
        #expect(words.contains("line 2 (a.mp4), says fake") && words.contains("line 4 says real"))
        // The same twice is no contradiction.
        #expect(refusal { () throws(CropsError) in _ = try Self.table("path,label\na.mp4,fake\na.mp4,fake\n") } == nil)
    }

    @Test(arguments: [
        ("", 1, "empty"), ("file,label\na,real", 1, "no column file"), ("label\nreal", 1, "no column path"),
        ("path,path\na,b", 1, "twice"), ("path,label\na", 2, "1 fields"), ("path,label\n\n\na,maybe", 4, "must be real or fake"),
        ("path,label\n,real", 2, "no path"), ("path,label\n\"a,real", 2, "not closed"), ("path,label\na\"b,real", 2, "inside a field"),
        ("path,method\na,x\na,y", 3, "in line 2 already"),
    ])
    func tablesThatCannotBeRead(_ text: String, _ line: Int, _ words: String) {
        guard case .badTable(_, let found, let reason)? = refusal({ () throws(CropsError) in _ = try Self.table(text) }) else {
            Issue.record("it was read")
            return
        }
        #expect(found == line && reason.contains(words), "line \(found): \(reason)")
    }

    @Test func aTableGoesBeforeAPattern() throws {
        let rules = try SourceRules(
            pattern: #"(?<method>[A-Z][a-z]+)_(?<group>\w+)\."#, table: (name: "t", text: "path,label,method\nDeep_a.mp4,fake,Other\n"))
        #expect(try Self.facts(rules, "x/Deep_a.mp4") == SourceFacts(label: .fake, method: "Other", identities: ["a"]))
    }
}
