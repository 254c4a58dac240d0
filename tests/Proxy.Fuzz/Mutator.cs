namespace Proxy.Fuzz;

/// <summary>Makes inputs out of others, without any feedback: for the bounded run, and where no instrumenting fuzzer is at hand. Deterministic.</summary>
internal sealed class Mutator(IReadOnlyList<byte[]> corpus, int seed)
{
    private const int MaxLength = 64 * 1024;

    private static ReadOnlySpan<byte> Delimiters => "\r\n\0 \t:;,\"\\/%.{}[]0"u8;

    private readonly Random _random = new(seed);

    public byte[] Next()
    {
        List<byte> bytes = [.. Pick()];
        for (int change = _random.Next(1, 6); change > 0; change--)
        {
            Change(bytes);
        }

        return bytes.Count <= MaxLength ? [.. bytes] : [.. bytes[..MaxLength]];
    }

    private byte[] Pick() => corpus[_random.Next(corpus.Count)];

    private void Change(List<byte> bytes)
    {
        int at = _random.Next(bytes.Count + 1);
        int length = Math.Min(_random.Next(1, 16), bytes.Count - at);
        switch (_random.Next(8))
        {
            case 0 when at < bytes.Count:
                bytes[at] = (byte)_random.Next(256);
                break;
            case 1 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 2:
                bytes.RemoveRange(at, length);
                break;
            case 3:
                bytes.InsertRange(at, bytes.GetRange(at, length));
                break;
            case 4:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 5:
                bytes.Insert(at, Delimiters[_random.Next(Delimiters.Length)]);
                break;
            default:
                byte[] other = Pick();
                int from = _random.Next(other.Length + 1);
                bytes.InsertRange(at, other.AsSpan(from, Math.Min(_random.Next(64), other.Length - from)).ToArray());
                break;
        }
    }
}
