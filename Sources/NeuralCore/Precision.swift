/// In what numbers a network is computed; each has a name and a bound, held by tests against PyTorch's float32.
public enum Precision: String, Sendable, CaseIterable, Codable {
    /// float32 throughout, sums by fused multiply-add: layer4's map within 10⁻⁵ of its largest value.
    case float32
    /// Each number as the sum of two bfloat16, three of their four products, sums in float32: layer4's map within 5·10⁻⁵ of its
    /// largest value, the logit within 10⁻⁴. Not float32, and so not called so.
    case split
    /// Each number one bfloat16, sums in float32: P(fake) within 0.005.
    case bfloat16

    /// bfloat16 values that make up a number, nil for float32.
    var parts: Int? {
        switch self {
        case .float32: nil
        case .split: 2
        case .bfloat16: 1
        }
    }
}
