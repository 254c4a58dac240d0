using Proxy.Simulator;

if (args.Contains("--help"))
{
    Console.WriteLine(CommandLine.Help);
    return 0;
}

SimulatorOptions options = new() { HttpPort = 9080, HttpsPort = 9443 };
if (!CommandLine.TryParse(args, options, out string error))
{
    await Console.Error.WriteLineAsync($"{error}\n\n{CommandLine.Help}");
    return 2;
}

await using SimulatorServer server = await SimulatorServer.StartAsync(options);
string root = server.HttpPort > 0
    ? $"http://127.0.0.1:{server.HttpPort}"
    : $"--cacert {server.CaCertificatePath} https://localhost:{server.HttpsPort}";
Console.WriteLine($"""
    http  {(server.HttpPort > 0 ? $"http://127.0.0.1:{server.HttpPort}" : "off")}
    https {(server.HttpsPort > 0 ? $"https://localhost:{server.HttpsPort}" : "off")}
    ca    {server.CaCertificatePath}

    curl -N {root}/v1/messages -H 'x-api-key: sk-any' -H 'content-type: application/json' \
      -d '{"{"}"model":"claude-sonnet-5-5","max_tokens":64,"stream":true,"messages":[{"{"}"role":"user","content":"hello"{"}"}]{"}"}'
    """);
await server.WaitForShutdownAsync();
return 0;
