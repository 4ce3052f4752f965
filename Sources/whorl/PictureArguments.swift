import Analysis
import ArgumentParser

/// How a command's pictures are made.
struct PictureArguments: ParsableArguments {
    @Option(help: ArgumentHelp("Longest side of a frame's picture, in pixels; never enlarged.", valueName: "n"))
    var pictureSide = PictureOptions().side

    @Option(help: ArgumentHelp("Of the JPEG files, 1 to 100.", valueName: "n"))
    var jpegQuality = PictureOptions().jpegQuality

    func validate() throws {
        guard PictureOptions.sideRange.contains(pictureSide) else {
            throw ValidationError(
                "--picture-side must be \(PictureOptions.sideRange.lowerBound) to \(PictureOptions.sideRange.upperBound)")
        }
        guard PictureOptions.qualityRange.contains(jpegQuality) else {
            throw ValidationError(
                "--jpeg-quality must be \(PictureOptions.qualityRange.lowerBound) to \(PictureOptions.qualityRange.upperBound)")
        }
    }

    var options: PictureOptions { PictureOptions(side: pictureSide, jpegQuality: jpegQuality) }
}
