using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Proxy.Core.Http1;
using Proxy.Core.Metering;
using Proxy.Core.Outcomes;
using Proxy.Core.Upstream;

namespace Proxy.Core.Forwarding;

/// <summary>
/// The life of the requests of one client connection, one after the other: open this file to learn what happens to a request and follow the
/// numbered steps into the other parts. One asynchronous method for the connection, which awaits only pipes, the upstream connection and
/// our own <see cref="Signal"/>; every step between two awaits is a synchronous method. That is what keeps it free of allocations: an async
/// method per step would build a state machine each time it waits.
/// Owner: the task that runs <see cref="RunAsync"/>. Two other threads look in: the coarse clock (<see cref="OnTick"/>) and the transport
/// (client gone, drain); they touch nothing but what Exchange.Deadlines.cs guards.
/// </summary>
internal sealed partial class Exchange : IDisposable
{
    /// <summary>Space asked for before each read of a response body; a pool block is larger, and all of it is used.</summary>
    private const int MinimumRead = 4096;

    /// <summary>A response that keeps coming is handed to the transport at this size.</summary>
    private const int FlushThreshold = 64 * 1024;

    private readonly Gateway _gateway;
    private readonly CoarseClock _clock;
    private readonly ConnectionContext _connection;
    private readonly IHalfClosing? _halfClosing;
    private readonly PipeReader _input;
    private readonly PipeWriter _output;

    private readonly RequestHead _request = new();
    private readonly ResponseHead _response = new();
    private readonly RequestMeter _requestMeter = new();
    private readonly ResponseMeter _responseMeter;

    // Per request, reset by BeginRequest.
    private GatewaySnapshot _snapshot;
    private Verdict _verdict;
    private Answer _refusal;
    private ForwardFailure _failure;
    private int _attempt;
    private bool _closeAfter;
    private bool _responseStarted;
    private int _unflushed;

    public Exchange(Gateway gateway, ConnectionContext connection)
    {
        _gateway = gateway;
        _clock = gateway.Clock;
        _connection = connection;
        _halfClosing = connection.Features.Get<IHalfClosing>();
        _input = connection.Transport.Input;
        _output = connection.Transport.Output;
        _snapshot = gateway.Snapshot;
        _responseMeter = new ResponseMeter(gateway.Spend);
    }

    /// <summary>Serves the connection until it ends. Never throws for anything a peer does.</summary>
    public async Task RunAsync()
    {
        try
        {
            await ServeAsync();
        }
        catch (IOException)
        {
            // The client reset the connection between two requests, or in the middle of a head.
        }
        finally
        {
            await EndAsync();
        }
    }

    private async Task ServeAsync()
    {
        do
        {
            // 1. Read the head.
            BeginRequest();
            ReadResult read;
            do
            {
                read = await _input.ReadAsync();
            }
            while (!TakeHead(read));

            // 2. Answer locally, 3. route, 4. identify, 5. choose the credential, 6. admit.
            if (_verdict == Verdict.Forward)
            {
                Decide(read.Buffer);
            }

            while (_verdict == Verdict.Forward && !TakePrefix(read))
            {
                read = await _input.ReadAsync();
            }

            if (_verdict == Verdict.Forward)
            {
                Admit(read.Buffer);
            }

            if (_verdict == Verdict.Leave)
            {
                _ = await TryEndOutputAsync();
                break;
            }

            while (_verdict == Verdict.Forward)
            {
                try
                {
                    // 7. Rent an upstream connection; after a stale one, a fresh one.
                    UpstreamConnection? upstream = null;
                    if (_attempt++ > 0 || !_route!.Pool.TryRent(out upstream))
                    {
                        upstream = await _route!.Pool.DialAsync();
                    }

                    Attach(upstream!);

                    // 8. Write the head; it leaves together with what is here of the body.
                    FillRequest(read.Buffer, upstream!);
                    await upstream!.FlushAsync();

                    // 9. Relay both directions at once: the rest of the body goes up on its own ...
                    RequestBegun(read.Buffer);

                    // ... while the response head, after any interim ones, comes down,
                    while (!_finalHead)
                    {
                        _ = await upstream.WaitReadableAsync();
                        TakeResponseHead(await upstream.ReadAsync(HeadSpace()), read.Buffer);
                        if (_interimPending)
                        {
                            CheckFlush(await FlushToClient());
                        }
                    }

                    // and then its body: decrypted into the client's output, scanned there (10. meter), and flushed exactly when the
                    // upstream has nothing more ready.
                    while (!_responseDone)
                    {
                        ValueTask<int> readable = upstream.WaitReadableAsync();
                        if (_unflushed >= FlushThreshold || (_unflushed > 0 && !readable.IsCompleted))
                        {
                            CheckFlush(await FlushToClient());
                        }

                        _ = await readable;
                        Memory<byte> space = _output.GetMemory(MinimumRead);
                        int count = await upstream.ReadAsync(space);
                        TakeResponseBody(space.Span, count);
                    }

                    if (!_uploadStarted)
                    {
                        // Its part is done: a client that reads slowly, or leaves with its last byte, costs it nothing more.
                        ReleaseUpstream();
                    }

                    CheckLastFlush(await FlushToClient());
                }
                catch (Exception fault)
                {
                    Fail(fault);
                }

                if (_uploadStarted)
                {
                    StopUpload();
                    _ = await _uploadEnded.WaitAsync();
                }

                ReleaseUpstream();
                if (!TakeRetry())
                {
                    break;
                }
            }

            // 11. Finish, on every path: answer if nobody has, settle and book, keep or close the connection.
            ReleaseHead(read.Buffer);
            PrepareAnswer();
            if (_unflushed > 0)
            {
                try
                {
                    NoteFlush(await FlushToClient());
                }
                catch (Exception)
                {
                    _clientGone = true;
                }
            }

            Book();
            if (_restOfBody || (_closeAfter && _endsInOrder))
            {
                await DiscardAsync();
            }
        }
        while (!_closeAfter);
    }
}
