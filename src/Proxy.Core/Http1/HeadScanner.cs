using System.Buffers;

namespace Proxy.Core.Http1;

/// <summary>
/// Finds the end of a message head in what has arrived so far and remembers how far it looked, so that a slow sender
/// cannot make it look twice (work stays linear in the bytes received). Resumable at any byte; never allocates.
/// Refuses at the first bad line end (RFC 9112 §2.2) instead of waiting for an end that never comes.
/// </summary>
public struct HeadScanner
{
    /// <summary>Bytes to skip before the head starts: empty lines that RFC 9112 §2.2 lets a client send before a request.</summary>
    public int LeadingBytes { get; private set; }

    /// <summary>Length of the head from <see cref="LeadingBytes"/> on, final empty line included; valid when complete.</summary>
    public int HeadLength { get; private set; }

    /// <summary>Why the head was refused; valid when malformed.</summary>
    public HeadError Error { get; private set; }

    /// <summary>Looks at <paramref name="buffer"/>, which always starts at the same byte and only grows between calls.</summary>
    public HeadEnd Scan(in ReadOnlySequence<byte> buffer, HeadLimits limits, bool isRequest) => throw new NotImplementedException();
}
