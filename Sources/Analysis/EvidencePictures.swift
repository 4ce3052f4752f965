import JobModel
import NeuralCore
import Synchronization
import Video

extension ClipAnalysis {
    /// Draws and encodes the pictures that go with the verdict: frame and overlay as JPEG, of a face the same, the map as 16-bit grey PNG.
    ///
    /// - Parameters:
    ///   - jpegQuality: 1…100.
    ///   - threads: that draw side by side, within `ThreadTeam.sizes`.
    public func artifacts(jpegQuality: Int, threads: Int) throws(JobFailure) -> [Artifact] {
        let drawn = Mutex<[Result<[Artifact], VideoError>?]>(Array(repeating: nil, count: evidence.count))
        ThreadTeam(size: threads).forEach(evidence.count) { _, index in
            let pictures: Result<[Artifact], VideoError>
            do throws(VideoError) {
                pictures = .success(try artifacts(of: evidence[index], jpegQuality: jpegQuality))
            } catch {
                pictures = .failure(error)
            }
            drawn.withLock { $0[index] = pictures }
        }
        do throws(VideoError) {
            var artifacts: [Artifact] = []
            for pictures in drawn.withLock({ $0 }) { artifacts += try pictures?.get() ?? [] }
            return artifacts
        } catch {
            throw JobFailure(error)
        }
    }

    private func artifacts(of item: FrameEvidence, jpegQuality: Int) throws(VideoError) -> [Artifact] {
        let jpeg = JPEGEncoder(quality: jpegQuality)
        func artifact(_ kind: Artifact.Kind, _ mediaType: String, _ bytes: [UInt8]) -> Artifact {
            Artifact(track: item.track, frame: item.frame, kind: kind, mediaType: mediaType, bytes: bytes)
        }
        let range = verdict.tracks[item.track].gradcamRange
        var artifacts = [
            artifact(.image, "image/jpeg", try jpeg.encode(item.picture)),
            artifact(.gradcam, "image/jpeg", try jpeg.encode(overlay(of: item))),
            artifact(.map, "image/png", try PNGEncoder().encode(item.map.gray(low: range[0], high: range[1]))),
        ]
        if let face = item.face {
            artifacts.append(artifact(.face, "image/jpeg", try jpeg.encode(face.picture)))
            artifacts.append(artifact(.faceGradcam, "image/jpeg", try jpeg.encode(closeUp(of: item))))
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
