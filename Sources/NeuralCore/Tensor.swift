import CKernels

/// A contiguous, row-major float32 array with a shape; its values never change after it was made.
public struct Tensor: Sendable {
    /// Extent of each axis, outermost first, for example `[T, 3, 224, 224]`. Empty for a scalar.
    public let shape: [Int]
    private let storage: TensorStorage

    /// Number of values: the product of the shape.
    public var count: Int { storage.values.count }

    /// A copy of the values in row-major order.
    public var elements: [Float] { Array(storage.values) }

    /// A tensor holding `elements`, whose number must be the product of `shape`.
    public init(shape: [Int], elements: [Float]) {
        self.init(shape: shape) { destination in
            precondition(destination.count == elements.count, "shape \(shape) does not hold \(elements.count) values")
            _ = destination.update(fromContentsOf: elements)
        }
    }

    /// A tensor whose values, zero at first, are written once by `fill`.
    public init<Failure: Error>(
        shape: [Int], filledBy fill: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Void
    ) throws(Failure) {
        let count = Tensor.elementCount(of: shape)
        precondition(count != nil, "shape \(shape) is not one of a tensor")
        let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: count ?? 0)
        values.initialize(repeating: 0)
        storage = TensorStorage(values: UnsafeBufferPointer(values), owner: .allocation)
        self.shape = shape
        try fill(values)
    }

    /// A tensor that reads memory kept alive by `owner`, such as a mapped file, without a copy.
    ///
    /// The memory must hold exactly the shape's values, aligned for `Float`, and never change while `owner` lives.
    public init(shape: [Int], borrowing values: UnsafeBufferPointer<Float>, from owner: any AnyObject & Sendable) {
        precondition(Tensor.elementCount(of: shape) == values.count, "shape \(shape) does not hold \(values.count) values")
        storage = TensorStorage(values: values, owner: .other(owner))
        self.shape = shape
    }

    /// Calls `body` with the values in row-major order; the pointer is valid only inside.
    public func withUnsafeBuffer<Result, Failure: Error>(
        _ body: (UnsafeBufferPointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let result = try body(storage.values)
        withExtendedLifetime(storage) {}
        return result
    }

    /// The same values in memory of their own, no longer borrowed from anyone.
    public func copied() -> Tensor {
        withUnsafeBuffer { values in
            Tensor(shape: shape) { destination in _ = destination.update(fromContentsOf: values) }
        }
    }

    /// True if no value is a NaN or an infinity.
    public var isFinite: Bool {
        withUnsafeBuffer { values in
            guard let base = values.baseAddress else { return true }
            return all_finite_f32(base, values.count) != 0
        }
    }

    /// Product of a shape, or nil if an extent is negative or the product overflows.
    public static func elementCount(of shape: [Int]) -> Int? {
        var count = 1
        for extent in shape {
            guard extent >= 0 else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard !overflow else { return nil }
            count = product
        }
        return count
    }
}

extension Tensor: Equatable {
    /// Equal shape and equal values; a NaN equals nothing.
    public static func == (left: Tensor, right: Tensor) -> Bool {
        left.shape == right.shape
            && left.withUnsafeBuffer { a in right.withUnsafeBuffer { b in a.elementsEqual(b) } }
    }
}

/// Memory of a tensor. `@unchecked Sendable`: nothing writes to it once the tensor's initialiser has returned.
private final class TensorStorage: @unchecked Sendable {
    enum Owner {
        case allocation
        case other(any AnyObject & Sendable)
    }

    let values: UnsafeBufferPointer<Float>
    private let owner: Owner

    init(values: UnsafeBufferPointer<Float>, owner: Owner) {
        self.values = values
        self.owner = owner
    }

    deinit {
        if case .allocation = owner { values.deallocate() }
    }
}
