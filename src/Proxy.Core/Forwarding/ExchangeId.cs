using System.Buffers.Binary;

namespace Proxy.Core.Forwarding;

/// <summary>
/// Version 7 UUIDs (RFC 9562 §5.7): ordered by time, so that the ledger's index grows at its end. Need be unique, not secret.
/// </summary>
internal static class ExchangeId
{
    public static Guid Create(long unixMs)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, unixMs << 16);

        // A cryptographic generator would cost a system call per request.
        Random.Shared.NextBytes(bytes[6..]);
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x70);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
