using System.Text;

namespace Proxy.Simulator.Api;

/// <summary>
/// Finds model and stream flag in a body that comes in pieces, without parsing it. In text of the conversation the quotes of these names
/// are escaped, so the patterns cannot be found there.
/// </summary>
internal sealed class BodyScanner
{
    private const int Overlap = 160;
    private readonly byte[] _seam = new byte[2 * Overlap];
    private int _carried;
    private bool _started;

    public string? Model { get; private set; }

    public bool Stream { get; private set; }

    public bool IsJsonObject { get; private set; }

    public void Feed(ReadOnlySpan<byte> piece)
    {
        if (piece.IsEmpty)
        {
            return;
        }

        if (!_started)
        {
            _started = true;
            IsJsonObject = piece.TrimStart(" \t\r\n"u8) is [(byte)'{', ..];
        }

        if (_carried > 0)
        {
            int head = Math.Min(Overlap, piece.Length);
            piece[..head].CopyTo(_seam.AsSpan(_carried));
            Look(_seam.AsSpan(0, _carried + head));
        }

        Look(piece);
        // What remains for the next seam is the end of everything seen, which may be more than this piece.
        if (piece.Length >= Overlap)
        {
            piece[^Overlap..].CopyTo(_seam);
            _carried = Overlap;
        }
        else
        {
            int keep = Math.Min(_carried, Overlap - piece.Length);
            _seam.AsSpan(_carried - keep, keep).CopyTo(_seam);
            piece.CopyTo(_seam.AsSpan(keep));
            _carried = keep + piece.Length;
        }
    }

    private void Look(ReadOnlySpan<byte> bytes)
    {
        if (Model is null)
        {
            FindModel(bytes);
        }

        if (!Stream && bytes.IndexOf("\"stream\":"u8) is >= 0 and int at)
        {
            Stream = bytes[(at + 9)..].TrimStart((byte)' ').StartsWith("true"u8);
        }
    }

    private void FindModel(ReadOnlySpan<byte> bytes)
    {
        // A tool's schema may have a property of this name too: its value is an object, not a string.
        for (int at = bytes.IndexOf("\"model\":"u8); at >= 0 && Model is null; at = bytes.IndexOf("\"model\":"u8))
        {
            bytes = bytes[(at + 8)..].TrimStart((byte)' ');
            int end = bytes is [(byte)'"', ..] ? bytes[1..].IndexOf((byte)'"') : -1;
            if (end >= 0)
            {
                Model = Encoding.UTF8.GetString(bytes.Slice(1, end));
            }
        }
    }
}
