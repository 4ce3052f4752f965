import NeuralCore

/// What depends on a picture's size alone: the sizes in which it is searched, and a plan of the first net for each.
///
/// Immutable and shared by all calls on pictures of that size.
struct FacePyramid: Sendable {
    /// From one size to the next; facenet-pytorch's default.
    private static let factor = 0.709

    struct Level: Sendable {
        /// Pixels of the level a pixel of the picture.
        let scale: Float
        let rows: AreaResampling.Windows
        let columns: AreaResampling.Windows
        let plan: NetworkPlan
        /// Floats before this level's in the memory for all levels.
        let offset: Int

        var floatCount: Int { 3 * rows.count * columns.count }
    }

    let width: Int
    let height: Int
    let minimumFacePixels: Int
    /// The largest first.
    let levels: [Level]
    /// Every row of every level in the order in which the picture's rows complete them, so that one pass over the picture serves all.
    let rowOrder: [(level: Int, row: Int)]

    var floatCount: Int { levels.last.map { $0.offset + $0.floatCount } ?? 0 }

    /// The levels of facenet-pytorch's `detect_face` for a picture, none if it is smaller than `minimumFacePixels`.
    init(width: Int, height: Int, minimumFacePixels: Int, weights: FaceDetectorWeights, selection: KernelSelection) throws(PlanError) {
        self.width = width
        self.height = height
        self.minimumFacePixels = minimumFacePixels
        let extent = Double(FaceNet.proposal.extent)
        var scale = extent / Double(minimumFacePixels)
        var smaller = Double(min(width, height)) * scale
        var levels: [Level] = []
        let team = ThreadTeam(size: 1)
        while smaller >= extent {
            let (rows, columns) = (Int(Double(height) * scale + 1), Int(Double(width) * scale + 1))
            let description = FaceNet.proposal.description(height: rows, width: columns, framesAtOnce: 1, weights: weights)
            levels.append(
                Level(
                    scale: Float(scale), rows: .init(length: height, count: rows), columns: .init(length: width, count: columns),
                    plan: try NetworkPlan(description, selection: selection, batch: 1, team: team),
                    offset: levels.last.map { $0.offset + $0.floatCount } ?? 0))
            scale *= FacePyramid.factor
            smaller *= FacePyramid.factor
        }
        self.levels = levels
        rowOrder = levels.indices.flatMap { level in (0..<levels[level].rows.count).map { (level: level, row: $0) } }
            .sorted { levels[$0.level].rows[$0.row].upperBound < levels[$1.level].rows[$1.row].upperBound }
    }
}
