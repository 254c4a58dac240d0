using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using Proxy.Core.Anthropic;
using Proxy.Core.Forwarding.Answers;
using Proxy.Core.Http1;
using Proxy.Core.Identity;
using Proxy.Core.Outcomes;
using Proxy.Core.Routing;
using Proxy.Core.Spend;
using Proxy.Core.Upstream;

namespace Proxy.Core.Forwarding;

/// <summary>Steps 1 to 6 and 8: from the first byte of a request to the head that leaves.</summary>
internal sealed partial class Exchange
{
    /// <summary>What the gateway adds to a head at most: Host, the credential, restated framing, Accept-Encoding.</summary>
    private const int HeadRoom = 2048;

    private HeadScanner _headScanner;
    private ReadOnlySequence<byte> _partialHead;
    private bool _isFirstRequest = true;
    private bool _headBegun;
    private bool _headTaken;
    private bool _headReleased;
    private byte[]? _headCopy;
    private Route? _route;
    private Slice _upstreamPath;
    private CredentialDecision _credential;
    private Slice _gatewayKey;
    private SpendRecord? _record;
    private Guid _id;
    private long _startedAt;
    private long _startedAtUnixMs;

    private void BeginRequest()
    {
        _snapshot = _gateway.Snapshot;
        _verdict = Verdict.Forward;
        _refusal = default;
        _failure = ForwardFailure.None;
        _attempt = 0;
        _closeAfter = false;
        _responseStarted = false;
        _unflushed = 0;
        _headScanner = default;
        _headBegun = false;
        _headTaken = false;
        _headReleased = false;
        _route = null;
        _credential = default;
        _record = null;
        BeginBody();
        BeginPrefix();
        BeginResponse();
        BeginWaiting();
    }

    /// <summary>Step 1. True when the verdict on what arrived can be given.</summary>
    private bool TakeHead(in ReadResult read)
    {
        ReadOnlySequence<byte> buffer = read.Buffer;
        if (!_headBegun && !buffer.IsEmpty)
        {
            HeadBegins();
        }

        switch (_headScanner.Scan(buffer, _snapshot.Limits.RequestHead, isRequest: true))
        {
            case HeadEnd.Complete:
                Disarm();
                _headTaken = true;
                return true;
            case HeadEnd.Malformed:
                Disarm();
                RefuseHead(_headScanner.Error);
                return true;
        }

        DeadlineKind expired = TakeExpired();
        if (expired == DeadlineKind.RequestHead)
        {
            Refuse(ForwardFailures.Describe(_failure = ForwardFailure.ClientHeadTimeout).Answer);
            _closeAfter = true;
            return true;
        }

        if (read.IsCompleted || _clientGone || expired == DeadlineKind.KeepAlive || (_draining && buffer.IsEmpty))
        {
            _verdict = Verdict.Leave;
            Wipe(buffer);
            _partialHead = default;
            _input.AdvanceTo(buffer.End);
            return true;
        }

        _partialHead = buffer;
        _input.AdvanceTo(buffer.Start, buffer.End);
        return false;
    }

    private void HeadBegins()
    {
        _headBegun = true;
        _isFirstRequest = false;
        _startedAt = _gateway.Time.GetTimestamp();
        _startedAtUnixMs = _gateway.Time.GetUtcNow().ToUnixTimeMilliseconds();
        _id = ExchangeId.Create(_startedAtUnixMs);
        Arm(DeadlineKind.RequestHead, _snapshot.Limits.HeadTimeout);
    }

    /// <summary>Steps 2 to 6: judges the head. Nothing has been sent anywhere yet.</summary>
    private void Decide(in ReadOnlySequence<byte> buffer)
    {
        try
        {
            Judge(HeadSpan(buffer));
        }
        catch (Exception fault)
        {
            Fail(fault);
            Refuse(ForwardFailures.Describe(_failure).Answer);
            _closeAfter = true;
        }
    }

