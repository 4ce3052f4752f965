import ArgumentParser
import Crops
import Datasets
import Foundation

/// Faces cut out of clips and stills, which models are trained and judged on.
struct DatasetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dataset",
        abstract: "Cut the faces out of clips and stills, to train and judge models with.",
        subcommands: [DatasetIndexCommand.self, DatasetShowCommand.self, DatasetBlendsCommand.self])
}

/// Says what a dataset holds.
struct DatasetShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print what a dataset holds: counts, sizes, quality, and what was skipped.")

    @Argument(help: ArgumentHelp("The dataset's folder.", valueName: "dir"), completion: .directory)
    var path: String

    @Flag(help: "Print the report as JSON.")
    var json = false

    func run() throws {
        let dataset: CropDataset
        do throws(CropsError) {
            dataset = try CropDataset.open(path: path)
        } catch {
            throw CommandFailure(error)
        }
        try DatasetReportPrinter.print(DatasetReport(dataset), json: json)
    }
}

/// A report on standard output.
enum DatasetReportPrinter {
    static func print(_ report: DatasetReport, json: Bool) throws {
        guard json else {
            // Names of files and methods are somebody else's choosing.
            for line in report.text.split(separator: "\n", omittingEmptySubsequences: false) { Swift.print(Terminal.printable(String(line))) }
            return
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        Swift.print(String(decoding: try encoder.encode(report), as: UTF8.self))
    }
}

extension CommandFailure {
    init(_ error: CropsError) {
        switch error {
        case .unreadable: self.init(.badInput, code: "unreadable_input", "\(error)")
        case .notADataset: self.init(.badInput, code: "not_a_dataset", "\(error)")
        case .otherVersion: self.init(.badInput, code: "other_version", "\(error)")
        case .damaged: self.init(.badInput, code: "damaged_dataset", "\(error)")
        case .unwritable: self.init(.failure, code: "unwritable_output", "\(error)")
        case .occupied: self.init(.usage, code: "output_exists", "\(error)")
        case .badPattern: self.init(.usage, code: "bad_pattern", "\(error)")
        case .noMatch, .notInTable, .unlabelled: self.init(.badInput, code: "unlabelled_source", "\(error)")
        case .badTable: self.init(.badInput, code: "bad_table", "\(error)")
        case .twoLabels: self.init(.badInput, code: "two_labels", "\(error)")
        case .badShare: self.init(.usage, code: "bad_share", "\(error)")
        case .tooFewGroups, .labelInOneGroup, .labelNotDivisible: self.init(.badInput, code: "not_divisible", "\(error)")
        case .labelMissing: self.init(.badInput, code: "label_missing", "\(error)")
        case .shared: self.init(.badInput, code: "shared_sources", "\(error)")
        }
    }
}
