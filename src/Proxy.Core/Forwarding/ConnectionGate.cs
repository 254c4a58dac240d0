using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Proxy.Core.Forwarding.Answers;
using Proxy.Core.Outcomes;

namespace Proxy.Core.Forwarding;

/// <summary>
/// Counts client connections, in all and per address, against <see cref="GatewayLimits.MaxConnections"/> and
/// <see cref="GatewayLimits.MaxConnectionsPerAddress"/>. Asked once a connection, before TLS. Thread-safe.
/// </summary>
public sealed class ConnectionGate(Gateway gateway)
{
    // An IPv6 host has a /64 to choose addresses from: that is what is counted.
    private const int HostPrefixBytes = 8;

    private readonly ConcurrentDictionary<IPAddress, int> _perAddress = new();
    private int _count;
    private long _refused;

    /// <summary>Connections let in and not yet ended.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Connections refused since the start.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>Addresses that have a connection.</summary>
    public int Addresses => _perAddress.Count;

    /// <summary>Lets a connection in, or refuses it. Every true is paid back by <see cref="Leave"/> with the same endpoint.</summary>
    public bool TryEnter(EndPoint? remote)
    {
        GatewayLimits limits = gateway.Snapshot.Limits;
        if (Interlocked.Increment(ref _count) > limits.MaxConnections)
        {
            Interlocked.Decrement(ref _count);
            Interlocked.Increment(ref _refused);
            return false;
        }

        if (HostOf(remote) is { } host
            && _perAddress.AddOrUpdate(host, 1, static (_, count) => count + 1) > limits.MaxConnectionsPerAddress)
        {
            Leave(remote);
            Interlocked.Increment(ref _refused);
            return false;
        }

        return true;
    }

    /// <summary>What a connection that was not let in is told, before it is closed.</summary>
    public void WriteRefusal(IBufferWriter<byte> output)
    {
        Answer answer = new(503, "the gateway has too many connections, or too many from this address", ShouldRetry: true);
        AnswerContext context = new()
        {
            Id = ExchangeId.Create(gateway.Time.GetUtcNow().ToUnixTimeMilliseconds()),
            Date = gateway.Clock.Date,
            Close = true,
            HeadOnly = false,
        };
        output.Advance(LocalAnswers.WriteRefusal(output.GetSpan(LocalAnswers.MaxLength), answer, context));
    }

    public void Leave(EndPoint? remote)
    {
        Interlocked.Decrement(ref _count);
        if (HostOf(remote) is not { } host)
        {
            return;
        }

        while (true)
        {
            bool found = _perAddress.TryGetValue(host, out int count);
            Debug.Assert(found && count > 0, "a connection left that never came");
            if (count == 1 ? _perAddress.TryRemove(KeyValuePair.Create(host, 1)) : _perAddress.TryUpdate(host, count - 1, count))
            {
                return;
            }
        }
    }

    private static IPAddress? HostOf(EndPoint? remote)
    {
        if (remote is not IPEndPoint { Address: var address })
        {
            return null;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        Span<byte> bytes = stackalloc byte[16];
        _ = address.TryWriteBytes(bytes, out _);
        bytes[HostPrefixBytes..].Clear();
        return new IPAddress(bytes);
    }
}
