extension BlendSettings {
    /// The first thing that makes no sense, nil if all can be used.
    public var problem: String? {
        let parts: [String?] = [
            patch.problem, hulls.problem, difference.problem, placement.problem, mask.problem, photometric.color.problem("photometric.color"),
            Self.unless(chance: photometric.chance, "photometric.chance"), detail.problem, compression.problem, crop.problem, clip.problem,
        ]
        return parts.lazy.compactMap(\.self).first
    }

    static func unless(chance value: Double, _ name: String) -> String? {
        (0...1).contains(value) ? nil : "\(name) is \(value), not within 0…1"
    }

    static func unless<Value: Comparable>(_ value: Value, within range: ClosedRange<Value>, _ name: String) -> String? {
        range.contains(value) ? nil : "\(name) is \(value), not within \(range.lowerBound)…\(range.upperBound)"
    }

    static func unless<Value: Comparable>(_ value: ClosedRange<Value>, within range: ClosedRange<Value>, _ name: String) -> String? {
        value.lowerBound >= range.lowerBound && value.upperBound <= range.upperBound
            ? nil : "\(name) is \(value.lowerBound)…\(value.upperBound), not within \(range.lowerBound)…\(range.upperBound)"
    }
}

extension BlendSettings.Patch {
    var problem: String? {
        BlendSettings.unless(scale, within: 1...4, "patch.scale") ?? BlendSettings.unless(chance: flipChance, "patch.flipChance")
            ?? BlendSettings.unless(chance: shrinkChance, "patch.shrinkChance") ?? BlendSettings.unless(shrink, within: 0.1...1, "patch.shrink")
            ?? BlendSettings.unless(sidePixels, within: 32...2_048, "patch.sidePixels")
    }
}

extension BlendSettings.Hulls {
    var problem: String? {
        if !Self.areShares(shares) { return "the shares of hulls are negative or add up to nothing" }
        if landmarkShares.count != 5 || !Self.areShares(landmarkShares) {
            return "hulls.landmarkShares is \(landmarkShares); it takes five shares, none negative, that add up to something"
        }
        return BlendSettings.unless(componentScale, within: 0.5...2, "hulls.componentScale")
            ?? BlendSettings.unless(mouthScale, within: 0.5...3, "hulls.mouthScale")
            ?? BlendSettings.unless(foreheadRaise, within: 0...0.5, "hulls.foreheadRaise")
            ?? BlendSettings.unless(chance: landmarkShare, "hulls.landmarkShare")
    }

    private static func areShares(_ shares: [Double]) -> Bool {
        let sum = shares.reduce(0, +)
        return shares.allSatisfy { $0 >= 0 } && sum > 0 && sum.isFinite
    }
}

extension BlendSettings.Difference {
    var problem: String? {
        if fixedFactors.isEmpty || !fixedFactors.allSatisfy((1...16).contains) {
            return "difference.fixedFactors is \(fixedFactors); it takes factors of 1…16"
        }
        return color.problem("difference.color") ?? BlendSettings.unless(chance: targetShare, "difference.targetShare")
            ?? BlendSettings.unless(chance: resampleShare, "difference.resampleShare")
            ?? BlendSettings.unless(chance: fixedFactorShare, "difference.fixedFactorShare")
            ?? BlendSettings.unless(factor, within: 1...16, "difference.factor")
            ?? BlendSettings.unless(sharpen, within: 0...10, "difference.sharpen")
            ?? BlendSettings.unless(sharpenSigma, within: 0.3...10, "difference.sharpenSigma")
    }
}

extension BlendSettings.Placement {
    var problem: String? {
        BlendSettings.unless(shiftX, within: 0...0.5, "placement.shiftX") ?? BlendSettings.unless(shiftY, within: 0...0.5, "placement.shiftY")
            ?? BlendSettings.unless(scale, within: 0.5...2, "placement.scale")
            ?? BlendSettings.unless(chance: turnChance, "placement.turnChance")
            ?? BlendSettings.unless(turnDegrees, within: 0...90, "placement.turnDegrees")
    }
}

