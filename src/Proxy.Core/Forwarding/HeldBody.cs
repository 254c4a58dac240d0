using System.Buffers;
using System.IO.Pipelines;
using Proxy.Core.Http1;

namespace Proxy.Core.Forwarding;

/// <summary>
/// The start of a request body that was received and not yet consumed: judged where it lies, before anything leaves, and there to be sent
/// again as long as it is held. Owned by the connection's task.
/// </summary>
internal sealed class HeldBody(PipeReader input)
{
    private ReadOnlySequence<byte> _bytes;
    private BodyReader _reader;
    private long _seen;
    private bool _isReading;

    /// <summary>What is held; empty when nothing is.</summary>
    public ReadOnlySequence<byte> Bytes => _bytes;

    /// <summary>A read of the input is open, so that nobody else can read it.</summary>
    public bool IsHolding => _isReading;

    /// <summary>Nothing more comes behind it: the client has ended its side.</summary>
    public bool IsInputOver { get; private set; }

    /// <summary>All data of the body is here.</summary>
    public bool IsWhole => _reader.IsDataOver;

    /// <summary>The body is not framed as its head says.</summary>
    public bool IsBroken => _reader.Error != ChunkError.None;

    /// <summary>Bytes of the input that were seen, framing included.</summary>
    public long Length => _seen;

    /// <summary>Data bytes that were seen.</summary>
    public long DataLength => _reader.DataLength;

    /// <summary>Bytes at the start that nobody will need again, unless the request is sent once more.</summary>
    public int Taken { get; set; }

    public void Begin(in BodyReader body)
    {
        _reader = body;
        _seen = 0;
        Taken = 0;
        IsInputOver = false;
    }

    /// <summary>Takes what is already here, without waiting.</summary>
    public void TryTake(BodyInspector inspector)
    {
        if (_reader.IsComplete)
        {
            return;
        }

        try
        {
            if (input.TryRead(out ReadResult read))
            {
                Take(read, inspector);
            }
        }
        catch (IOException)
        {
            // Reset behind its head: whoever needs more of the body meets the same.
            IsInputOver = true;
        }
    }

    /// <summary>Takes everything that was read, and shows what is new of it.</summary>
    public void Take(in ReadResult read, BodyInspector inspector)
    {
        _bytes = read.Buffer;
        _isReading = true;
        IsInputOver = read.IsCompleted;
        foreach (ReadOnlyMemory<byte> segment in _bytes.Slice(_seen))
        {
            ReadOnlySpan<byte> bytes = segment.Span;
            while (true)
            {
                BodyPart part = _reader.Next(bytes, out int length);
                if (part == BodyPart.Data)
                {
                    inspector.Show(bytes[..length], _reader.DataLength - length);
                }
                else if (part is not (BodyPart.Framing or BodyPart.Discard))
                {
                    // Its end, or a broken framing, which is said where the body is relayed.
                    break;
                }

                bytes = bytes[length..];
                _seen += length;
            }
        }
    }

    /// <summary>More is needed: the next read brings what is here again, and more.</summary>
    public void WaitForMore()
    {
        if (_isReading)
        {
            input.AdvanceTo(_bytes.Start, _bytes.End);
            Forget();
        }
    }

    /// <summary>Gives the input back, without what was taken. Again, it does nothing.</summary>
    public void Release()
    {
        if (_isReading)
        {
            input.AdvanceTo(_bytes.GetPosition(Taken));
            Forget();
        }
    }

    private void Forget()
    {
        _bytes = default;
        _isReading = false;
    }
}
