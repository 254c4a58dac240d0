using Proxy.Core.Http1;
using Proxy.Core.Outcomes;
using Proxy.Core.Upstream;

namespace Proxy.Core.Forwarding;

/// <summary>
/// Steps 7 to 10, between the awaits: one attempt to have a request answered over one upstream connection. Owned by the connection's task.
/// </summary>
internal sealed class Attempt(
    Exchange exchange,
    RequestHeadReader heads,
    BodyInspector inspector,
    Upload upload,
    Download download,
    ClientOutput output,
    Deadlines deadlines,
    UpstreamLease lease)
{
    /// <summary>Step 7: from here on the connection is this exchange's, and others may cut it.</summary>
    public void Hold(UpstreamConnection upstream)
    {
        upstream.BeginRequest();
        if (!lease.TryHold(upstream))
        {
            // Nothing was sent on it: somebody else can have it.
            exchange.Pool.Return(upstream);
            ForwardException.Throw(ForwardFailure.ClientGone);
        }
    }

    /// <summary>Step 8.</summary>
    public void WriteFirst(UpstreamConnection upstream)
    {
        download.Begin(heads.Head, exchange.Limits, exchange.Record);
        exchange.WriteHead(heads.Head, heads.Bytes, upstream);
        upload.WriteHeld(upstream);

        // From here on it may cost something, whatever becomes of this process.
        exchange.Record!.Checkpoint();
    }

    /// <summary>The first bytes are on their way: the head is needed no more, unless the request may have to be sent again.</summary>
    public void StartUpload(UpstreamConnection upstream)
    {
        if (heads.Head.Framing != BodyFraming.None)
        {
            heads.Release();
        }

        upload.StartRest(upstream);
    }

    /// <summary>Step 9, downwards: looks at what was read of response heads.</summary>
    public void TakeHead(int count)
    {
        if (count > 0 && download.Stage == DownloadStage.Nothing)
        {
            // The upstream has answered: this request will not be sent again.
            exchange.FirstByte();
            heads.Release();
        }

        download.TakeHead(count);
        if (download.HasInvited)
        {
            upload.Invited();
        }
    }

    /// <summary>Step 9, downwards: the final head goes to the client.</summary>
    /// <param name="isLast">The connection ends behind this response.</param>
    public void RelayHead(bool isLast, UpstreamConnection upstream)
    {
        deadlines.Answered();
        if (upload.IsSent)
        {
            exchange.Uploaded(upload, inspector.Meter);
        }

        exchange.BeginAnswer(inspector.Meter);
        download.RelayHead(isLast, upstream);
    }

    /// <summary>A part of the response is about to be handed to the client: what it has come to is reserved.</summary>
    public void TopUp()
    {
        if (!upload.IsRunning)
        {
            exchange.TopUp();
        }
    }

    /// <summary>The response is whole: what it cost is settled, and the upstream connection free, before its last bytes leave.</summary>
    public void SettleEarly()
    {
        if (!upload.IsRunning)
        {
            exchange.Uploaded(upload, inspector.Meter);
            exchange.Settle(responseStarted: true);

            // Its part is done: a client that reads slowly, or leaves with its last byte, costs it nothing more.
            ReleaseUpstream();
        }
    }

    /// <summary>An attempt is over, and nothing of it runs any more.</summary>
    public void End(Exception? fault)
    {
        if (fault is not null && !IsServed)
        {
            Blame(fault);
        }

        ReleaseUpstream();
    }

    /// <summary>
    /// The client left, with nothing of its answer still to be handed to it: it did not leave early (a stream's client goes when it has
    /// read message_stop, before the upstream says that the body is over).
    /// </summary>
    private bool IsServed =>
        lease.IsClientGone && deadlines.Expired == DeadlineKind.None && exchange.Meter.IsWhole
            && output.Unflushed == 0 && !output.IsFlushing;

    /// <summary>Says which party failed at which stage. What expired or left first explains the rest.</summary>
    private void Blame(Exception fault)
    {
        ForwardFailure failure = deadlines.Expired switch
        {
            DeadlineKind.ClientRead => ForwardFailure.ClientNotReading,
            _ when lease.IsClientGone => ForwardFailure.ClientGone,
            DeadlineKind.ResponseHead => ForwardFailure.UpstreamHeadTimeout,
            DeadlineKind.ResponseBody => ForwardFailure.UpstreamSilent,
            _ when deadlines.UploadExpired == DeadlineKind.ResponseHead => ForwardFailure.UpstreamHeadTimeout,
            _ when upload.Result.Failure != ForwardFailure.None => upload.Result.Failure,
            _ => FailureOf(fault),
        };
        exchange.Fail(failure, upload.Result, fault);
    }

    private ForwardFailure FailureOf(Exception fault) => fault switch
    {
        ForwardException forward => forward.Failure,
        UpstreamException upstream => upstream.Failure,
        _ when output.IsFlushing => ForwardFailure.ClientGone,
        _ when !UpstreamConnection.IsTransportFault(fault) => ForwardFailure.Internal,
        _ when download.HasHead => ForwardFailure.UpstreamBody,
        _ when download.Stage == DownloadStage.Heads => ForwardFailure.UpstreamHead,
        _ when upload.HasStarted => ForwardFailure.UpstreamClosed,
        _ => ForwardFailure.UpstreamSend,
    };

    /// <summary>Gives the upstream connection back, or cuts it: any doubt cuts (http-rules.md §1.4).</summary>
    private void ReleaseUpstream()
    {
        UpstreamConnection? upstream = lease.Release();
        deadlines.Disarm();
        download.Release();
        if (upstream is null)
        {
            return;
        }

        if (exchange.Failure == ForwardFailure.None && upload.IsSent && download.LeavesConnectionClean)
        {
            exchange.Pool.Return(upstream);
            return;
        }

        bool isReplayable = heads.IsHeld && upload.IsReplayable;
        exchange.ConsiderRetry(upstream, isReplayable, download.Stage != DownloadStage.Nothing, heads.Head.Method);
        upstream.Abort();
        upstream.EndRequest();
    }
}
