using System.Buffers;
using System.Runtime.InteropServices;
using Proxy.Core.Http1;

namespace Proxy.Core.Forwarding;

/// <summary>
/// Step 1: finds the end of a request head in what was received, copies the head out and parses it there. The copy is this object's until
/// <see cref="Release"/>; the transport's blocks are overwritten where the head, which holds credentials, was: they go back to a pool as
/// they are.
/// </summary>
internal sealed class RequestHeadReader
{
    private readonly RequestHead _head = new();
    private HeadScanner _scanner;
    private ReadOnlySequence<byte> _partial;
    private byte[]? _copy;
    private int _length;

    /// <summary>
    /// The parsed head; offsets into <see cref="Bytes"/>. Valid from a complete head on, also after <see cref="Release"/>, but for its
    /// offsets.
    /// </summary>
    public RequestHead Head => _head;

    /// <summary>The head as it was received.</summary>
    public ReadOnlySpan<byte> Bytes => _copy.AsSpan(0, _length);

    /// <summary>The bytes are still here.</summary>
    public bool IsHeld => _copy is not null;

    /// <summary>Its end was found, whatever stands before it.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>A byte of the head has come.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>Why it is malformed.</summary>
    public HeadError Error { get; private set; }

    public void Begin()
    {
        _scanner = default;
        _partial = default;
        HasBegun = false;
        IsWhole = false;
        Error = HeadError.None;
    }

    /// <summary>Looks at everything that was received and not yet consumed.</summary>
    /// <param name="consumed">What the input is to be advanced to.</param>
    public HeadStatus Take(in ReadOnlySequence<byte> buffer, HeadLimits limits, out SequencePosition consumed)
    {
        HasBegun |= !buffer.IsEmpty;
        consumed = buffer.Start;
        HeadStatus end = _scanner.Scan(buffer, limits, isRequest: true);
        switch (end)
        {
            case HeadStatus.Complete:
                int total = _scanner.LeadingBytes + _scanner.HeadLength;
                consumed = buffer.GetPosition(total);
                Copy(buffer.Slice(_scanner.LeadingBytes, _scanner.HeadLength));
                Wipe(buffer.Slice(0, total));
                _partial = default;
                IsWhole = true;
                Error = _head.Parse(Bytes, limits);
                return Error == HeadError.None ? HeadStatus.Complete : HeadStatus.Malformed;
            case HeadStatus.Malformed:
                Error = _scanner.Error;
                Discard(buffer, out consumed);
                return end;
            default:
                _partial = buffer;
                return end;
        }
    }

    /// <summary>Nothing more comes of this head: overwrites what is there of it.</summary>
    public void Discard(in ReadOnlySequence<byte> buffer, out SequencePosition consumed)
    {
        Wipe(buffer);
        _partial = default;
        consumed = buffer.End;
    }

    /// <summary>Lets go of the bytes. Again, it does nothing.</summary>
    public void Release()
    {
        if (_copy is not null)
        {
            // It held a credential.
            _copy.AsSpan(0, _length).Clear();
            ArrayPool<byte>.Shared.Return(_copy);
            _copy = null;
            _length = 0;
        }
    }

    /// <summary>The connection ends: overwrites the start of a head that was received and will never be whole.</summary>
    public void WipePartial()
    {
        Wipe(_partial);
        _partial = default;
    }

    public static void Wipe(in ReadOnlySequence<byte> bytes)
    {
        foreach (ReadOnlyMemory<byte> segment in bytes)
        {
            MemoryMarshal.AsMemory(segment).Span.Clear();
        }
    }

    private void Copy(in ReadOnlySequence<byte> head)
    {
        _length = (int)head.Length;
        _copy = ArrayPool<byte>.Shared.Rent(_length);
        head.CopyTo(_copy);
    }
}
