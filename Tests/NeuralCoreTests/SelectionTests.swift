import NeuralCore
import Testing

@Suite("Kernel selection")
struct SelectionTests {
    @Test("left open, the best that the CPU has is taken")
    func automatic() throws {
        let selection = KernelSelection.automatic
        if KernelSet.amx.obstacle == nil {
            #expect(selection.kernels == .amx && selection.precision == .split)
        } else {
            #expect(selection.precision == .float32)
        }
        let float = try KernelSelection(precision: .float32)
        #expect(float.kernels == (CPU.vectorLevel == .avx512 ? .avx512 : CPU.vectorLevel == .avx2 ? .avx2 : .openblas))
    }

    @Test("a family computes what it is asked for, or says what it does", arguments: KernelSet.available)
    func mismatch(kernels: KernelSet) throws {
        for precision in Precision.allCases {
            if kernels.precisions.contains(precision) {
                #expect(try KernelSelection(precision: precision, kernels: kernels).precision == precision)
            } else {
                #expect(throws: KernelError.mismatch(precision, kernels)) {
                    _ = try KernelSelection(precision: precision, kernels: kernels)
                }
            }
        }
        #expect(try KernelSelection(kernels: kernels).precision == kernels.precisions[0])
    }

    @Test("a family that the CPU lacks is refused with its reason and with what there is")
    func unavailable() {
        for kernels in KernelSet.allCases {
            guard let obstacle = kernels.obstacle else { continue }
            #expect(throws: KernelError.unavailable(kernels, obstacle: obstacle)) { _ = try KernelSelection(kernels: kernels) }
        }
        let text = KernelError.unavailable(.amx, obstacle: "the operating system gives no permission for AMX tiles").description
        #expect(text.contains("amx") && text.contains("no permission") && text.contains("reference (float32)"))
        #expect(KernelError.mismatch(.float32, .amx).description.contains("split and bfloat16"))
        #expect(KernelError.threads(10_000).description == "10000 threads asked for; between 1 and 256 can be had")
    }

    @Test("methods follow from shape and kernels")
    func methods() throws {
        let wide = ConvolutionShape(inChannels: 64, height: 56, width: 56, outChannels: 64, kernel: 3, padding: 1)
        let small = ConvolutionShape(inChannels: 64, height: 4, width: 4, outChannels: 64, kernel: 3, padding: 1)
        let strided = ConvolutionShape(inChannels: 64, height: 56, width: 56, outChannels: 64, kernel: 3, stride: 2, padding: 1)
        let few = ConvolutionShape(inChannels: 10, height: 56, width: 57, outChannels: 16, kernel: 3)
        let whole = ConvolutionShape(inChannels: 64, height: 3, width: 3, outChannels: 128, kernel: 3)
        func method(_ shape: ConvolutionShape, _ kernels: KernelSet, isPooled: Bool = false) throws -> ConvolutionMethod? {
            guard kernels.obstacle == nil else { return nil }
            return .choose(shape: shape, selection: try KernelSelection(kernels: kernels), isPooled: isPooled)
        }
        for kernels in [KernelSet.avx2, .avx512] where kernels.obstacle == nil {
            #expect(try method(wide, kernels) == .winograd(tile: 4))
            #expect(try method(small, kernels) == .winograd(tile: 2))
            #expect(try method(strided, kernels) == .direct)
            #expect(try method(wide, kernels, isPooled: true) == .winograd(tile: 4))
            #expect(try method(few, kernels, isPooled: true) == .direct)
            #expect(try method(few, kernels) == .winograd(tile: 4))
            #expect(try method(whole, kernels) == .direct)
        }
        #expect(try method(wide, .reference) == .reference)
        #expect(try method(wide, .openblas) == .matrixProduct)
        if KernelSet.amx.obstacle == nil { #expect(try method(wide, .amx) == .tiles(parts: 2)) }
    }
}
