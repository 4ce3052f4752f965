/// Places in one run of memory for values that are not all needed at the same time.
struct LifetimePacking {
    /// One value: needed from step `first` to step `last`, both included.
    struct Item {
        let byteCount: Int
        let first: Int
        let last: Int
    }

    private static let alignment = 4_096

    let offsets: [Int]
    let byteCount: Int

    /// Largest first, each at the lowest place where none that is needed at the same time lies.
    init(_ items: [Item]) {
        var offsets = [Int](repeating: 0, count: items.count)
        var placed: [Int] = []
        var end = 0
        let order = items.indices.sorted { (items[$0].byteCount, $1) > (items[$1].byteCount, $0) }
        for index in order {
            let item = items[index]
            let rivals = placed.filter { items[$0].first <= item.last && items[$0].last >= item.first }
                .map { offsets[$0]..<offsets[$0] + items[$0].byteCount }
                .sorted { $0.lowerBound < $1.lowerBound }
            var offset = 0
            for rival in rivals where rival.upperBound > offset {
                if offset + item.byteCount <= rival.lowerBound { break }
                offset = roundedUp(rival.upperBound, to: LifetimePacking.alignment)
            }
            offsets[index] = offset
            placed.append(index)
            end = max(end, offset + item.byteCount)
        }
        self.offsets = offsets
        byteCount = end
    }
}
