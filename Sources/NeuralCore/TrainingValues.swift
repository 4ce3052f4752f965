import CKernels

/// Where the values and gradients of a network in training lie.
///
/// Time counts the layers forward and then the same ones back; memory is shared by what is not needed at the same time. The gradient of a residual
/// is that of the sum it went into, so both have one place.
struct TrainingValues {
    let layers: [NetworkDescription.Layer]
    let form: NormForm
    let selection: KernelSelection
    let floatKernels: float_kernels
    let kernels: gradient_kernels
    /// By value.
    private(set) var places: [ValuePlace] = []
    /// By layer: what its normalisation reads, and where the gradient is spread out for a stride.
    private(set) var normalised: [Int: ValuePlace] = [:]
    private(set) var spread: [Int: ValuePlace] = [:]
    /// Layers whose input's gradient holds another reader's part already when they come to it, and those whose residual's does.
    private(set) var addsToInput: Set<Int> = []
    private(set) var addsToResidual: Set<Int> = []
    private(set) var byteCount = 0

    private let network: NetworkDescription
    /// By value: which of the gradients' places is its own.
    private var gradientGroup: [Int: Int] = [:]
    private var gradientPlaces: [ValuePlace] = []

    init(_ network: NetworkDescription, form: NormForm, batch: Int, selection: KernelSelection) {
        self.network = network
        self.form = form
        self.selection = selection
        layers = network.layers
        floatKernels = PlanCompiler.kernels(for: network, of: selection.kernels)
        kernels = selection.kernels.gradientKernels(panel: floatKernels.panel)
        let births = groupGradients()
        place(births: births, batch: batch)
    }

    /// Where a value's gradient lies; nil for the network's input and for what nothing reads.
    func gradient(of value: Int) -> ValuePlace? { gradientGroup[value].map { gradientPlaces[$0] } }

    func method(_ shape: ConvolutionShape) -> ConvolutionMethod {
        ConvolutionMethod.choose(shape: shape, selection: selection, isPooled: false)
    }

    /// The convolution that makes an input's gradient out of the output's: stride 1, as much padding as the kernel needs beyond the picture.
    static func turned(_ shape: ConvolutionShape) -> ConvolutionShape {
        precondition(shape.padding < shape.kernel, "a padding of \(shape.padding) for a kernel of \(shape.kernel)")
        let padding = shape.kernel - 1 - shape.padding
        return ConvolutionShape(
            inChannels: shape.outChannels, height: shape.inHeight + shape.kernel - 1 - 2 * padding,
            width: shape.inWidth + shape.kernel - 1 - 2 * padding, outChannels: shape.inChannels, kernel: shape.kernel, padding: padding)
    }

    // MARK: Gradients

    /// Goes back through the layers and finds which values share a gradient's place; gives the time at which each place is first written.
    private mutating func groupGradients() -> [Int] {
        var births: [Int] = []
        func isBorn(_ value: Int) -> Bool { gradientGroup[value] != nil }
        func bear(_ value: Int, at time: Int) {
            gradientGroup[value] = births.count
            births.append(time)
        }
        bear(output(of: layers.count - 1), at: layers.count)
        for index in layers.indices.reversed() {
            precondition(isBorn(output(of: index)), "nothing reads the output of \(name(of: index))")
            switch layers[index] {
            case .maximumPool(let pool): bear(pool.input, at: backward(index))
            case .convolution(let convolution):
                // What a layer both reads and adds needs a place of its own: the gradient cannot be read where it is written.
                if let residual = convolution.residual, residual != convolution.input, !isBorn(residual) {
                    gradientGroup[residual] = gradientGroup[convolution.output]
                } else if convolution.residual != nil {
                    addsToResidual.insert(index)
                }
                guard convolution.input != network.input.index else { continue }
                if isBorn(convolution.input) {
                    addsToInput.insert(index)
                } else {
                    bear(convolution.input, at: backward(index))
                }
            }
        }
        return births
    }

    private func backward(_ layer: Int) -> Int { 2 * layers.count - 1 - layer }

    private func output(of layer: Int) -> Int {
        switch layers[layer] {
        case .convolution(let convolution): convolution.output
        case .maximumPool(let pool): pool.output
        }
    }

    private func name(of layer: Int) -> String {
        switch layers[layer] {
        case .convolution(let convolution): convolution.name
        case .maximumPool(let pool): pool.name
        }
    }

    // MARK: Places

