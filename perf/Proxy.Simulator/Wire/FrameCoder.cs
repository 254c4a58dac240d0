using System.IO.Compression;
using Proxy.Simulator.Scripting;

namespace Proxy.Simulator.Wire;

/// <summary>Compresses frame by frame, flushed after each, so that every event can still be decoded as soon as it arrives.</summary>
internal static class FrameCoder
{
    public static SimCoding Choose(SimCoding coding, string acceptEncoding) => coding switch
    {
        SimCoding.Auto when acceptEncoding.Contains("br", StringComparison.OrdinalIgnoreCase) => SimCoding.Brotli,
        SimCoding.Auto when acceptEncoding.Contains("gzip", StringComparison.OrdinalIgnoreCase) => SimCoding.Gzip,
        SimCoding.Auto => SimCoding.Identity,
        _ => coding,
    };

    public static List<Frame> Encode(IReadOnlyList<Frame> frames, SimCoding coding)
    {
        List<Frame> encoded = new(frames.Count);
        MemoryStream target = new();
        Stream coder = coding == SimCoding.Gzip
            ? new GZipStream(target, CompressionLevel.Fastest, leaveOpen: true)
            : new BrotliStream(target, CompressionLevel.Fastest, leaveOpen: true);
        for (int i = 0; i < frames.Count; i++)
        {
            coder.Write(frames[i].Bytes.Span);
            coder.Flush();
            if (i == frames.Count - 1)
            {
                coder.Dispose();
            }

            encoded.Add(frames[i] with { Bytes = target.ToArray() });
            target.SetLength(0);
        }

        coder.Dispose();
        return encoded;
    }
}
