using System.Text;

namespace Proxy.Core.Anthropic;

/// <summary>The parts of a model id (anthropic-api.md §5 rule 6): <c>name[-YYYYMMDD][[1m]]</c>.</summary>
public static class ModelName
{
    private const int DateLength = 9;

    /// <summary>Without <c>[1m]</c>.</summary>
    public static ReadOnlySpan<byte> WithoutSize(ReadOnlySpan<byte> id) => id.EndsWith("[1m]"u8) ? id[..^4] : id;

    /// <summary>Without <c>-YYYYMMDD</c> at its end.</summary>
    public static ReadOnlySpan<byte> WithoutDate(ReadOnlySpan<byte> id)
    {
        bool isDated = id.Length > DateLength && id[^DateLength] == '-'
            && !id[^(DateLength - 1)..].ContainsAnyExceptInRange((byte)'0', (byte)'9');
        return isDated ? id[..^DateLength] : id;
    }

    /// <summary>The same for a text.</summary>
    public static string WithoutDate(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        byte[] bytes = Encoding.UTF8.GetBytes(id);
        return id[..^(bytes.Length - WithoutDate(bytes).Length)];
    }
}
