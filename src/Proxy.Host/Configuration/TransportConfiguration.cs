namespace Proxy.Host.Configuration;

/// <summary>How the client side's sockets are served.</summary>
internal sealed record TransportConfiguration
{
    /// <summary>Continuations run where the socket event was seen: no hop through the thread pool on either side of the pipe.</summary>
    public bool Inline { get; init; } = true;

    /// <summary>Idle connections hold no receive buffer, for one more system call a read.</summary>
    public bool WaitForData { get; init; } = true;
}
