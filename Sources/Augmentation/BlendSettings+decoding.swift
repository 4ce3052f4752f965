extension BlendSettings: PartialSettings {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case patch, hulls, difference, placement, mask, photometric, detail, compression, crop, clip
    }

    public init(from decoder: any Decoder) throws {
        self.init()
        try adjust(from: decoder)
        if let problem { throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: problem)) }
    }

    mutating func adjust(from decoder: any Decoder) throws {
        let read = try SettingReader(decoder, CodingKeys.self)
        try read.part(.patch, &patch)
        try read.part(.hulls, &hulls)
        try read.part(.difference, &difference)
        try read.part(.placement, &placement)
        try read.part(.mask, &mask)
        try read.part(.photometric, &photometric)
        try read.part(.detail, &detail)
        try read.part(.compression, &compression)
        try read.part(.crop, &crop)
        try read.part(.clip, &clip)
    }
}

extension BlendSettings.Patch: PartialSettings {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case scale, flipChance, shrinkChance, shrink, sidePixels
    }

    public init(from decoder: any Decoder) throws {
        self.init()
        try adjust(from: decoder)
    }

    mutating func adjust(from decoder: any Decoder) throws {
        let read = try SettingReader(decoder, CodingKeys.self)
        try read(.scale, &scale)
        try read(.flipChance, &flipChance)
        try read(.shrinkChance, &shrinkChance)
        try read(.shrink, &shrink)
        try read(.sidePixels, &sidePixels)
    }
}

extension BlendSettings.Hulls: PartialSettings {
    enum CodingKeys: String, CodingKey, CaseIterable {
                case oval, jawAndBrows, innerFace, components, raisedForehead, lowerFace, mouth, componentScale, mouthScale, foreheadRaise,
            landmarkShare, landmarkShares
    }

    public init(from decoder: any Decoder) throws {
        self.init()
        try adjust(from: decoder)
    }

    mutating func adjust(from decoder: any Decoder) throws {
        let read = try SettingReader(decoder, CodingKeys.self)
        try read(.oval, &oval)
        try read(.jawAndBrows, &jawAndBrows)
        try read(.innerFace, &innerFace)
        try read(.components, &components)
        try read(.raisedForehead, &raisedForehead)
        try read(.lowerFace, &lowerFace)
        try read(.mouth, &mouth)
        try read(.componentScale, &componentScale)
        try read(.mouthScale, &mouthScale)
        try read(.foreheadRaise, &foreheadRaise)
        try read(.landmarkShare, &landmarkShare)
        try read(.landmarkShares, &landmarkShares)
    }
}

extension BlendSettings.Difference: PartialSettings {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case targetShare, color, resampleShare, fixedFactorShare, fixedFactors, factor, sharpen, sharpenSigma
    }

    public init(from decoder: any Decoder) throws {
        self.init()
        try adjust(from: decoder)
    }

    mutating func adjust(from decoder: any Decoder) throws {
        let read = try SettingReader(decoder, CodingKeys.self)
        try read(.targetShare, &targetShare)
        try read.part(.color, &color)
        try read(.resampleShare, &resampleShare)
        try read(.fixedFactorShare, &fixedFactorShare)
        try read(.fixedFactors, &fixedFactors)
        try read(.factor, &factor)
        try read(.sharpen, &sharpen)
        try read(.sharpenSigma, &sharpenSigma)
    }
}

extension BlendSettings.Placement: PartialSettings {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case shiftX, shiftY, scale, turnChance, turnDegrees
    }

    public init(from decoder: any Decoder) throws {
        self.init()
        try adjust(from: decoder)
    }

    mutating func adjust(from decoder: any Decoder) throws {
        let read = try SettingReader(decoder, CodingKeys.self)
        try read(.shiftX, &shiftX)
        try read(.shiftY, &shiftY)
        try read(.scale, &scale)
        try read(.turnChance, &turnChance)
        try read(.turnDegrees, &turnDegrees)
    }
}

extension BlendSettings.Mask: PartialSettings {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case elasticStrength, elasticSigma, sidePixels, firstKernel, leastWhole, secondKernel, secondSigma, ratios
    }

    public init(from decoder: any Decoder) throws {
        self.init()
        try adjust(from: decoder)
    }

    mutating func adjust(from decoder: any Decoder) throws {
        let read = try SettingReader(decoder, CodingKeys.self)
        try read(.elasticStrength, &elasticStrength)
        try read(.elasticSigma, &elasticSigma)
        try read(.sidePixels, &sidePixels)
        try read(.firstKernel, &firstKernel)
        try read(.leastWhole, &leastWhole)
        try read(.secondKernel, &secondKernel)
        try read(.secondSigma, &secondSigma)
        try read(.ratios, &ratios)
    }
}

