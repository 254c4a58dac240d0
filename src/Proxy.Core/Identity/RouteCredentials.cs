using System.Text;

namespace Proxy.Core.Identity;

/// <summary>What a route may send. Immutable.</summary>
public sealed class RouteCredentials
{
    private readonly byte[] _line;

    /// <param name="serverKey">The company's key, or null. Empty, "None", "null" and "undefined" count as null.</param>
    /// <param name="acceptsClientCredentials">Client credentials may go to this upstream (credentials.md row 29).</param>
    /// <exception cref="ArgumentException">The key has characters that no key has; the message does not repeat it.</exception>
    public RouteCredentials(string? serverKey, bool acceptsClientCredentials)
    {
        string key = serverKey?.Trim() ?? "";
        bool absent = key.Length == 0
            || key.Equals("none", StringComparison.OrdinalIgnoreCase)
            || key.Equals("null", StringComparison.OrdinalIgnoreCase)
            || key.Equals("undefined", StringComparison.OrdinalIgnoreCase);
        // A line end in a secrets file must not become a second field line upstream.
        if (key.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            throw new ArgumentException("The server key may hold visible ASCII characters only.", nameof(serverKey));
        }

        _line = absent ? [] : Encoding.ASCII.GetBytes($"x-api-key: {key}\r\n");
        AcceptsClientCredentials = acceptsClientCredentials;
    }

    public bool HasServerKey => _line.Length > 0;

    public bool AcceptsClientCredentials { get; }

    /// <summary>The field line with the company's key, CRLF included; empty when there is none.</summary>
    public ReadOnlySpan<byte> ServerKeyLine => _line;
}
