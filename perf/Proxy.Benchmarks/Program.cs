using BenchmarkDotNet.Running;
using Proxy.Benchmarks.Upstream;

if (args is ["tls-allocations", .. string[] rest])
{
    await TlsAllocations.RunAsync(rest);
    return;
}

BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