    private void Judge(ReadOnlySpan<byte> head)
    {
        HeadError error = _request.Parse(head, _snapshot.Limits.RequestHead);
        if (error != HeadError.None)
        {
            RefuseHead(error);
            return;
        }

        ReadOnlySpan<byte> path = _request.Path.Of(head);

        // 2. Answer locally what is ours.
        if (_request.Method is MethodId.Get or MethodId.Head && LocalAnswers.IsHealthPath(path, out bool readiness))
        {
            _verdict = readiness ? Verdict.AnswerReadiness : Verdict.AnswerHealth;
            return;
        }

        // 3. Route.
        if (!_snapshot.Routes.TryMatch(path, out Route? route, out ReadOnlySpan<byte> upstreamPath))
        {
            Refuse(RefusalReason.RouteUnknown);
            return;
        }

        if (LocalAnswers.IsWarmUp(_request.Method, upstreamPath))
        {
            _verdict = Verdict.AnswerEmpty;
            return;
        }

        _route = route;
        _upstreamPath = new Slice(_request.Path.End - upstreamPath.Length, upstreamPath.Length);

        // A target that begins with "//" is an authority to a URL resolver (http-rules.md row 16).
        if (upstreamPath.StartsWith("//"u8))
        {
            RefuseHead(HeadError.TargetMalformed);
            return;
        }

        // 4. Identify and 5. choose the credential.
        PresentedCredentials presented = Presented(head);
        _credential = CredentialPolicy.Decide(presented, _snapshot.Keys, route.Credentials, _startedAtUnixMs, out ReadOnlySpan<byte> gatewayKey);
        bool isBooked = _credential.Principal is not null || _gateway.Strangers.TryBook(_startedAtUnixMs, _snapshot.Limits.BookedStrangersPerMinute);
        bool claimed = isBooked && Claim(head, upstreamPath);
        if (IsOurOwn(head))
        {
            // Before the key is judged: on its way round a request has lost it.
            Refuse(RefusalReason.Loop);
            return;
        }

        if (_credential.Refusal != RefusalReason.None)
        {
            Refuse(_credential.Refusal);
            return;
        }

        _gatewayKey = SliceOf(head, gatewayKey);
        if (_request.Target.Of(head).IndexOf(gatewayKey) >= 0)
        {
            Refuse(RefusalReason.KeyInTarget);
            return;
        }

        // 6. Admit, as far as the head alone tells.
        if (!claimed)
        {
            Refuse(RefusalReason.LedgerFull);
            return;
        }

        if (_draining)
        {
            Refuse(RefusalReason.Draining);
            _closeAfter = true;
            return;
        }

        if (_request.Framing == BodyFraming.Length && _request.ContentLength > _snapshot.Limits.MaxBodyOf(_record!.PathClass))
        {
            Refuse(RefusalReason.BodyTooLarge);
            return;
        }

        RefusalReason fenced = CheckFences(head);
        if (fenced != RefusalReason.None)
        {
            Refuse(fenced);
            return;
        }

        _record!.Credential = _credential.Credential;
    }

    /// <summary>Takes the record of this exchange and writes down what its head says.</summary>
    private bool Claim(ReadOnlySpan<byte> head, ReadOnlySpan<byte> upstreamPath)
    {
        if (!_gateway.Spend.TryClaim(out SpendRecord? record))
        {
            return false;
        }

        record.Id = _id;
        record.Principal = _credential.Principal;
        record.StartedAtUnixMs = _startedAtUnixMs;
        record.Route = _route!.Name;
        record.Method = _request.Method;
        record.PathClass = PathClassifier.Classify(_request.Method, upstreamPath);
        if (record.PathClass == PathClass.BatchResults)
        {
            // The only id this exchange is about: its answer has none of its own.
            record.MessageId.Set(PathClassifier.BatchIdOf(upstreamPath));
        }

        Copy(record.SessionId, FieldId.SessionId, head);
        Copy(record.AgentId, FieldId.AgentId, head);
        Copy(record.ParentAgentId, FieldId.ParentAgentId, head);
        Copy(record.Tags, FieldId.Tags, head);
        _record = record;
        return true;
    }

