using System.IO.Pipelines;
using Proxy.Core.Http1;
using Proxy.Core.Outcomes;

namespace Proxy.Core.Forwarding;

/// <summary>What is known when the input was looked at for a head.</summary>
internal enum Arrival : byte
{
    /// <summary>Nothing yet.</summary>
    Pending = 0,

    /// <summary>A request, to be served or refused.</summary>
    Request,

    /// <summary>No more requests come.</summary>
    Over,
}

/// <summary>
/// Steps 1 to 6: from the first byte of a request to the moment when it may be sent. Reads the head, has it judged, holds as much of the
/// body as the judgement needs, and admits or refuses. Owned by the connection's task.
/// </summary>
internal sealed class Intake(
    PipeReader input,
    RequestHeadReader heads,
    Exchange exchange,
    BodyInspector inspector,
    Upload upload,
    Deadlines deadlines,
    UpstreamLease lease)
{
    /// <summary>Bytes of the latest read of a head or of a held body.</summary>
    public long Received { get; private set; }

    /// <summary>Whatever is answered, nothing can follow it on this connection.</summary>
    public bool EndsConnection { get; private set; }

    /// <summary>The next request.</summary>
    public void Begin()
    {
        heads.Begin();
        EndsConnection = false;
    }

    /// <summary>Nothing of the request is under way any more: what it said is written down, and its bytes are let go.</summary>
    public void End()
    {
        heads.Release();
        upload.Held.Release();
        exchange.Uploaded(upload, inspector.Meter);
        inspector.End();
    }

    /// <summary>Step 1, and, for a whole head, 2 to 5.</summary>
    /// <param name="isDraining">The server drains: no request is begun any more.</param>
    public Arrival TakeHead(in ReadResult read, bool isDraining)
    {
        Received = read.Buffer.Length;
        if (!heads.HasBegun && !read.Buffer.IsEmpty)
        {
            exchange.HeadBegins();
            deadlines.Arm(DeadlineKind.RequestHead);
        }

        HeadStatus end = heads.Take(read.Buffer, exchange.Limits.RequestHead, out SequencePosition consumed);
        if (end == HeadStatus.Incomplete)
        {
            return TakeNoHead(read, isDraining);
        }

        deadlines.Disarm();
        input.AdvanceTo(consumed);
        if (end == HeadStatus.Malformed)
        {
            exchange.RefuseHead(heads.Error);
            return Arrival.Request;
        }

        Decide(isDraining);
        return Arrival.Request;
    }

    private Arrival TakeNoHead(in ReadResult read, bool isDraining)
    {
        DeadlineKind expired = deadlines.Expired;
        deadlines.ClearExpired();
        bool isLate = expired == DeadlineKind.RequestHead;
        bool isOver = read.IsCompleted || lease.IsClientGone || expired is DeadlineKind.KeepAlive or DeadlineKind.FirstByte
            || (isDraining && read.Buffer.IsEmpty);
        if (!isLate && !isOver)
        {
            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            return Arrival.Pending;
        }

        heads.Discard(read.Buffer, out SequencePosition consumed);
        input.AdvanceTo(consumed);
        if (!isLate)
        {
            return Arrival.Over;
        }

        exchange.Refuse(ForwardFailure.ClientHeadTimeout);
        EndsConnection = true;
        return Arrival.Request;
    }

    private void Decide(bool isDraining)
    {
        try
        {
            upload.Begin(heads.Head, exchange.Limits);
            exchange.Decide(heads.Head, heads.Bytes, isDraining);
            if (exchange.Verdict == Verdict.Forward)
            {
                upload.Limit(exchange.Limits.MaxBodyOf(exchange.Path));
                exchange.BeginBody(inspector);
                upload.Held.TryTake(inspector);
            }
        }
        catch (Exception fault)
        {
            Break(fault);
        }
    }

    /// <summary>A fault of the gateway's own, before anything was sent.</summary>
    private void Break(Exception fault)
    {
        exchange.Refuse(ForwardFailure.Internal);
        exchange.Report(fault);
        EndsConnection = true;
    }

    /// <summary>Looks at what is held of a body that may not leave yet. False when the request may go on, or is refused.</summary>
    public bool HoldsTooLittle()
    {
        if (exchange.Verdict != Verdict.Forward || exchange.Guarded is null)
        {
            return false;
        }

        HeldBody held = upload.Held;
        RefusalReason reason = inspector.JudgeModel(held.IsWhole);
        if (reason != RefusalReason.None)
        {
            exchange.Refuse(reason);
            return false;
        }

        // A client that waits for 100 (Continue) sends nothing until the upstream has spoken: its body is judged on the way.
        bool isEnough = held.IsWhole || held.IsBroken || !inspector.Meter.Model.IsEmpty || held.Length >= exchange.Limits.ModelPrefix;
        if (isEnough || heads.Head.ExpectsContinue)
        {
            return false;
        }

        if (held.IsInputOver || lease.IsClientGone)
        {
            lease.ClientGone();
            exchange.Refuse(ForwardFailure.ClientGone);
            return false;
        }

        if (deadlines.UploadExpired == DeadlineKind.RequestBody)
        {
            exchange.Refuse(ForwardFailure.ClientBodyTimeout);
            EndsConnection = true;
            return false;
        }

        deadlines.ArmUpload(DeadlineKind.RequestBody);
        held.WaitForMore();
        return true;
    }

    public void HoldMore(in ReadResult read)
    {
        Received = read.Buffer.Length;
        upload.Held.Take(read, inspector);
        deadlines.DisarmUpload();
    }

    /// <summary>Step 6.</summary>
    public void Admit()
    {
        if (exchange.Verdict != Verdict.Forward)
        {
            return;
        }

        try
        {
            exchange.Admit(inspector, upload.KnownLength, upload.Held.IsWhole);
            if (upload.Held.IsWhole)
            {
                inspector.Judged();
            }
        }
        catch (Exception fault)
        {
            Break(fault);
        }
    }
}
