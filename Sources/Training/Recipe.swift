import Augmentation
import Detector

/// Everything that decides what a training makes of its data: one recipe, one data set and one kernel path give the same weights to the byte.
///
/// Read from YAML by `RecipeReader`; every value has a default, and docs/recipes.md lists them.
public struct Recipe: Codable, Sendable, Equatable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// Learns from given reals and given fakes.
        case baseline
        /// Learns from reals and the fakes that it makes of them.
        case selfBlend = "self-blend"
    }

    /// How sources are divided before training.
    public struct Split: Codable, Sendable, Equatable {
        /// Share of the groups that is held out for validation, by label, 0…0.9; 0 holds out nothing.
        public var heldOut: Double = 0.2
        /// What the division is drawn from: apart from the run's seed, so that several seeds are judged on the same people.
        public var seed: UInt64 = 0

        public init() {}
    }

    /// How batches are drawn.
    public struct Mix: Codable, Sendable, Equatable {
        /// Share of draws that go to clips, the others to stills, 0…1; where there is only one kind, all go there.
        public var clipShare: Double = 0.5
        /// Of self-blend: frames of a clip that are blended alike and stand in one batch, 1…32 and at most `batch`.
        public var framesPerClip: Int = 1
        /// Of baseline: halves of reals and fakes, or every crop once an epoch.
        public var balance: LabelledSource.Balance = .equal
        /// Of baseline with `balance: equal`: shares of the fakes by method; with none, methods count by their sources.
        public var methods: [String: Double] = [:]

        public init() {}
    }

    /// When and on what the run is judged.
    public struct Validation: Codable, Sendable, Equatable {
        /// Steps from one validation to the next, and one at the end; 0 is never.
        public var everySteps: Int = 250
        /// Crops of a source that are judged, spread evenly, at least 1.
        public var cropsPerSource: Int = 8
        /// Of self-blend: pairs that are blended from each held-out source with fixed seeds, 0 or more.
        public var blendsPerSource: Int = 4
        /// Stops after so many validations without a better AUC, and writes the best average besides the last; 0 goes on to the end.
        public var patience: Int = 0

        public init() {}
    }

    /// What the network is at first.
    public struct Start: Codable, Sendable, Equatable {
        public enum Missing: String, Codable, Sendable, CaseIterable {
            /// Tensors that the file lacks are an error.
            case refuse
            /// A block's first convolution is He-normal, its second and all biases zero: the block does nothing at first.
            case initialise
        }
        public enum Norm: String, Codable, Sendable, CaseIterable {
            /// Convolutions with a bias; normalisation is folded into them.
            case folded
            /// Statistics stay as they were, their affine values learn.
            case frozen
            /// Statistics of each batch, running ones kept beside.
            case batch
        }

        /// A checkpoint (.safetensors, .pth, .npz), from the recipe's folder on; random weights if empty.
        public var weights: String = ""
        public var missing: Missing = .initialise
        /// Zeroes the head, so that the first logits are 0; otherwise the file's is kept if it has one.
        public var zeroHead: Bool = true
        public var norm: Norm = .folded

        public init() {}
    }

    /// What changes speed and safety, never the result: not part of the recipe's digest.
    public struct Machine: Codable, Sendable, Equatable {
        /// Threads that compute; 0 is all cores.
        public var threads: Int = 0
        /// Threads that make batches, 1…64.
        public var loaders: Int = 1
        /// Batches that are made ahead, 1…64.
        public var batchesAhead: Int = 4
        /// Steps from one saved state to the next, at least 1.
        public var saveEverySteps: Int = 100

        public init() {}
    }

    public var kind: Kind
    /// The model's name on its card.
    public var name: String
    /// The model's version on its card.
    public var version: String = "1"
    /// What the model looks at.
    public var region: ModelCard.Region = .face
    /// What every random choice but the split is drawn from.
    public var seed: UInt64 = 1
    /// Pairs (self-blend) or pictures (baseline) a batch, 1…512.
    public var batch: Int = 16
    /// Length of the run, at least 1.
    public var steps: Int = 2500
    /// If above 0, the length instead of `steps`: an epoch is every real source (self-blend) or every crop (baseline) once on average.
    public var epochs: Int = 0
    public var split = Split()
    public var mix = Mix()
    public var loss = BinaryCrossEntropy()
    public var optimiser = OptimiserSettings()
    public var schedule = LearningRateSchedule()
    /// How much of the moving average is kept a step, 0…<1; 0 is without.
    public var average: Double = 0.98
    public var start = Start()
    /// Of self-blend: how fakes are made.
    public var blend = BlendSettings()
    /// Of baseline: how pictures are varied. Its `region` is the recipe's.
    public var augmentation = PictureSettings()
    public var validation = Validation()
    public var machine = Machine()

    /// The defaults of a kind.
    public init(kind: Kind) {
        self.kind = kind
        name = "resnet18-\(kind.rawValue)"
        if kind == .baseline {
            batch = 32
            validation.patience = 5
        }
    }
}
