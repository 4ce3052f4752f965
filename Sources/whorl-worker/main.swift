import WorkerApp

await WorkerProgram.main()
