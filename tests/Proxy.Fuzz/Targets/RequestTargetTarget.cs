using System.Text;
using Proxy.Core.Http1;

namespace Proxy.Fuzz.Targets;

/// <summary>
/// No target that is accepted below a prefix leaves it, however somebody behind us decodes and resolves it: escapes once or again and again, "\" as
/// "/", parameters cut off.
/// </summary>
internal static class RequestTargetTarget
{
    private const string Prefix = "/anthropic/";

    public static void Run(ReadOnlySpan<byte> input)
    {
        byte[] head = [.. "GET /anthropic/"u8, .. input, .. " HTTP/1.1\r\nHost: a\r\n\r\n"u8];
        RequestHead parsed = new();
        if (head.AsSpan(0, head.Length - 4).Contains((byte)'\n') && input.Contains((byte)'\n'))
        {
            return;
        }

        if (parsed.Parse(head, HeadLimits.Request) != HeadError.None)
        {
            return;
        }

        string path = Encoding.ASCII.GetString(parsed.Path.Of(head));
        FindingException.ThrowUnless(path.StartsWith(Prefix, StringComparison.Ordinal), "another path was read");
        string decoded = path;
        for (int i = 0; i < 10; i++)
        {
            AssertStays(decoded);
            AssertStays(decoded.Replace('\\', '/'));
            AssertStays(string.Join('/', decoded.Split('/').Select(segment => segment.Split(';')[0])));
            string next = Encoding.Latin1.GetString(Unescape(decoded));
            if (next == decoded)
            {
                break;
            }

            decoded = next;
        }

        Uri uri = new("http://upstream" + path);
        FindingException.ThrowUnless(uri.AbsolutePath.StartsWith(Prefix, StringComparison.Ordinal), $"System.Uri leaves the prefix: {uri.AbsolutePath}");
    }

    private static byte[] Unescape(string text)
    {
        List<byte> bytes = [];
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '%' && i + 2 < text.Length && char.IsAsciiHexDigit(text[i + 1]) && char.IsAsciiHexDigit(text[i + 2]))
            {
                bytes.Add(Convert.ToByte(text.Substring(i + 1, 2), 16));
                i += 2;
            }
            else
            {
                bytes.Add((byte)text[i]);
            }
        }

        return [.. bytes];
    }

    private static void AssertStays(string path)
    {
        Stack<string> segments = new();
        foreach (string segment in path.Split('?', '#')[0].Split('/').Skip(1))
        {
            if (segment == "..")
            {
                FindingException.ThrowUnless(segments.Count > 1, $"left the prefix: {path}");
                segments.Pop();
            }
            else if (segment != ".")
            {
                segments.Push(segment);
            }
        }

        FindingException.ThrowUnless(segments.Count > 0 && segments.Last() == "anthropic", $"left the prefix: {path}");
    }
}
