using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Proxy.Core.Tests.Http1;

/// <summary>A naive reader of whole chunked bodies, written from RFC 9112 §7.1 alone (no blank before the first ";", small sizes, no limits).</summary>
internal static class ChunkGrammar
{
    private const string Token = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
    private const string Quoted = "\"(?:[\\t !#-\\[\\]-~\\x80-\\xff]|\\\\[\\t -~\\x80-\\xff])*\"";

    private static readonly Regex Line = new(
        $"\\A([0-9A-Fa-f]{{1,7}})(;[ \\t]*{Token}([ \\t]*=[ \\t]*({Token}|{Quoted}))?([ \\t]*(?=;)|(?=\\r)))*\\r\\n", RegexOptions.CultureInvariant);

    private static readonly Regex Trailer = new($"\\A{Token}:[\\t -~\\x80-\\xff]*\\r\\n", RegexOptions.CultureInvariant);

    public static (bool Ok, string Data) Read(string body)
    {
        StringBuilder data = new();
        while (Line.Match(body) is { Success: true } line)
        {
            int size = int.Parse(line.Groups[1].ValueSpan, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            body = body[line.Length..];
            if (size == 0)
            {
                while (Trailer.Match(body) is { Success: true } trailer)
                {
                    body = body[trailer.Length..];
                }

                return (body.StartsWith("\r\n", StringComparison.Ordinal), data.ToString());
            }

            if (size > body.Length - 2 || body[size] != '\r' || body[size + 1] != '\n')
            {
                break;
            }

            data.Append(body.AsSpan(0, size));
            body = body[(size + 2)..];
        }

        return (false, data.ToString());
    }
}
