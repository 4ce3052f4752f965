import NeuralCore

/// A change of colours, drawn once and then the same for any picture.
struct ColorChange: Sendable {
    private let rgb: SIMD3<Double>
    private let hsv: (hue: Double, saturation: Double, value: Double)?
    private let gain: Double
    private let brightness: Double

    /// Everything is drawn, whether it happens or not: so what is drawn next never depends on it.
    init(_ ranges: BlendSettings.ColorRanges, random: inout SeededRandom) {
        func either(_ most: Double) -> Double { random.uniform(-most...most) }
        let isShifted = random.chance(ranges.rgbChance)
        let shift = SIMD3(either(ranges.rgb), either(ranges.rgb), either(ranges.rgb))
        rgb = isShifted ? shift : .zero
        let isTurned = random.chance(ranges.hsvChance)
        let turn = (hue: either(ranges.hue), saturation: either(ranges.saturation), value: either(ranges.value))
        hsv = isTurned ? turn : nil
        let isContrasted = random.chance(ranges.contrastChance)
        let (factor, offset) = (1 + either(ranges.contrast), 255 * either(ranges.brightness))
        gain = isContrasted ? factor : 1
        brightness = isContrasted ? offset : 0
    }

    /// Shifts the channels, then hue, saturation and value, then changes the contrast about 128 and the brightness; stays within 0…255.
    func apply(to picture: inout FloatPicture) {
        var shift = rgb
        if let hsv {
            if rgb != .zero { picture.adjust(gain: .one, offset: SIMD3(rgb)) }
            picture.shiftHSV(hueDegrees: hsv.hue, saturation: hsv.saturation, value: hsv.value)
            shift = .zero
        }
        guard gain != 1 || brightness != 0 || shift != .zero else { return }
        let offset = (shift - 128) * gain + 128 + brightness
        picture.adjust(gain: SIMD3(repeating: Float(gain)), offset: SIMD3(offset))
    }
}
