namespace Proxy.Core.Http1;

/// <summary>What the next bytes of a body are.</summary>
public enum BodyPart : byte
{
    /// <summary>Nothing is left of the input: the body goes on.</summary>
    NeedMore = 0,

    /// <summary>Content.</summary>
    Data,

    /// <summary>Framing that is relayed as it stands, where the receiver is sent the same framing.</summary>
    Framing,

    /// <summary>Framing that is never relayed: chunk extensions and trailers.</summary>
    Discard,

    /// <summary>The body is over; what is left of the input is not part of it.</summary>
    End,

    /// <summary>Not framed as the head says. Final.</summary>
    Invalid,
}

/// <summary>
/// Follows the framing of one message body over its bytes, whatever the framing is (RFC 9112 §6). A resumable value: it can be fed any
/// pieces, and a copy of it starts again where the original stood. Pure; never allocates.
/// </summary>
public struct BodyReader
{
    private readonly BodyFraming _framing;
    private long _remaining;
    private long _dataLength;
    private ChunkScanner _chunks;
    private bool _isClosed;

    /// <param name="framing">As the head gives it.</param>
    /// <param name="contentLength">Bytes of the body where <paramref name="framing"/> is <see cref="BodyFraming.Length"/>; ignored
    /// otherwise.</param>
    /// <param name="limits">Of what surrounds the data of chunks.</param>
    public BodyReader(BodyFraming framing, long contentLength, ChunkLimits limits)
    {
        _framing = framing;
        _remaining = framing == BodyFraming.Length ? contentLength : 0;
        _chunks = new ChunkScanner(limits);
    }

    /// <summary>The body has come to the end of its framing.</summary>
    public readonly bool IsComplete => _framing switch
    {
        BodyFraming.Chunked => _chunks.IsComplete,
        BodyFraming.UntilClose => _isClosed,
        _ => _remaining == 0,
    };

    /// <summary>No more data will come, though framing may.</summary>
    public readonly bool IsDataOver => _framing == BodyFraming.Chunked ? _chunks.IsDataOver : IsComplete;

    /// <summary>Bytes that are still to come; known where the head gives the length, else 0.</summary>
    public readonly long Remaining => _remaining;

    /// <summary>Data bytes so far.</summary>
    public readonly long DataLength => _framing == BodyFraming.Chunked ? _chunks.DataLength : _dataLength;

    /// <summary>Why it is <see cref="BodyPart.Invalid"/>.</summary>
    public readonly ChunkError Error => _chunks.Error;

    /// <summary>Classifies the longest run at the start of <paramref name="input"/> that is one thing.</summary>
    /// <param name="length">How many bytes of the input that run has; 0 for <see cref="BodyPart.NeedMore"/>, <see cref="BodyPart.End"/> and
    /// <see cref="BodyPart.Invalid"/>.</param>
    public BodyPart Next(ReadOnlySpan<byte> input, out int length)
    {
        if (_framing == BodyFraming.Chunked)
        {
            return _chunks.Next(input, out length) switch
            {
                ChunkPart.NeedMore => BodyPart.NeedMore,
                ChunkPart.Data => BodyPart.Data,
                ChunkPart.Framing => BodyPart.Framing,
                ChunkPart.Discard => BodyPart.Discard,
                ChunkPart.End => BodyPart.End,
                _ => BodyPart.Invalid,
            };
        }

        length = 0;
        if (IsComplete)
        {
            return BodyPart.End;
        }

        if (input.IsEmpty)
        {
            return BodyPart.NeedMore;
        }

        length = _framing == BodyFraming.UntilClose ? input.Length : (int)Math.Min(input.Length, _remaining);
        _remaining -= _framing == BodyFraming.UntilClose ? 0 : length;
        _dataLength += length;
        return BodyPart.Data;
    }

    /// <summary>The sender has ended the connection.</summary>
    /// <returns>True when that is a proper end of the body (RFC 9112 §8).</returns>
    public bool Close()
    {
        _isClosed = true;
        return IsComplete;
    }
}
