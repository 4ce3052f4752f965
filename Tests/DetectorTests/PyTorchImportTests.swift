import Detector
import Foundation
import NeuralCore
import Testing

/// Runs only where WHORL_TORCH_PYTHON names a Python with torch; every format is also tested without.
@Suite("Import beside PyTorch", .enabled(if: ProcessInfo.processInfo.environment["WHORL_TORCH_PYTHON"] != nil))
struct PyTorchImportTests {
    private func python(_ script: String, _ arguments: String...) throws -> String {
        let process = Process()
        process.executableURL = URL(
            fileURLWithPath: try #require(ProcessInfo.processInfo.environment["WHORL_TORCH_PYTHON"]))
        process.arguments = ["-c", script] + arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return text
    }

    @Test("the tests' own .pth writer writes what torch.load reads, in torch.save's own instructions")
    func ownWriter() throws {
        let folder = try TemporaryFolder()
        let tensors = SeededNetwork.linear.sorted { $0.key < $1.key }.map { (name: "backbone." + $0.key, tensor: $0.value) }
        let path = try folder.write(TorchArchiveWriter().file(tensors), "own.pth")
        let script = """
            import sys, zipfile, pickletools, torch
            own = torch.load(sys.argv[1], weights_only=True)
            torch.save(own, sys.argv[2])
            def shape(path):
                z = zipfile.ZipFile(path)
                assert z.testzip() is None
                data = [n for n in z.namelist() if n.endswith('/data.pkl')][0]
                names = [n.split('/', 1)[1] for n in z.namelist()]
                return names, [(o.name, a) for o, a, _ in pickletools.genops(z.read(data))]
            a, b = shape(sys.argv[1]), shape(sys.argv[2])
            print(len(own['model_state_dict']), a[0] == b[0], a[1] == b[1])
            if a[1] != b[1]:
                print([(x, y) for x, y in zip(a[1], b[1]) if x != y][:5])
            """
        #expect(try python(script, path, folder.path("archive.pth")) == "\(tensors.count) True True\n")
    }

    @Test("a .pth that PyTorch wrote gives PyTorch's logit, zip and legacy", arguments: ["True", "False"])
    func byTorch(zip: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("phase1_best_resnet_temporal_avg.pth")
        let reference = folder.path("reference.safetensors")
        let tools = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Tools/reference").path
        let script = """
            import sys, torch, torchvision
            sys.path.insert(0, sys.argv[4])
            import make_reference, seeded_values
            torch.manual_seed(3)
            class Net(torch.nn.Module):
                def __init__(self):
                    super().__init__()
                    net = torchvision.models.resnet18(weights=None)
                    net.fc = torch.nn.Identity()
                    self.backbone = net
                    self.classifier = torch.nn.Linear(512, 1)
            net = Net().eval()
            contents = {'epoch': 4, 'model_state_dict': net.state_dict(), 'best': 0.5,
                        'optimizer': torch.optim.Adam(net.parameters()).state_dict()}
            torch.save(contents, sys.argv[1], _use_new_zipfile_serialization=sys.argv[3] == 'True')
            frames = torch.from_numpy(seeded_values.frames(6, 2))
            from safetensors.torch import save_file
            save_file(make_reference.reference_tensors(net.backbone, net.classifier, frames), sys.argv[2])
            """
        _ = try python(script, path, reference, zip, tools)
        let detector = try ResNetDetector(checkpoint: CheckpointImporter.read(path: path), threads: 2)
        let result = try ModelVerification.run(detector: detector, referencePath: reference)
        #expect(result.passed, "\(result.comparisons)")
    }
}