    /// Something that wants a place, and which it is.
    private struct Wish {
        enum Owner { case value(Int), gradient(Int), normalised(Int), spread(Int) }
        let owner: Owner
        let layout: ActivationLayout
        let first: Int
        let last: Int
    }

    private mutating func place(births: [Int], batch: Int) {
        let wishes = valueWishes() + gradientWishes(births: births) + layerWishes()
        let packing = LifetimePacking(
            wishes.map { .init(byteCount: $0.layout.byteCount(frames: batch), first: $0.first, last: $0.last) })
        byteCount = packing.byteCount
        let nowhere = ValuePlace(layout: wishes[0].layout, isShared: true, offset: 0)
        places = [ValuePlace](repeating: nowhere, count: network.dimensions.count)
        gradientPlaces = [ValuePlace](repeating: nowhere, count: births.count)
        for (wish, offset) in zip(wishes, packing.offsets) {
            let place = ValuePlace(layout: wish.layout, isShared: true, offset: offset)
            switch wish.owner {
            case .value(let value): places[value] = place
            case .gradient(let group): gradientPlaces[group] = place
            case .normalised(let layer): normalised[layer] = place
            case .spread(let layer): spread[layer] = place
            }
        }
    }

    private func padded(_ channels: Int) -> Int { roundedUp(channels, to: floatKernels.panel) }

    /// Values, from the layer that makes them to the last that needs them, forward or back.
    private func valueWishes() -> [Wish] {
        network.dimensions.indices.map { value in
            var (first, last) = (0, 0)
            var border = 0
            var isUnpadded = value == network.input.index
            for (index, layer) in layers.enumerated() {
                if output(of: index) == value {
                    first = index
                    last = max(last, backward(index))
                }
                switch layer {
                case .convolution(let convolution):
                    if convolution.residual == value { last = max(last, index) }
                    guard convolution.input == value else { continue }
                    border = max(border, convolution.shape.padding)
                    if case .winograd = method(convolution.shape) { isUnpadded = false }
                    last = max(last, backward(index))
                case .maximumPool(let pool):
                    if pool.input == value { last = max(last, backward(index)) }
                }
            }
            let size = network.dimensions[value]
            return Wish(
                owner: .value(value),
                layout: ActivationLayout(
                    format: .float32, height: size.height, width: size.width, channels: isUnpadded ? size.channels : padded(size.channels),
                    border: border),
                first: first, last: last)
        }
    }

    /// Gradients, from the first layer back that writes to them to the last that reads them.
    private func gradientWishes(births: [Int]) -> [Wish] {
        births.indices.map { group in
            let members = gradientGroup.filter { $0.value == group }.map(\.key)
            let size = network.dimensions[members.min() ?? 0]
            var last = births[group]
            var border = 0
            for (index, layer) in layers.enumerated() where members.contains(output(of: index)) {
                last = max(last, backward(index))
                if form == .folded, case .convolution(let convolution) = layer { border = max(border, gradientBorder(convolution)) }
            }
            return Wish(
                owner: .gradient(group),
                layout: ActivationLayout(
                    format: .float32, height: size.height, width: size.width, channels: padded(size.channels), border: border),
                first: births[group], last: last)
        }
    }

    /// What normalisations read, and gradients spread out.
    private func layerWishes() -> [Wish] {
        layers.enumerated().flatMap { index, layer -> [Wish] in
            guard case .convolution(let convolution) = layer else { return [] }
            let shape = convolution.shape
            var wishes: [Wish] = []
            if form != .folded {
                let layout = ActivationLayout(
                    format: .float32, height: shape.outHeight, width: shape.outWidth, channels: padded(shape.outChannels),
                    border: gradientBorder(convolution))
                wishes.append(Wish(owner: .normalised(index), layout: layout, first: index, last: backward(index)))
            }
            if shape.stride > 1, convolution.input != network.input.index {
                let turned = TrainingValues.turned(shape)
                let layout = ActivationLayout(
                    format: .float32, height: turned.inHeight, width: turned.inWidth, channels: padded(shape.outChannels),
                    border: turned.padding)
                wishes.append(Wish(owner: .spread(index), layout: layout, first: backward(index), last: backward(index)))
            }
            return wishes
        }
    }

    /// Zeros around a gradient that the turned convolution reads where it lies.
    private func gradientBorder(_ convolution: NetworkDescription.Convolution) -> Int {
        let isReadThere = convolution.shape.stride == 1 && convolution.input != network.input.index
        return isReadThere ? convolution.shape.kernel - 1 - convolution.shape.padding : 0
    }
}
