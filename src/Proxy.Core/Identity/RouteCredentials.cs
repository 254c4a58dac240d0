using System.Text;

namespace Proxy.Core.Identity;

/// <summary>What a route may send. Immutable.</summary>
public sealed class RouteCredentials
{
    private readonly byte[] _line;

    /// <param name="serverKey">The company's key, or null. Empty, "None", "null" and "undefined" count as null.</param>
    /// <param name="acceptsClientCredentials">Client credentials may go to this upstream (credentials.md row 29).</param>
    public RouteCredentials(string? serverKey, bool acceptsClientCredentials)
    {
        bool absent = string.IsNullOrWhiteSpace(serverKey)
            || serverKey.Equals("none", StringComparison.OrdinalIgnoreCase)
            || serverKey.Equals("null", StringComparison.OrdinalIgnoreCase)
            || serverKey.Equals("undefined", StringComparison.OrdinalIgnoreCase);
        _line = absent ? [] : Encoding.ASCII.GetBytes($"x-api-key: {serverKey!.Trim()}\r\n");
        AcceptsClientCredentials = acceptsClientCredentials;
    }

    public bool HasServerKey => _line.Length > 0;

    public bool AcceptsClientCredentials { get; }

    /// <summary>The field line with the company's key, CRLF included; empty when there is none.</summary>
    public ReadOnlySpan<byte> ServerKeyLine => _line;
}
