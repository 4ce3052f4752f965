import JobModel

/// Which packets have to be decoded for the frames of a sampling, in pieces that do not need each other.
struct DecodePlan: Sendable {
    /// A wanted frame.
    struct Target: Sendable, Equatable {
        /// The first sample that shows it.
        var sample: Int
        var number: Int
        /// Its place in the index.
        var packet: Int
        var displayTime: Int64
    }

    /// A run of packets from a keyframe to the last one that its targets need.
    struct Unit: Sendable {
        var firstPacket: Int
        var lastPacket: Int
        /// By display time.
        var targets: [Int64: Target]

        var packetCount: Int { lastPacket - firstPacket + 1 }
    }

    /// Ordered so that the longest come first: units are handed out one by one, and a long one at the end would keep the others waiting.
    let units: [Unit]

    /// What it takes to get the frames `numbers`, ascending, one for each sample.
    init(_ numbers: [Int], of index: PacketIndex) {
        var units: [Unit] = []
        for (sample, number) in numbers.enumerated() where sample == 0 || numbers[sample - 1] != number {
            let packet = index.packet(ofFrame: number)
            let target = Target(
                sample: sample, number: number, packet: packet, displayTime: index.entries[packet].displayTime)
            let beginning = index.beginning(ofFrame: number)
            // A group's frames come one after the other in order of display, but for the leading ones of the next group.
            if let last = units.indices.last(where: { units[$0].firstPacket == beginning }) {
                units[last].lastPacket = max(units[last].lastPacket, packet)
                units[last].targets[target.displayTime] = target
            } else {
                units.append(Unit(firstPacket: beginning, lastPacket: packet, targets: [target.displayTime: target]))
            }
        }
        self.units = units.sorted { $0.packetCount > $1.packetCount }
    }

    var packetCount: Int { units.reduce(0) { $0 + $1.packetCount } }

    /// How many units to decode side by side, each on one thread, when there are `threads`: 1 when a single decoder with all threads would be
    /// done earlier, since one unit outweighs the others.
    func decoders(threads: Int) -> Int {
        var loads = [Int](repeating: 0, count: threads)
        for unit in units {
            guard let least = loads.indices.min(by: { loads[$0] < loads[$1] }) else { return 1 }
            loads[least] += unit.packetCount
        }
        let longest = Double(loads.max() ?? 0)
        // Threads within one decoder wait for each other; they reach about this share of their number.
        let together = Double(packetCount) / (Double(threads) * 0.85)
        return longest <= together ? min(threads, units.count) : 1
    }
}

extension PacketIndex {
    /// The frames of a sampling that begins where decoding is cheap: each within the tolerance of the exact one, at as few packets after a
    /// keyframe as can be had, no frame twice.
    func cheapFrames(_ sampling: Sampling, in range: Range<Int>) -> [Int] {
        let exact = SamplePlan.frameNumbers(sampling, in: range)
        let run = sampling.windows?.frames ?? 1
        let tolerance = SamplePlan.tolerance(sampling, in: range)
        guard tolerance >= run else { return exact }
        let distances = distancesFromKeyframe()
        var numbers: [Int] = []
        var next = range.lowerBound
        for start in stride(from: 0, to: exact.count, by: run) {
            let wanted = exact[start]
            let low = max(next, wanted - tolerance), high = min(range.upperBound - run, wanted + tolerance)
            guard low <= high else { return exact }
            let best = (low...high).min { (distances[$0], abs($0 - wanted)) < (distances[$1], abs($1 - wanted)) } ?? wanted
            numbers += SamplePlan.consecutive(run, from: best, in: range)
            next = best + run
        }
        return numbers
    }

    /// For each frame how many packets lie between it and the one at which its decoding begins.
    private func distancesFromKeyframe() -> [Int] {
        (0..<frameCount).map { packet(ofFrame: $0) - beginning(ofFrame: $0) }
    }
}
