import JobModel
import Video

extension ClipAnalysis {
    /// Draws and encodes the pictures that go with the verdict: frame and overlay as JPEG, of a face the same, the map as 16-bit grey PNG.
    ///
    /// - Parameter jpegQuality: 1…100.
    public func artifacts(jpegQuality: Int) throws(JobFailure) -> [Artifact] {
        var artifacts: [Artifact] = []
        let jpeg = JPEGEncoder(quality: jpegQuality)
        let png = PNGEncoder()
        do throws(VideoError) {
            for item in evidence {
                func add(_ kind: Artifact.Kind, _ mediaType: String, _ bytes: [UInt8]) {
                    artifacts.append(
                        Artifact(track: item.track, frame: item.frame, kind: kind, mediaType: mediaType, bytes: bytes))
                }
                let range = verdict.tracks[item.track].gradcamRange
                add(.image, "image/jpeg", try jpeg.encode(item.picture))
                add(.gradcam, "image/jpeg", try jpeg.encode(overlay(of: item)))
                if let face = item.face {
                    add(.face, "image/jpeg", try jpeg.encode(face.picture))
                    add(.faceGradcam, "image/jpeg", try jpeg.encode(closeUp(of: item)))
                }
                add(.map, "image/png", try png.encode(item.map.gray(low: range[0], high: range[1])))
            }
        } catch {
            throw JobFailure(error)
        }
        return artifacts
    }

    /// A frame with its heat over it, in the clip's one colour scale.
    public func overlay(of item: FrameEvidence) -> RGBImage {
        let overlay = heat(of: item)
        guard let face = item.face else { return overlay.draw(item.map, over: item.picture) }
        return overlay.draw(item.map, over: item.picture, within: face.crop)
    }

    /// What the network saw with its heat over it: the face, or else the whole frame.
    public func closeUp(of item: FrameEvidence) -> RGBImage {
        heat(of: item).draw(item.map, over: item.face?.picture ?? item.picture)
    }

    private func heat(of item: FrameEvidence) -> HeatOverlay {
        let range = verdict.tracks[item.track].gradcamRange
        return HeatOverlay(low: range[0], high: range[1])
    }
}

extension HeatMap {
    /// The map as 16-bit grey: 0 is `low`, 65535 is `high`.
    func gray(low: Double, high: Double) -> GrayImage16 {
        let span = high > low ? high - low : 1
        return GrayImage16(width: width, height: height, pixels: values.map { value in
            UInt16(min(max((Double(value) - low) / span, 0), 1) * 65535)
        })
    }
}
