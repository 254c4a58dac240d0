namespace Proxy.Core.Forwarding;

/// <summary>What a connection is waiting for, and so what its expired deadline means.</summary>
internal enum DeadlineKind : byte
{
    None,
    KeepAlive,
    RequestHead,
    ResponseHead,
    ResponseBody,
    ClientRead,
    Linger,
}
