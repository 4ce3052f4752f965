/// Finds the dictionaries of tensors in what a pickle held: bare state dicts, or ones nested beside epochs, scores and
/// optimiser state under names such as `model_state_dict`.
struct StateDictFinder {
    /// A dictionary of tensors and where it was found.
    struct Candidate {
        /// Keys from the top, empty for the top itself.
        let path: [String]
        let tensors: [(name: String, tensor: PickleTensor)]
    }

    private static let maximumDepth = 4
    private static let maximumCandidates = 64

    private let machine: PickleMachine

    init(machine: PickleMachine) {
        self.machine = machine
    }

    /// Every dictionary that holds tensors under texts, nearest first, and last all of them flattened into one.
    func candidates(in root: PickleValue) -> [Candidate] {
        var candidates: [Candidate] = []
        var flattened: [(name: String, tensor: PickleTensor)] = []
        var visited: Set<Int> = []
        var queue: [(path: [String], value: PickleValue)] = [([], root)]
        var next = 0
        while next < queue.count {
            let (path, value) = queue[next]
            next += 1
            guard case .dict(let place) = value, visited.insert(place).inserted else { continue }
            var tensors: [(name: String, tensor: PickleTensor)] = []
            for (key, member) in machine.dicts[place] {
                guard case .string(let name) = key else { continue }
                switch member {
                case .tensor(let index): tensors.append((name, machine.tensors[index]))
                case .dict where path.count < StateDictFinder.maximumDepth: queue.append((path + [name], member))
                default: continue
                }
            }
            guard !tensors.isEmpty, candidates.count < StateDictFinder.maximumCandidates else { continue }
            candidates.append(Candidate(path: path, tensors: tensors))
            flattened += tensors.map { ((path + [$0.name]).joined(separator: "."), $0.tensor) }
        }
        if candidates.count > 1 { candidates.append(Candidate(path: [], tensors: flattened)) }
        return candidates
    }
}
