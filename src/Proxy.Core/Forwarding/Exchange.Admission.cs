using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Proxy.Core.Admission;
using Proxy.Core.Anthropic;
using Proxy.Core.Forwarding.Answers;
using Proxy.Core.Http1;
using Proxy.Core.Identity;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;

namespace Proxy.Core.Forwarding;

/// <summary>
/// Step 6, behind what the head alone tells: limits and budgets, and what needs the body. A key whose models are limited has the start of its
/// body read before anything leaves, and the end of it held back until the whole body has proved to keep to them.
/// </summary>
internal sealed partial class Exchange
{
    /// <summary>How far a body is looked into for what it may cost, when it need not be held.</summary>
    private const int LookAhead = 4096;

    /// <summary>About so many bytes of a request make a token.</summary>
    private const int BytesPerToken = 4;

    private AdmissionTicket _ticket;
    private AdmissionTicket _modelTicket;
    private bool _isModelAdmitted;
    private ChunkScanner _prefixChunks;
    private long _prefixTaken;
    private bool _prefixBegun;
    private bool _isGuarded;

    private void BeginPrefix()
    {
        _prefixChunks = new ChunkScanner(_snapshot.Limits.Chunks);
        _prefixTaken = 0;
        _prefixBegun = false;
        _isGuarded = false;
        _isModelAdmitted = false;
    }

    /// <summary>Limits and budgets: reserves what the request may cost, or refuses it.</summary>
    private void Admit(in ReadOnlySequence<byte> buffer)
    {
        Principal principal = _credential.Principal!;
        if (principal.ScopeSpan.IsEmpty && principal.ModelScopes.Count == 0)
        {
            return;
        }

        if (IsFree(_record!.PathClass))
        {
            return;
        }

        if (!_prefixBegun)
        {
            ScanPrefix(buffer.Slice(0, Math.Min(buffer.Length, HeadEndOffset + LookAhead)));
        }

        AdmissionRequest request = MakeAdmissionRequest();
        if (!AdmissionGate.TryAdmit(principal.ScopeSpan, request, out _ticket, out AdmissionRefusal refusal))
        {
            Refuse(refusal);
            return;
        }

        if (!_record.ModelAsked.IsEmpty && !TryAdmitModel(request, out refusal))
        {
            Refuse(refusal);
        }
    }

    /// <summary>What neither costs money nor the upstream's capacity for inference (anthropic-api.md §5 rule 4).</summary>
    private static bool IsFree(PathClass path) => path is PathClass.CountTokens or PathClass.Models;

    private AdmissionRequest MakeAdmissionRequest()
    {
        bool costs = _record!.PathClass is PathClass.Messages;
        return new AdmissionRequest(
            _gateway.Time.GetUtcNow().ToUnixTimeMilliseconds(), costs ? EstimateNanoUsd() : 0, _credential.Credential == CredentialKind.Server);
    }

    private long EstimateNanoUsd()
    {
        long bytes = _request.Framing == BodyFraming.Length ? _request.ContentLength : Math.Max(_uploadedBytes, _prefixTaken);
        long output = _requestMeter.MaxTokens >= 0 ? _requestMeter.MaxTokens : _snapshot.Limits.AssumedMaxTokens;
        return _snapshot.Prices.Estimate(_record!.ModelAsked.Bytes, bytes / BytesPerToken, output, _startedAtUnixMs);
    }

    private bool TryAdmitModel(in AdmissionRequest request, out AdmissionRefusal refusal)
    {
        _isModelAdmitted = true;
        refusal = default;
        AdmissionScope? scope = _credential.Principal!.ScopeOfModel(_record!.ModelAsked.Bytes);
        return scope is null || AdmissionGate.TryAdmit(new ReadOnlySpan<AdmissionScope>(in scope), request, out _modelTicket, out refusal);
    }

    /// <summary>The whole body has been seen: what it may cost is known better, and its model for sure.</summary>
    private void AdmitWholeBody()
    {
        if (_ticket.IsEmpty && _credential.Principal!.ModelScopes.Count == 0)
        {
            return;
        }

        AdmissionRequest request = MakeAdmissionRequest();
        AdmissionGate.Raise(ref _ticket, request.EstimateNanoUsd);
        AdmissionGate.Raise(ref _modelTicket, request.EstimateNanoUsd);
        if (!_isModelAdmitted && !IsFree(_record!.PathClass) && !_record.ModelAsked.IsEmpty && !TryAdmitModel(request, out AdmissionRefusal refusal))
        {
            _refusal = AdmissionAnswers.Of(refusal);
            _record.Refusal = refusal.Reason;
            ForwardException.Throw(ForwardFailure.ClientBody);
        }
    }

    /// <summary>Step 11: puts what it really cost in the place of what was reserved. On every path out, so that nothing stays reserved.</summary>
    private void Settle(SpendRecord record)
    {
        if (_ticket.IsEmpty && _modelTicket.IsEmpty)
        {
            return;
        }

        long tokens = UsageCounters.Sum(UsageCounters.Sum(record.Usage.InputTokens, record.Usage.CacheCreationInputTokens), record.Usage.OutputTokens);
        long nowUnixMs = _gateway.Time.GetUtcNow().ToUnixTimeMilliseconds();
        try
        {
            _snapshot.Prices.Price(record);
        }
        finally
        {
            AdmissionGate.Settle(ref _ticket, record.CostNanoUsd, tokens, nowUnixMs);
            AdmissionGate.Settle(ref _modelTicket, record.CostNanoUsd, tokens, nowUnixMs);
        }
    }

