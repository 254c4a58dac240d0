namespace Proxy.Core.Http1;

/// <summary>A run of bytes inside a message head, as offsets: valid together with the span that was parsed, and only with it.</summary>
public readonly record struct Slice(int Offset, int Length)
{
    public int End => Offset + Length;

    public bool IsEmpty => Length == 0;

    public ReadOnlySpan<byte> Of(ReadOnlySpan<byte> head) => head.Slice(Offset, Length);
}
