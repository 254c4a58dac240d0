using System.Net;

namespace Proxy.Core.Http1;

/// <summary>The grammar of an authority without userinfo (RFC 3986 §3.2, RFC 9112 §3.2).</summary>
internal static class HostRules
{
    public static bool IsValid(ReadOnlySpan<byte> authority)
    {
        if (authority.IsEmpty)
        {
            return false;
        }

        ReadOnlySpan<byte> port;
        if (authority[0] == '[')
        {
            int close = authority.IndexOf((byte)']');
            if (close < 3 || authority[1..close].ContainsAnyExcept(Characters.AddressLiteral)
                || !IPAddress.IsValidUtf8(authority[1..close]) || !authority[1..close].Contains((byte)':'))
            {
                return false;
            }

            port = authority[(close + 1)..];
            if (!port.IsEmpty && port[0] != ':')
            {
                return false;
            }
        }
        else
        {
            int colon = authority.IndexOf((byte)':');
            ReadOnlySpan<byte> host = colon < 0 ? authority : authority[..colon];
            port = colon < 0 ? default : authority[colon..];
            if (host.IsEmpty || host.ContainsAnyExcept(Characters.Host))
            {
                return false;
            }
        }

        return port.Length <= 1
            || (FramingRules.TryParseLength(port[1..], out long number) && port.Length <= 6 && number <= ushort.MaxValue);
    }
}
