extension BlendSettings {
    /// What changes from frame to frame of a clip. Parts of a face are parts of the longer side of its box.
    public struct Clip: Codable, Sendable, Equatable {
        /// Real and fake alike: how often a clip repeats or leaves out frames, and which share of the frames then show a neighbour's picture.
        public var holdChance = 0.2
        public var holdShare = 0.12
        /// Real and fake alike: how often the crop trembles, and its standard deviation in parts of a face.
        public var shakeChance = 0.3
        public var shake = 0.01
        /// Real and fake alike: how often brightness flickers, and its standard deviation as a factor.
        public var flickerChance = 0.3
        public var flicker = 0.02
        /// Fakes: how often the blended face trembles, and its standard deviation in parts of a face.
        public var trembleChance = 0.35
        public var tremble = 0.008
        /// Fakes: how often the blended face's colour flickers, and its standard deviation of 255.
        public var colorFlickerChance = 0.3
        public var colorFlicker = 4.0
        /// Fakes: how often the mask's strength flickers, and by how much of itself it may fall.
        public var ratioFlickerChance = 0.3
        public var ratioFlicker = 0.3
        /// Fakes: how often the blended face alone repeats or leaves out frames, and which share of them.
        public var innerHoldChance = 0.3
        public var innerHoldShare = 0.15

        public init() {}
    }
}
