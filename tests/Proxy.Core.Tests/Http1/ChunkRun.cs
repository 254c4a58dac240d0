using System.Text;
using Proxy.Core.Http1;

namespace Proxy.Core.Tests.Http1;

/// <summary>What a scanner made of a body: the data, what is relayed as it stands, and where it stopped.</summary>
internal sealed record ChunkRun(string Data, string Relayed, int Consumed, ChunkError Error, bool IsComplete)
{
    public static ChunkRun Whole(ReadOnlySpan<byte> body) => Pieces(body, body.Length);

    public static ChunkRun Bytewise(ReadOnlySpan<byte> body) => Pieces(body, 1);

    /// <summary>Feeds a first piece of <paramref name="first"/> bytes, then the rest.</summary>
    public static ChunkRun Cut(ReadOnlySpan<byte> body, int first)
    {
        Collector collector = new();
        collector.Feed(body[..first]);
        collector.Feed(body[first..]);
        return collector.Result();
    }

    public static ChunkRun Pieces(ReadOnlySpan<byte> body, int size)
    {
        Collector collector = new();
        for (int at = 0; at < body.Length; at += size)
        {
            collector.Feed(body.Slice(at, Math.Min(size, body.Length - at)));
        }

        return collector.Result();
    }

    private sealed class Collector
    {
        private readonly StringBuilder _data = new();
        private readonly StringBuilder _relayed = new();
        private ChunkScanner _scanner;
        private int _consumed;

        public void Feed(ReadOnlySpan<byte> input)
        {
            while (true)
            {
                ChunkPart part = _scanner.Next(input, out int length);
                string text = Heads.Text(input[..length]);
                _consumed += length;
                input = input[length..];
                switch (part)
                {
                    case ChunkPart.Data:
                        _data.Append(text);
                        _relayed.Append(text);
                        break;
                    case ChunkPart.Framing:
                        _relayed.Append(text);
                        break;
                    case ChunkPart.Discard:
                        break;
                    default:
                        Assert.Equal(0, length);
                        return;
                }

                Assert.NotEqual(0, length);
            }
        }

        public ChunkRun Result()
        {
            Assert.Equal(_data.Length, _scanner.DataLength);
            return new(_data.ToString(), _relayed.ToString(), _consumed, _scanner.Error, _scanner.IsComplete);
        }
    }
}
