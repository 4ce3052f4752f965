import GatewayApp

await GatewayProgram.main()
