import Foundation
import Testing

/// Every command explains itself, and wrong usage is told from everything else.
@Suite struct HelpTests {
    @Test(arguments: [
        "", "analyze", "frames", "bench decode", "bench clip", "bench faces", "bench forward", "bench train", "submit", "jobs", "jobs list", "jobs show",
        "jobs cancel", "model", "model init", "model import", "model inspect", "model store", "model verify", "migrate", "dataset", "dataset index",
        "dataset show", "dataset blends", "train", "evaluate", "calibrate", "keys", "workers", "metrics",
    ])
    func helps(_ command: String) throws {
        let words = command.split(separator: " ").map(String.init)
        let outcome = try WhorlProcess.run(words + ["--help"])
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("OVERVIEW: ") && outcome.output.contains("USAGE: whorl"))
        #expect(outcome.error.isEmpty)
    }

    @Test func version() throws {
        let outcome = try WhorlProcess.run(["--version"])
        #expect(outcome.status == 0)
        #expect(outcome.output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
    }

    @Test(arguments: [
        "nonsense", "analyze", "analyze clip.mp4 --frames 0", "analyze clip.mp4 --frames 65", "analyze clip.mp4 --frames x",
        "analyze clip.mp4 --sampling fast", "analyze clip.mp4 --windows 4", "analyze clip.mp4 --windows 9x9", "analyze clip.mp4 --start 3 --end 2",
        "analyze clip.mp4 --windows 2x4 --frames 7", "analyze clip.mp4 --picture-side 9", "analyze clip.mp4 --jpeg-quality 0", "frames clip.mp4",
        "frames clip.mp4 --raw --output x", "frames clip.mp4 --raw --size 0x4", "frames clip.mp4 --raw --threads 17",
        "model init --seed 1 --region hands --output x", "model init --seed 1 --face-scale 2 --output x", "bench decode clip.mp4 --runs 0",
        "model init --seed 1 --region face --face-scale 9 --output x", "analyze clip.mp4 --threads 0", "analyze clip.mp4 --unknown", "submit", "submit clip.mp4 --priority 11",
        "submit clip.mp4 --server nonsense", "submit clip.mp4 --server ftp://host", "jobs list --server http://127.0.0.1:99999", "submit clip.mp4 --timeout 0",
        "submit clip.mp4 --frames 65", "jobs show 17", "jobs cancel not-a-job", "jobs list --limit 0", "jobs list --state lost",
        "model init", "model init --seed -1 --output x", "model init --seed 1 --head cubic --output x", "model verify",
        "dataset index", "dataset index clips --output x --whole-frames --all-people", "dataset index clips --output x --frames 65",
        "dataset blends x", "dataset blends x --output y --pairs 65", "train recipe.yaml", "train recipe.yaml --data x --output y --steps 0",
        "evaluate model --data x", "migrate", "migrate --database-url postgresql:///x --to -1", "migrate --database-url postgresql:///x --wait -1",
    ])
    func wrongUsage(_ line: String) throws {
        let outcome = try WhorlProcess.run(line.split(separator: " ").map(String.init))
        #expect(outcome.status == 2)
        #expect(outcome.error.hasPrefix("whorl: "))
        #expect(outcome.output.isEmpty)
    }
}
