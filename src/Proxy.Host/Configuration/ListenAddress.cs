using System.Globalization;
using System.Net;

namespace Proxy.Host.Configuration;

/// <summary>One address of the data port. A null address stands for all of them, v6 and v4.</summary>
internal sealed record ListenAddress(IPAddress? Address, int Port, bool UseTls)
{
    public static ListenAddress Default { get; } = new(IPAddress.Loopback, 4000, false);

    public bool IsLoopback => Address is not null && IPAddress.IsLoopback(Address);

    /// <summary>Takes <c>http://ADDRESS:PORT</c> and <c>https://…</c>, with <c>*</c> for all addresses and <c>localhost</c> for 127.0.0.1.</summary>
    /// <returns>Null and the reason when it is not of that form.</returns>
    public static ListenAddress? Parse(string text, out string problem)
    {
        problem = "must look like http://127.0.0.1:4000 or https://*:443";
        bool useTls = text.StartsWith("https://", StringComparison.OrdinalIgnoreCase);
        if (!useTls && !text.StartsWith("http://", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        string rest = text[(text.IndexOf("//", StringComparison.Ordinal) + 2)..].TrimEnd('/');
        int colon = rest.LastIndexOf(':');
        bool hasPort = colon >= 0 && !rest.EndsWith(']');
        string host = hasPort ? rest[..colon] : rest;
        int port = useTls ? 443 : 80;
        if (hasPort && (!int.TryParse(rest[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out port) || port > 65535))
        {
            problem = "the port must be a number up to 65535";
            return null;
        }

        if (host is "*" or "+")
        {
            return new ListenAddress(null, port, useTls);
        }

        if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
        {
            return new ListenAddress(IPAddress.Loopback, port, useTls);
        }

        if (!IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address))
        {
            problem = "the host must be an IP address, localhost or * (all addresses)";
            return null;
        }

        return new ListenAddress(address, port, useTls);
    }

    public override string ToString()
    {
        string host = Address is null ? "*" : Address.ToString().Contains(':', StringComparison.Ordinal) ? $"[{Address}]" : Address.ToString();
        return string.Create(CultureInfo.InvariantCulture, $"{(UseTls ? "https" : "http")}://{host}:{Port}");
    }
}
