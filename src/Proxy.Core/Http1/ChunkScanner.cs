namespace Proxy.Core.Http1;

/// <summary>
/// Validates a chunked body as it passes (RFC 9112 §7.1) and says of each run of bytes what it is; holds nothing back and copies nothing.
/// A struct: resumable at any byte, never allocates. <c>default</c> is the start of a body.
/// </summary>
public struct ChunkScanner
{
    /// <summary>Body bytes seen so far, framing not counted.</summary>
    public long DataLength { get; private set; }

    public ChunkError Error { get; private set; }

    public bool IsComplete { get; private set; }

    /// <summary>Classifies the longest run at the start of <paramref name="input"/> that is one thing.</summary>
    /// <param name="length">How many bytes of the input that run has.</param>
    public ChunkPart Next(ReadOnlySpan<byte> input, out int length) => throw new NotImplementedException();
}
