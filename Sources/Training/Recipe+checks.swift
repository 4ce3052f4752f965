import Crypto
import Foundation

extension Recipe {
    /// The first value that lies outside its range, with the range; nil if the recipe can be followed.
    public var problem: String? {
        let numbers: [(String, Double, ClosedRange<Double>)] = [
            ("batch", Double(batch), 1...512), ("steps", Double(steps), 1...10_000_000), ("epochs", Double(epochs), 0...1_000_000),
            ("split.heldOut", split.heldOut, 0...0.9), ("mix.clipShare", mix.clipShare, 0...1),
            ("mix.framesPerClip", Double(mix.framesPerClip), 1...Double(min(32, max(1, batch)))),
            ("loss.realWeight", loss.realWeight, 1e-6...1e6), ("loss.fakeWeight", loss.fakeWeight, 1e-6...1e6),
            ("optimiser.rate", optimiser.rate, 1e-12...100), ("optimiser.headRate", optimiser.headRate, 1e-12...100),
            ("optimiser.weightDecay", optimiser.weightDecay, 0...1), ("optimiser.momentum", optimiser.momentum, 0...0.9999),
            ("optimiser.beta1", optimiser.beta1, 0...0.9999), ("optimiser.beta2", optimiser.beta2, 0...0.999999),
            ("optimiser.epsilon", optimiser.epsilon, 1e-30...1), ("optimiser.clipNorm", optimiser.clipNorm, 0...1e9),
            ("optimiser.sharpnessRadius", optimiser.sharpnessRadius, 0...10),
            ("schedule.warmUpSteps", Double(schedule.warmUpSteps), 0...10_000_000), ("schedule.decayShare", schedule.decayShare, 0...1),
            ("schedule.floor", schedule.floor, 0...1), ("average", average, 0...0.999999),
            ("validation.everySteps", Double(validation.everySteps), 0...10_000_000),
            ("validation.cropsPerSource", Double(validation.cropsPerSource), 1...10_000),
            ("validation.blendsPerSource", Double(validation.blendsPerSource), 0...1_000),
            ("validation.patience", Double(validation.patience), 0...1_000_000),
            ("machine.threads", Double(machine.threads), 0...256), ("machine.loaders", Double(machine.loaders), 1...64),
            ("machine.batchesAhead", Double(machine.batchesAhead), 1...64),
            ("machine.saveEverySteps", Double(machine.saveEverySteps), 1...10_000_000),
        ]
        for (name, value, range) in numbers where !range.contains(value) {
            return "\(name) is \(value.plain), not within \(range.lowerBound.plain)…\(range.upperBound.plain)"
        }
        if name.isEmpty || name.utf8.count > 200 { return "name must have 1 to 200 bytes" }
        if version.isEmpty || version.utf8.count > 200 { return "version must have 1 to 200 bytes" }
        for (method, share) in mix.methods.sorted(by: { $0.key < $1.key }) where !(0...1e6).contains(share) {
            return "mix.methods.\(method) is \(share.plain), not a share of 0 or more"
        }
        if kind == .selfBlend, region != .face { return "region must be face: fakes are blended from faces" }
        if kind == .selfBlend, !mix.methods.isEmpty { return "mix.methods belongs to baseline: self-blend makes its fakes itself" }
        if augmentation.region.rawValue != region.rawValue { return "augmentation.region is not region; leave it out" }
        if validation.patience > 0, validation.everySteps == 0 { return "validation.patience needs validation.everySteps above 0" }
        return blend.problem.map { "blend.\($0)" } ?? augmentation.problem.map { "augmentation.\($0)" }
    }

    /// SHA-256 over all that decides the result, in lower-case hexadecimal. The path of the first weights is left out: their own digest counts.
    public var digest: String {
        var decisive = self
        decisive.machine = Machine()
        decisive.start.weights = ""
        return decisive.canonicalJSON.sha256Hexadecimal
    }

    /// The recipe with every value, for people and for a run's folder.
    public var canonicalJSON: Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        do {
            return try encoder.encode(self)
        } catch {
            preconditionFailure("a recipe whose ranges were checked is JSON: \(error)")
        }
    }
}

extension Data {
    var sha256Hexadecimal: String { SHA256.hash(data: self).hexadecimal }
}

extension Digest {
    /// In lower case.
    var hexadecimal: String { map { String(format: "%02x", $0) }.joined() }
}

extension Double {
    /// Without a fraction where there is none.
    fileprivate var plain: String { rounded() == self && abs(self) < 1e9 ? "\(Int(self))" : "\(self)" }
}