    /// <summary>True for a request that this gateway has forwarded before (RFC 8586 §2).</summary>
    private bool IsOurOwn(ReadOnlySpan<byte> head)
    {
        for (int i = _request.Fields.Find(FieldId.CdnLoop); i >= 0 && i < _request.Fields.Count; i++)
        {
            if (_request.Fields[i].Id == FieldId.CdnLoop && _request.Fields[i].Value.Of(head).IndexOf(_gateway.LoopToken) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    private void Copy(TextField field, FieldId id, ReadOnlySpan<byte> head)
    {
        int index = _request.Fields.Find(id);
        if (index >= 0)
        {
            field.Set(Redaction.Of(_request.Fields[index].Value.Of(head)));
        }
    }

    private PresentedCredentials Presented(ReadOnlySpan<byte> head)
    {
        PresentedCredentials presented = default;
        presented.HasGatewayKey = TryGet(FieldId.GatewayKey, head, out presented.GatewayKey);
        presented.HasAuthorization = TryGet(FieldId.Authorization, head, out presented.Authorization);
        presented.HasApiKey = TryGet(FieldId.ApiKey, head, out presented.ApiKey);
        return presented;
    }

    private bool TryGet(FieldId id, ReadOnlySpan<byte> head, out ReadOnlySpan<byte> value)
    {
        int index = _request.Fields.Find(id);
        value = index < 0 ? default : _request.Fields[index].Value.Of(head);
        return index >= 0;
    }

    /// <summary>Step 8: the head anew, then as much of the body as is here and fits. Repeatable as long as the input was not advanced.</summary>
    private void FillRequest(in ReadOnlySequence<byte> buffer, UpstreamConnection upstream)
    {
        ReadOnlySpan<byte> head = HeadSpan(buffer);
        OutboundRequest outbound = new()
        {
            Path = _upstreamPath.Of(head),
            Query = _request.Query.Of(head),
            Authority = _route!.Endpoint.AuthorityBytes.Span,
            ForwardAuthorization = _credential.ForwardAuthorization,
            ForwardApiKey = _credential.ForwardApiKey,
            CredentialLine = _credential.Credential == CredentialKind.Server ? _route.Credentials.ServerKeyLine : default,
            GatewayKey = _gatewayKey.Of(head),
            LoopLine = _gateway.LoopLine,
            AcceptedCodings = _snapshot.Limits.AcceptedCodings,
        };
        int written = RequestHeadWriter.Write(upstream.GetSendMemory(head.Length + HeadRoom).Span, head, _request, outbound);
        if (written < 0)
        {
            ForwardException.Throw(ForwardFailure.Internal, "the rewritten head does not fit its buffer");
        }

        upstream.AdvanceSend(written);
        BeginRequestMeter(head);
        RestartBody();
        _bodyTaken = TakeRequestBody(buffer.Slice(HeadEndOffset), upstream);

        // From here on it may cost something, whatever becomes of this process.
        _record!.Checkpoint();
    }

    private int HeadEndOffset => _headScanner.LeadingBytes + _headScanner.HeadLength;

    /// <summary>The head as one span: where it lies, or, when it spans segments, in a copy made once.</summary>
    private ReadOnlySpan<byte> HeadSpan(in ReadOnlySequence<byte> buffer)
    {
        if (_headCopy is not null)
        {
            return _headCopy.AsSpan(0, _headScanner.HeadLength);
        }

        ReadOnlySequence<byte> head = buffer.Slice(_headScanner.LeadingBytes, _headScanner.HeadLength);
        if (head.IsSingleSegment)
        {
            return head.FirstSpan;
        }

        _headCopy = ArrayPool<byte>.Shared.Rent(_headScanner.HeadLength);
        head.CopyTo(_headCopy);
        return _headCopy.AsSpan(0, _headScanner.HeadLength);
    }

    /// <summary>The head, and what was taken of the body with it, is no longer needed. Idempotent.</summary>
    private void ReleaseHead(in ReadOnlySequence<byte> buffer)
    {
        if (_headReleased)
        {
            return;
        }

        _headReleased = true;
        _partialHead = default;
        Wipe(_headTaken ? buffer.Slice(0, HeadEndOffset) : buffer);
        _input.AdvanceTo(_headTaken ? buffer.GetPosition(HeadEndOffset + _bodyTaken) : buffer.End);
        if (_headCopy is not null)
        {
            // It held a credential.
            ArrayPool<byte>.Shared.Return(_headCopy, clearArray: true);
            _headCopy = null;
        }
    }

    /// <summary>Heads hold credentials, and the transport's blocks go back to a pool as they are: what is given up is overwritten first.</summary>
    private static void Wipe(in ReadOnlySequence<byte> bytes)
    {
        foreach (ReadOnlyMemory<byte> segment in bytes)
        {
            MemoryMarshal.AsMemory(segment).Span.Clear();
        }
    }

    private void RefuseHead(HeadError error)
    {
        _failure = ForwardFailure.ClientHead;
        Refuse(new Answer(HeadErrors.StatusOf(error), HeadErrors.MessageOf(error)));

        // After a message that could not be read, nothing on this connection can be (http-rules.md §1.2).
        _closeAfter = true;
    }

    private void Refuse(RefusalReason reason)
    {
        Refuse(Refusals.Describe(reason));
        if (_record is not null)
        {
            _record.Refusal = reason;
        }
    }

    private void Refuse(in Answer answer)
    {
        _verdict = Verdict.Refuse;
        _refusal = answer;
    }

    private static Slice SliceOf(ReadOnlySpan<byte> outer, ReadOnlySpan<byte> inner)
    {
        if (inner.IsEmpty || !outer.Overlaps(inner, out int offset))
        {
            return default;
        }

        return new Slice(offset, inner.Length);
    }
}
