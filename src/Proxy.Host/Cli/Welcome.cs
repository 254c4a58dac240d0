using System.Net;
using Proxy.Host.Configuration;

namespace Proxy.Host.Cli;

/// <summary>What a person at the terminal sees after a start. The one place where keys are shown.</summary>
internal static class Welcome
{
    public static async Task WriteAsync(TextWriter output, GatewayConfiguration configuration, GatewayHost host)
    {
        if (host.FirstRun.AdminKey is { } adminKey)
        {
            await output.WriteLineAsync($"Admin key (shown once, keep it):    {adminKey}");
        }

        if (host.FirstRun.VirtualKey is { } key)
        {
            await output.WriteLineAsync($"First virtual key (shown once):     {key}");
            await output.WriteLineAsync();
            await output.WriteLineAsync("Paste this where Claude Code runs:");
            await output.WriteLineAsync();
            await output.WriteLineAsync($"  export ANTHROPIC_BASE_URL={BaseUrl(configuration, host)}");
            await output.WriteLineAsync($"  export ANTHROPIC_CUSTOM_HEADERS=\"x-litellm-api-key: {key}\"");
            await output.WriteLineAsync();
        }
        else
        {
            await output.WriteLineAsync($"Keys exist and are not shown again. Claude Code: ANTHROPIC_BASE_URL={BaseUrl(configuration, host)}");
        }

        if (configuration.Routes.All(route => route.ServerKey is null))
        {
            await output.WriteLineAsync("There is no ANTHROPIC_API_KEY: clients must bring their own credential (a Claude login or an API key).");
        }

        await output.FlushAsync();
    }

    private static string BaseUrl(GatewayConfiguration configuration, GatewayHost host)
    {
        Uri address = host.Addresses[0];
        bool isAny = IPAddress.TryParse(address.Host.Trim('[', ']'), out IPAddress? ip) && (ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any));
        string prefix = configuration.Routes.Count == 0 ? "" : configuration.Routes[0].Prefix;
        return $"{address.Scheme}://{(isAny ? "127.0.0.1" : address.Host)}:{address.Port}{prefix}";
    }
}