extension BlendSettings.Photometric: PartialSettings {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case chance, color
    }

    public init(from decoder: any Decoder) throws {
        self.init()
        try adjust(from: decoder)
    }

    mutating func adjust(from decoder: any Decoder) throws {
        let read = try SettingReader(decoder, CodingKeys.self)
        try read(.chance, &chance)
        try read.part(.color, &color)
    }
}

extension BlendSettings.Detail: PartialSettings {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case coarserShare, factor, sharperShare, sharpen, sharpenSigma
    }

    public init(from decoder: any Decoder) throws {
        self.init()
        try adjust(from: decoder)
    }

    mutating func adjust(from decoder: any Decoder) throws {
        let read = try SettingReader(decoder, CodingKeys.self)
        try read(.coarserShare, &coarserShare)
        try read(.factor, &factor)
        try read(.sharperShare, &sharperShare)
        try read(.sharpen, &sharpen)
        try read(.sharpenSigma, &sharpenSigma)
    }
}

extension BlendSettings.Compression: PartialSettings {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case h264Share, jpegShare, crf, jpegQuality, preset
    }

    public init(from decoder: any Decoder) throws {
        self.init()
        try adjust(from: decoder)
    }

    mutating func adjust(from decoder: any Decoder) throws {
        let read = try SettingReader(decoder, CodingKeys.self)
        try read(.h264Share, &h264Share)
        try read(.jpegShare, &jpegShare)
        try read(.crf, &crf)
        try read(.jpegQuality, &jpegQuality)
        try read(.preset, &preset)
    }
}

extension BlendSettings.FinalCrop: PartialSettings {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case margin, jitter
    }

    public init(from decoder: any Decoder) throws {
        self.init()
        try adjust(from: decoder)
    }

    mutating func adjust(from decoder: any Decoder) throws {
        let read = try SettingReader(decoder, CodingKeys.self)
        try read(.margin, &margin)
        try read(.jitter, &jitter)
    }
}

extension BlendSettings.ColorRanges: PartialSettings {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case rgbChance, rgb, hsvChance, hue, saturation, value, contrastChance, brightness, contrast
    }

    public init(from decoder: any Decoder) throws {
        self.init()
        try adjust(from: decoder)
    }

    mutating func adjust(from decoder: any Decoder) throws {
        let read = try SettingReader(decoder, CodingKeys.self)
        try read(.rgbChance, &rgbChance)
        try read(.rgb, &rgb)
        try read(.hsvChance, &hsvChance)
        try read(.hue, &hue)
        try read(.saturation, &saturation)
        try read(.value, &value)
        try read(.contrastChance, &contrastChance)
        try read(.brightness, &brightness)
        try read(.contrast, &contrast)
    }
}

extension BlendSettings.Clip: PartialSettings {
    enum CodingKeys: String, CodingKey, CaseIterable {
                case holdChance, holdShare, shakeChance, shake, flickerChance, flicker, trembleChance, tremble, colorFlickerChance,
            colorFlicker, ratioFlickerChance, ratioFlicker, innerHoldChance, innerHoldShare
    }

    public init(from decoder: any Decoder) throws {
        self.init()
        try adjust(from: decoder)
    }

    mutating func adjust(from decoder: any Decoder) throws {
        let read = try SettingReader(decoder, CodingKeys.self)
        try read(.holdChance, &holdChance)
        try read(.holdShare, &holdShare)
        try read(.shakeChance, &shakeChance)
        try read(.shake, &shake)
        try read(.flickerChance, &flickerChance)
        try read(.flicker, &flicker)
        try read(.trembleChance, &trembleChance)
        try read(.tremble, &tremble)
        try read(.colorFlickerChance, &colorFlickerChance)
        try read(.colorFlicker, &colorFlicker)
        try read(.ratioFlickerChance, &ratioFlickerChance)
        try read(.ratioFlicker, &ratioFlicker)
        try read(.innerHoldChance, &innerHoldChance)
        try read(.innerHoldShare, &innerHoldShare)
    }
}