    private void Refuse(in AdmissionRefusal refusal)
    {
        Refuse(AdmissionAnswers.Of(refusal));
        _record!.Refusal = refusal.Reason;
    }

    /// <summary>What the kind of work forbids: things shared by everyone behind the company's key, and bodies whose model nobody could check.</summary>
    private RefusalReason CheckFences(ReadOnlySpan<byte> head)
    {
        Principal principal = _credential.Principal!;
        PathClass path = _record!.PathClass;
        WorkspaceAccess needed = WorkspaceFence.NeededFor(path);
        if (_credential.Credential == CredentialKind.Server && (principal.Workspace & needed) != needed)
        {
            return RefusalReason.WorkspaceFenced;
        }

        if (!principal.IsGuarded)
        {
            return RefusalReason.None;
        }

        switch (path)
        {
            case PathClass.Messages or PathClass.CountTokens or PathClass.BatchCreation:
                _isGuarded = true;
                bool isCoded = TryGet(FieldId.ContentEncoding, head, out ReadOnlySpan<byte> coding) && !Ascii.EqualsIgnoreCase(coding, "identity"u8);
                return isCoded ? RefusalReason.ModelUnclear : RefusalReason.None;
            case PathClass.Models or PathClass.Files or PathClass.Skills or PathClass.Batches or PathClass.BatchResults:
                return RefusalReason.None;
            default:
                return _request.Framing == BodyFraming.None ? RefusalReason.None : RefusalReason.PathNotAllowed;
        }
    }

    /// <summary>Looks at what has come of a body that may not leave yet. True when the request may go on, or is refused.</summary>
    private bool TakePrefix(in ReadResult read)
    {
        if (!_isGuarded || _request.ExpectsContinue)
        {
            // A client that waits for 100 (Continue) sends nothing until the upstream has spoken: its body is judged on the way.
            return true;
        }

        bool isWhole = ScanPrefix(read.Buffer);
        RefusalReason reason = _requestMeter.Judge(isWhole);
        if (reason != RefusalReason.None)
        {
            Refuse(reason);
        }
        else if (!isWhole && _record!.ModelAsked.IsEmpty && _prefixTaken < _snapshot.Limits.ModelPrefix && _prefixChunks.Error == ChunkError.None)
        {
            return StopWaiting(read);
        }

        DisarmUpload();
        return true;
    }

    /// <summary>The model is still to come: goes on reading, unless nothing more will come.</summary>
    private bool StopWaiting(in ReadResult read)
    {
        if (read.IsCompleted || _clientGone)
        {
            _clientGone = true;
            _failure = ForwardFailure.ClientGone;
            Refuse(ForwardFailures.Describe(_failure).Answer);
            return true;
        }

        if (TakeUploadExpired())
        {
            _failure = ForwardFailure.ClientBodyTimeout;
            Refuse(ForwardFailures.Describe(_failure).Answer);
            _closeAfter = true;
            return true;
        }

        ArmUpload();
        _input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        return false;
    }

    /// <summary>Shows the meter what is new of the body.</summary>
    /// <returns>True when all of the body is here.</returns>
    private bool ScanPrefix(in ReadOnlySequence<byte> buffer)
    {
        if (!_prefixBegun)
        {
            _prefixBegun = true;
            BeginRequestMeter(HeadSpan(buffer));
        }

        bool isChunked = _request.Framing == BodyFraming.Chunked;
        foreach (ReadOnlyMemory<byte> segment in buffer.Slice(HeadEndOffset + _prefixTaken))
        {
            ReadOnlySpan<byte> bytes = segment.Span;
            if (isChunked)
            {
                ScanChunks(bytes);
                _prefixTaken += bytes.Length;
                continue;
            }

            int count = (int)Math.Min(bytes.Length, _request.ContentLength - _prefixTaken);
            _requestMeter.Feed(bytes[..count]);
            _prefixTaken += count;
        }

        return isChunked ? _prefixChunks.IsComplete : _request.Framing == BodyFraming.None || _prefixTaken == _request.ContentLength;
    }

    private void ScanChunks(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            ChunkPart part = _prefixChunks.Next(bytes, out int length);
            if (part is ChunkPart.Invalid or ChunkPart.End)
            {
                // What is wrong with the framing is said where the body is relayed.
                return;
            }

            if (part == ChunkPart.Data)
            {
                _requestMeter.Feed(bytes[..length]);
            }

            bytes = bytes[length..];
        }
    }

    private void BeginRequestMeter(ReadOnlySpan<byte> head)
    {
        _ = TryGet(FieldId.ContentType, head, out ReadOnlySpan<byte> contentType);
        _requestMeter.Begin(_record!, contentType, _isGuarded ? _credential.Principal : null);
    }

    /// <summary>Shows body bytes to the meter before they leave. The last ones of a body that breaks a rule never do.</summary>
    private void Inspect(ReadOnlySpan<byte> data, bool isLast)
    {
        _requestMeter.Feed(data);
        if (_isGuarded)
        {
            RefusalReason reason = _requestMeter.Judge(isLast);
            if (reason != RefusalReason.None)
            {
                RefuseBody(reason);
            }
        }

        if (isLast)
        {
            AdmitWholeBody();
        }
    }

    /// <summary>Ends an exchange whose body is under way: the upstream connection is cut, the answer says why.</summary>
    private void RefuseBody(RefusalReason reason)
    {
        _refusal = Refusals.Describe(reason);
        _record!.Refusal = reason;
        ForwardException.Throw(ForwardFailure.ClientBody);
    }
}