extension BlendSettings.Mask {
    var problem: String? {
        if ratios.isEmpty || !ratios.allSatisfy({ $0 > 0 && $0 <= 1 }) { return "mask.ratios is \(ratios); it takes ratios above 0 up to 1" }
        return BlendSettings.unless(elasticStrength, within: 0...500, "mask.elasticStrength")
            ?? BlendSettings.unless(elasticSigma, within: 1...50, "mask.elasticSigma")
            ?? BlendSettings.unless(sidePixels, within: 64...1_024, "mask.sidePixels")
            ?? BlendSettings.unless(firstKernel, within: 1...99, "mask.firstKernel")
            ?? BlendSettings.unless(leastWhole, within: 0...0.9, "mask.leastWhole")
            ?? BlendSettings.unless(secondKernel, within: 1...99, "mask.secondKernel")
            ?? BlendSettings.unless(secondSigma, within: 0.3...99, "mask.secondSigma")
    }
}

extension BlendSettings.Detail {
    var problem: String? {
        if coarserShare < 0 || sharperShare < 0 || coarserShare + sharperShare > 1 + 1e-9 {
            return "the shares of detail are \(coarserShare) and \(sharperShare); none is negative and together they are at most 1"
        }
        return BlendSettings.unless(factor, within: 1...16, "detail.factor") ?? BlendSettings.unless(sharpen, within: 0...10, "detail.sharpen")
            ?? BlendSettings.unless(sharpenSigma, within: 0.3...10, "detail.sharpenSigma")
    }
}

extension BlendSettings.Compression {
    var problem: String? {
        if h264Share < 0 || jpegShare < 0 || h264Share + jpegShare > 1 + 1e-9 {
            return "the shares of compression are \(h264Share) and \(jpegShare); none is negative and together they are at most 1"
        }
        return BlendSettings.unless(crf, within: 0...51, "compression.crf")
            ?? BlendSettings.unless(jpegQuality, within: 1...100, "compression.jpegQuality")
    }
}

extension BlendSettings.FinalCrop {
    var problem: String? {
        BlendSettings.unless(margin, within: -0.3...1, "crop.margin") ?? BlendSettings.unless(jitter, within: 0...0.5, "crop.jitter")
    }
}

extension BlendSettings.ColorRanges {
    func problem(_ name: String) -> String? {
        BlendSettings.unless(chance: rgbChance, name + ".rgbChance") ?? BlendSettings.unless(chance: hsvChance, name + ".hsvChance")
            ?? BlendSettings.unless(chance: contrastChance, name + ".contrastChance")
            ?? BlendSettings.unless(rgb, within: 0...255, name + ".rgb") ?? BlendSettings.unless(hue, within: 0...180, name + ".hue")
            ?? BlendSettings.unless(saturation, within: 0...255, name + ".saturation")
            ?? BlendSettings.unless(value, within: 0...255, name + ".value")
            ?? BlendSettings.unless(brightness, within: 0...1, name + ".brightness")
            ?? BlendSettings.unless(contrast, within: 0...1, name + ".contrast")
    }
}

extension BlendSettings.Clip {
    var problem: String? {
        let chances = [
            ("holdChance", holdChance), ("shakeChance", shakeChance), ("flickerChance", flickerChance), ("trembleChance", trembleChance),
            ("colorFlickerChance", colorFlickerChance), ("ratioFlickerChance", ratioFlickerChance), ("innerHoldChance", innerHoldChance),
            ("holdShare", holdShare), ("innerHoldShare", innerHoldShare), ("ratioFlicker", ratioFlicker),
        ]
        for (name, value) in chances {
            if let problem = BlendSettings.unless(chance: value, "clip." + name) { return problem }
        }
        return BlendSettings.unless(shake, within: 0...0.2, "clip.shake") ?? BlendSettings.unless(flicker, within: 0...0.5, "clip.flicker")
            ?? BlendSettings.unless(tremble, within: 0...0.2, "clip.tremble")
            ?? BlendSettings.unless(colorFlicker, within: 0...100, "clip.colorFlicker")
    }
}
