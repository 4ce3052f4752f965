import Settings
import WorkerApp

await WorkerProgram.run(
    name: "whorl-scripted-worker", summary: "A worker whose clips say what is to happen; for tests and benchmarks of the queue.",
    table: [Setting("script.model", .text, default: "scripted", help: "Workers of one name are of one model.")]
) { settings, _ in
    ScriptedWork(name: settings.text("script.model"))
}
