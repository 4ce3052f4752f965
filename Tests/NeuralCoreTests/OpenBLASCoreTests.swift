import NeuralCore
import Testing

@Suite("OpenBLAS core")
struct OpenBLASCoreTests {
    @Test(
        "a wrong choice is corrected once, a right one and the operator's stand",
        arguments: [
            ("Prescott", .avx512, nil, nil, .reexecute("SkylakeX")),
            ("Prescott", .avx2, nil, nil, .reexecute("Haswell")),
            ("Haswell", .avx512, nil, nil, .reexecute("SkylakeX")),
            ("Sandybridge", .avx2, nil, nil, .reexecute("Haswell")),
            ("SomethingNew", .avx2, "", nil, .reexecute("Haswell")),
            ("Prescott", .baseline, nil, nil, .keep),
            ("Haswell", .avx2, nil, nil, .keep),
            ("Zen", .avx512, nil, nil, .keep),
            ("SkylakeX", .avx512, nil, nil, .keep),
            ("Cooperlake", .avx512, nil, nil, .keep),
            ("Prescott", .avx512, "Prescott", nil, .operatorChoice("Prescott")),
            ("Prescott", .avx512, "SkylakeX", "1", .corrected("SkylakeX")),
            ("Prescott", .avx512, nil, "1", .corrected("Prescott")),
        ] as [(String, CPU.VectorLevel, String?, String?, OpenBLASCore.Decision)])
    func decision(
        name: String, level: CPU.VectorLevel, coreType: String?, marker: String?,
        expected: OpenBLASCore.Decision
    ) {
        #expect(OpenBLASCore.decide(coreName: name, level: level, coreType: coreType, marker: marker) == expected)
    }
}
