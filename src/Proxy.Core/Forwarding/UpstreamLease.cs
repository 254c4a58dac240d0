using Proxy.Core.Upstream;

namespace Proxy.Core.Forwarding;

/// <summary>
/// The upstream connection that an exchange holds at the moment, and the one lock through which other threads may cut it: the clock, when a
/// deadline expires, and the transport, when the client leaves. After <see cref="Release"/> none of them can, so that a connection is never
/// cut after it went back to the pool.
/// </summary>
internal sealed class UpstreamLease
{
    private readonly Lock _gate = new();
    private UpstreamConnection? _connection;
    private volatile bool _isClientGone;

    /// <summary>The client's connection is closed: nothing is sent upstream for it any more.</summary>
    public bool IsClientGone => _isClientGone;

    /// <summary>Takes hold of a connection; false when the client left before, and it may go back unused.</summary>
    public bool TryHold(UpstreamConnection connection)
    {
        lock (_gate)
        {
            if (_isClientGone)
            {
                return false;
            }

            _connection = connection;
            return true;
        }
    }

    /// <summary>Lets go of the connection, whole or cut; null when none is held.</summary>
    public UpstreamConnection? Release()
    {
        lock (_gate)
        {
            UpstreamConnection? connection = _connection;
            _connection = null;
            return connection;
        }
    }

    /// <summary>Cuts the connection, if one is held. From any thread.</summary>
    public void Abort()
    {
        lock (_gate)
        {
            _connection?.Abort();
        }
    }

    /// <summary>The client has left: cuts what is held, now and later. From any thread.</summary>
    public void ClientGone()
    {
        lock (_gate)
        {
            _isClientGone = true;
            _connection?.Abort();
        }
    }

    /// <summary>
    /// Takes the deadlines that are due, and cuts the connection where it is what they wait for: under one lock, so that it is this
    /// request's.
    /// </summary>
    public (DeadlineKind Main, DeadlineKind Upload) Expire(Deadlines deadlines, long nowMs)
    {
        lock (_gate)
        {
            DeadlineKind main = deadlines.TakeDue(nowMs);
            DeadlineKind upload = deadlines.TakeDueUpload(nowMs);
            bool cuts = main is DeadlineKind.ResponseHead or DeadlineKind.ResponseBody or DeadlineKind.ClientRead
                || upload == DeadlineKind.ResponseHead

                // An upload waits for the client's next bytes, or for the upstream to take some.
                || (upload == DeadlineKind.RequestBody && _connection is { PendingSend: > 0 });
            if (cuts)
            {
                _connection?.Abort();
            }

            return (main, upload);
        }
    }
}
