using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Proxy.Simulator.Transport;

/// <summary>
/// A connection whose plain-text bytes (inside TLS) both Kestrel and the simulator can write. Kestrel parses requests and keeps the
/// connection; scripted responses are written past it, because no web framework would write a response that ends too early, is delimited
/// by close or breaks its chunks in odd places.
/// </summary>
internal sealed class RawConnection : IDuplexPipe
{
    private readonly ConnectionContext _connection;
    private readonly IDuplexPipe _inner;
    private readonly GatedPipeWriter _gate;

    private RawConnection(ConnectionContext connection)
    {
        _connection = connection;
        _inner = connection.Transport;
        _gate = new GatedPipeWriter(_inner.Output);
    }

    public PipeReader Input => _inner.Input;

    public PipeWriter Output => _gate;

    /// <summary>The bytes of the connection, past Kestrel. For the handler of the current request, before Kestrel writes.</summary>
    public PipeWriter Wire => _inner.Output;

    public static ConnectionDelegate Attach(ConnectionDelegate next) => connection =>
    {
        RawConnection raw = new(connection);
        connection.Transport = raw;
        connection.Features.Set(raw);
        return next(connection);
    };

    /// <summary>From here to the end of this response, what Kestrel writes is thrown away.</summary>
    public void TakeOver(HttpContext context, bool close)
    {
        _gate.Muted = true;
        if (close)
        {
            context.Response.Headers.Connection = "close";
        }
        else
        {
            // Kestrel runs this after the (muted) end of its own response and before the next request of the connection.
            context.Response.OnCompleted(static state =>
            {
                ((RawConnection)state)._gate.Muted = false;
                return Task.CompletedTask;
            }, this);
        }
    }

    /// <summary>Ends the connection with a TCP reset.</summary>
    public void Reset()
    {
        _connection.Features.Get<IConnectionSocketFeature>()?.Socket.LingerState = new(enable: true, seconds: 0);
        _connection.Abort(new ConnectionAbortedException("scripted reset"));
    }
}
