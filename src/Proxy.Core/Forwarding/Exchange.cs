using Proxy.Core.Admission;
using Proxy.Core.Anthropic;
using Proxy.Core.Diagnostics;
using Proxy.Core.Forwarding.Answers;
using Proxy.Core.Http1;
using Proxy.Core.Identity;
using Proxy.Core.Metering;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;
using Proxy.Core.Upstream;

namespace Proxy.Core.Forwarding;

/// <summary>
/// One request: what was decided about it, what it holds of its limits, its record, and how it went. Steps 6 and 11 are here; the corridor
/// that calls them in order is <see cref="ClientConnection"/>. Reused for each request of a connection. Owned by the connection's task;
/// while an upload runs, the reservation is the upload's (<see cref="TryAdmitMore"/>).
/// </summary>
internal sealed class Exchange(Gateway gateway) : IDisposable
{
    /// <summary>What the gateway adds to a head at most: Host, the credential, restated framing, Accept-Encoding.</summary>
    private const int HeadRoom = 2048;

    private GatewaySnapshot _snapshot = gateway.Snapshot;
    private Decision _decision;
    private Answer _answer;
    private Reservation _reservation;
    private SpendRecord? _record;
    private Guid _id;
    private long _startedAt;
    private long _startedAtUnixMs;
    private long _promptTokens;
    private bool _isSent;
    private bool _isSettled;
    private bool _mayRetry;

    /// <summary>Looks at the response as it passes.</summary>
    public ResponseMeter Meter { get; } = new(gateway.Spend);

    public GatewayLimits Limits => _snapshot.Limits;

    public Verdict Verdict => _decision.Verdict;

    /// <summary>Where an upstream connection comes from. Only of a request that is forwarded.</summary>
    public UpstreamPool Pool => _decision.Route!.Pool;

    /// <summary>The principal whose models the body must keep to; null where it need not.</summary>
    public Principal? Guarded => _decision.IsGuarded ? _decision.Credential.Principal : null;

    public PathClass Path => _decision.Path;

    /// <summary>The message could not be read: nothing behind it on this connection can be.</summary>
    public bool IsMalformed => _decision.IsMalformed;

    /// <summary>Why it did not end well; None so far.</summary>
    public ForwardFailure Failure { get; private set; }

    /// <summary>Attempts to send it, the one under way included.</summary>
    public int Attempt { get; private set; }

    /// <summary>Where it is written down; null when it is not.</summary>
    public SpendRecord? Record => _record;

    /// <summary>Nobody is there who could read an answer, or what was begun cannot be completed.</summary>
    public bool HasNothingToSay => Failure != ForwardFailure.None && _answer.Status == 0;

    /// <summary>A new request, judged by the newest snapshot.</summary>
    public void Begin()
    {
        _snapshot = gateway.Snapshot;
        _decision = default;
        _answer = default;
        _reservation = default;
        _record = null;
        _promptTokens = 0;
        _isSent = false;
        _isSettled = false;
        _mayRetry = false;
        Failure = ForwardFailure.None;
        Attempt = 0;
    }

    /// <summary>The first byte of its head has come.</summary>
    public void HeadBegins()
    {
        _startedAt = gateway.Time.GetTimestamp();
        _startedAtUnixMs = gateway.Time.GetUtcNow().ToUnixTimeMilliseconds();
        _id = ExchangeId.Create(_startedAtUnixMs);
    }

    /// <summary>Steps 2 to 5, and 6 as far as the head alone tells. Nothing has been sent anywhere yet.</summary>
    public void Decide(RequestHead request, ReadOnlySpan<byte> head, bool isDraining)
    {
        _decision = RequestJudge.Decide(request, head, _snapshot, gateway.LoopToken, _startedAtUnixMs);
        _answer = _decision.Answer;
        if (!_decision.IsBookable)
        {
            return;
        }

        bool isBooked = _decision.Credential.Principal is not null
            || gateway.Unauthenticated.TryBook(_startedAtUnixMs, Limits.BookedUnauthenticatedPerMinute);
        bool isClaimed = isBooked && TryClaim(request, head);
        if (Verdict == Verdict.Forward && !isClaimed)
        {
            Refuse(RefusalReason.LedgerFull);
        }
        else if (Verdict == Verdict.Forward && isDraining)
        {
            Refuse(RefusalReason.Draining);
        }
    }

    /// <summary>6. Admit: limits and budgets. Reserves what the request may cost, or refuses it.</summary>
    /// <param name="bodyLength">Data bytes of the body, as far as anyone can tell.</param>
    /// <param name="isWhole">All of the body was seen.</param>
    public void Admit(BodyInspector inspector, long bodyLength, bool isWhole)
    {
        Principal principal = _decision.Credential.Principal!;
        _record!.ModelAsked.Set(inspector.Meter.Model.Bytes);
        if (!IsLimited(principal))
        {
            return;
        }

        AdmissionRequest request = Ask(inspector.Meter, bodyLength, isWhole);
        if (!_reservation.TryAdmit(principal, inspector.Meter.Model.Bytes, request, out AdmissionRefusal refusal))
        {
            Refuse(refusal.Reason, AdmissionAnswers.Of(refusal));
        }
    }

    /// <summary>
    /// More of the body has been seen: what it may cost is judged again, of a batch as its items pass, of any body before its last bytes
    /// leave.
    /// </summary>
    /// <param name="isWhole">All of it: what it may cost is known for sure, and its model.</param>
    public bool TryAdmitMore(RequestMeter meter, long bodyLength, bool isWhole, out AdmissionRefusal refusal)
    {
        refusal = default;
        Principal principal = _decision.Credential.Principal!;
        return !IsLimited(principal)
            || _reservation.TryRaise(principal, isWhole ? meter.Model.Bytes : default, Ask(meter, bodyLength, isWhole), out refusal);
    }

    /// <summary>The answer runs on.</summary>
    public void TopUp()
    {
        if (_record is { } record)
        {
            _reservation.TopUp(Math.Max(record.Usage.OutputTokens, record.DeliveredOutputBytes / OutputEstimate.BytesPerToken));
        }
    }

    /// <summary>Says to the meter, before a response is relayed, what it must know of the request.</summary>
    public void BeginAnswer(RequestMeter request)
    {
        Meter.FreeRefusals = _snapshot.Prices.FreeRefusals;
        Meter.MaxOutputTokens = request.MaxTokens >= 0 ? request.MaxTokens : long.MaxValue;
    }

    /// <summary>Another attempt begins, where the request is to be forwarded and the last attempt may be repeated.</summary>
    public bool TryBeginAttempt()
    {
        if (Verdict != Verdict.Forward || (Attempt > 0 && !_mayRetry))
        {
            return false;
        }

        _mayRetry = false;
        Failure = ForwardFailure.None;
        _answer = default;
        Attempt++;
        return true;
    }

    /// <summary>Step 8: the head anew, into the send buffer. Repeatable as long as the head is held.</summary>
    public void WriteHead(RequestHead request, ReadOnlySpan<byte> head, UpstreamConnection upstream)
    {
        OutboundRequest outbound = new()
        {
            Path = _decision.UpstreamPath.Of(head),
            Query = request.Query.Of(head),
            Authority = _decision.Route!.Endpoint.AuthorityBytes.Span,
            ForwardAuthorization = _decision.Credential.ForwardAuthorization,
            ForwardApiKey = _decision.Credential.ForwardApiKey,
            CredentialLine = _decision.Credential.Credential == CredentialKind.Server ? _decision.Route.Credentials.ServerKeyLine : default,
            GatewayKey = _decision.GatewayKey.Of(head),
            LoopLine = gateway.LoopLine,
            AcceptedCodings = Limits.AcceptedCodings,
        };
        int written = RequestHeadWriter.Write(upstream.GetSendMemory(head.Length + HeadRoom).Span, head, request, outbound);
        if (written < 0)
        {
            ForwardException.Throw(ForwardFailure.Internal, "the rewritten head does not fit its buffer");
        }

        upstream.AdvanceSend(written);
    }

    /// <summary>The first byte of a response has come.</summary>
    public void FirstByte() => _record!.TimeToFirstByteUs = ElapsedUs;

    /// <summary>The request is to be forwarded: its body is looked at.</summary>
    public void BeginBody(BodyInspector inspector) => inspector.Begin(_decision.Path, Guarded, _snapshot.Prices, _startedAtUnixMs);

    /// <summary>Nothing is under way upwards: what the body said is written down.</summary>
    public void Uploaded(Upload upload, RequestMeter meter)
    {
        if (_record is { } record && !_isSettled)
        {
            record.RequestBodyBytes = upload.Result.Bytes;
            record.ModelAsked.Set(meter.Model.Bytes);
            _isSent |= upload.IsSent;

            // Of a body that was cut off no more than what was taken of it.
            _promptTokens = upload.IsSent
                ? meter.Shape.PromptTokens(upload.KnownLength)
                : upload.Result.Bytes / OutputEstimate.BytesPerToken;
        }
    }

    /// <summary>Refuses a head that cannot be read.</summary>
    public void RefuseHead(HeadError error)
    {
        _decision = Decision.RefuseHead(error);
        _answer = _decision.Answer;
        Failure = ForwardFailure.ClientHead;
    }

    /// <summary>Refuses a well-formed request.</summary>
    public void Refuse(RefusalReason reason) => Refuse(reason, Refusals.Describe(reason));

    /// <summary>Ends a request that fails before anything was sent upstream.</summary>
    public void Refuse(ForwardFailure failure)
    {
        Failure = failure;
        Refuse(RefusalReason.None, ForwardFailures.Describe(failure).Answer);
    }

    /// <summary>The attempt under way failed.</summary>
    /// <param name="failure">Why: stage and party.</param>
    /// <param name="upload">A rule that the body broke is more exact than its stage.</param>
    public void Fail(ForwardFailure failure, in UploadResult upload, Exception fault)
    {
        Failure = failure;
        _answer = upload.Answer.Status != 0 ? upload.Answer : ForwardFailures.Describe(failure).Answer;
        if (_record is { } record)
        {
            record.Refusal = upload.Refusal;
        }

        Report(fault);
    }

    /// <summary>Says what nobody but the operator can mend.</summary>
    public void Report(Exception fault)
    {
        if (Failure == ForwardFailure.Internal)
        {
            ForwardLog.Broken(gateway.Logger, _id, fault);
        }
        else if (ForwardFailures.Describe(Failure).IsLogged)
        {
            ForwardLog.Failed(gateway.Logger, _id, _decision.Route?.Name ?? "", Failure, fault.Message);
        }
    }

    /// <summary>The upstream connection of a failed attempt is let go: may the request be sent once more? (http-rules.md row 57)</summary>
    public void ConsiderRetry(UpstreamConnection upstream, bool isReplayable, bool isAnswered, MethodId method) =>
        _mayRetry = ForwardFailures.Describe(Failure).MayRetry
            && RetryPolicy.MayRetry(
                upstream.IsReused, upstream.BytesSent, responseBytes: isAnswered ? 1 : 0, isReplayable, method, Attempt);

    /// <summary>The gateway's own answer, where nobody else has answered.</summary>
    public void WriteAnswer(ClientOutput output, bool close, bool headOnly)
    {
        AnswerContext context = new() { Id = _id, Date = gateway.Clock.Date, Close = close, HeadOnly = headOnly };
        Span<byte> destination = output.GetSpan(LocalAnswers.MaxLength);
        int written = Verdict switch
        {
            Verdict.AnswerHealth => LocalAnswers.WriteHealth(destination, readiness: false, ledgerConnected: true, context),
            Verdict.AnswerReadiness => LocalAnswers.WriteHealth(destination, readiness: true, gateway.Health.LedgerConnected, context),
            Verdict.AnswerEmpty => LocalAnswers.WriteEmpty(destination, context),
            _ => LocalAnswers.WriteRefusal(destination, _answer, context),
        };
        output.Advance(written);
        if (_record is { } record)
        {
            record.Status = _answer.Status;
        }

        if (Verdict is Verdict.Refuse or Verdict.Forward)
        {
            ForwardLog.Refused(gateway.Logger, _id, _answer.Status, _answer.Message);
        }
    }

    /// <summary>
    /// Step 11, before the last bytes leave: prices the record, once, and puts its price in the place of what was reserved. Whatever fails
    /// in it, nothing stays reserved. Again, it does nothing.
    /// </summary>
    /// <param name="responseStarted">The client has been sent the start of a response.</param>
    public void Settle(bool responseStarted)
    {
        if (_record is not { } record || _isSettled)
        {
            return;
        }

        _isSettled = true;
        record.Failure = Failure;
        record.EndReason = EndOf(record, responseStarted);
        try
        {
            // The meter knows of an error event in the stream, which is how it ended whatever the failure says.
            long allowed = Meter.MaxOutputTokens;
            Meter.End(Failure == ForwardFailure.None);
            BookWhatNobodyReported(record, allowed == long.MaxValue ? Limits.AssumedMaxTokens : allowed);
        }
        catch (Exception fault)
        {
            record.Flags |= SpendFlags.Unreadable;
            ForwardLog.Broken(gateway.Logger, _id, fault);
        }

        try
        {
            _snapshot.Prices.Price(record);
        }
        catch (Exception fault)
        {
            ForwardLog.Broken(gateway.Logger, _id, fault);
        }

        SettleReservation(record);
    }

    /// <summary>Step 11, behind the last bytes: closes the record and hands it to the ledger.</summary>
    public void Book(bool responseStarted)
    {
        Settle(responseStarted);
        if (_record is not { } record)
        {
            return;
        }

        record.DurationUs = ElapsedUs;
        if (record.Failure != Failure)
        {
            // The last bytes did not reach the client.
            record.Failure = Failure;
            record.EndReason = record.EndReason == EndReason.UpstreamErrorEvent ? record.EndReason : EndOf(record, responseStarted);
            record.Flags |= SpendFlags.Incomplete;
        }

        gateway.Spend.Complete(record);
        _record = null;
    }

    /// <summary>A fault that nobody foresaw: what is still held is settled and booked.</summary>
    public void Abandon(bool responseStarted)
    {
        if (_record is not null)
        {
            // What was settled before is known well enough.
            Failure = _isSettled ? Failure : ForwardFailure.Internal;
            Book(responseStarted);
        }
    }

    public void Dispose() => Meter.Dispose();

    /// <summary>
    /// The upstream has worked, or is at it, and nothing was said of what it costs: the prompt is booked as it is reckoned, and of an
    /// answer that came whole and unread the output that was reserved.
    /// </summary>
    private void BookWhatNobodyReported(SpendRecord record, long reservedTokens)
    {
        bool isAbandoned = record.Status == 0 && _isSent && ForwardFailures.Describe(Failure).LeavesUpstreamAtWork;
        if (!IsBilled || !(isAbandoned || Meter.LacksUsage))
        {
            return;
        }

        record.Flags |= SpendFlags.Estimated;
        record.Usage.InputTokens = Math.Max(record.Usage.InputTokens, _promptTokens);
        if (Failure == ForwardFailure.None && record.Usage.OutputTokens == 0)
        {
            // No answer has more tokens than bytes, coded or not.
            record.Usage.OutputTokens = Math.Min(reservedTokens, record.ResponseBodyBytes);
        }
    }

    private void SettleReservation(SpendRecord record)
    {
        long tokens = Saturating.Add(
            Saturating.Add(record.Usage.InputTokens, record.Usage.CacheCreationInputTokens), record.Usage.OutputTokens);
        try
        {
            if (_decision.Path == PathClass.BatchCreation && record.Status is >= 200 and <= 299 && !record.MessageId.IsEmpty)
            {
                _reservation.Keep(gateway.Batches, record.MessageId.ToString(), NowUnixMs);
                return;
            }

            _reservation.Settle(record.CostNanoUsd, tokens, NowUnixMs);
            if (IsBilled && record.Status == 200 && record.CostNanoUsd > 0 && (record.Flags & SpendFlags.Estimated) == 0)
            {
                _reservation.Learn(gateway.Habits, record.CostNanoUsd, record.Usage.OutputTokens);
            }
        }
        catch (Exception fault)
        {
            ForwardLog.Broken(gateway.Logger, _id, fault);
        }
    }

    /// <summary>Its answer costs money.</summary>
    private bool IsBilled => _decision.Path.IsInference();

    private long NowUnixMs => gateway.Time.GetUtcNow().ToUnixTimeMilliseconds();

    private long ElapsedUs => (long)gateway.Time.GetElapsedTime(_startedAt).TotalMicroseconds;

    /// <summary>
    /// What neither costs money nor the upstream's capacity for inference is free of limits (anthropic-api.md §5 rule 4).
    /// </summary>
    private bool IsLimited(Principal principal) =>
        (!principal.ScopeSpan.IsEmpty || principal.ModelScopes.Count > 0)
            && _decision.Path is not (PathClass.CountTokens or PathClass.Models);

    private AdmissionRequest Ask(RequestMeter meter, long bodyLength, bool isWhole)
    {
        bool isBatch = _decision.Path == PathClass.BatchCreation;
        Stake stake = default;
        if (isBatch || IsBilled)
        {
            CostEstimate estimate = meter.Estimate(bodyLength, isWhole, Limits.AssumedMaxTokens);
            stake = isBatch
                ? new Stake(estimate.WorstNanoUsd, estimate.WorstNanoUsd)
                : _reservation.Expect(gateway.Habits, _decision.Credential.Principal!.Key.ScopeId, meter.Model.Bytes, estimate);
        }

        return new AdmissionRequest(NowUnixMs, stake.ExpectedNanoUsd, _decision.Credential.Credential == CredentialKind.Server)
        {
            WorstNanoUsd = stake.WorstNanoUsd,
            IsPartial = !isWhole,
            MustFit = isBatch,
        };
    }

    /// <summary>Takes a record and writes down what the head says.</summary>
    private bool TryClaim(RequestHead request, ReadOnlySpan<byte> head)
    {
        if (!gateway.Spend.TryClaim(out SpendRecord? record))
        {
            return false;
        }

        record.Id = _id;
        record.Caller = _decision.Credential.Principal?.Key;
        record.StartedAtUnixMs = _startedAtUnixMs;
        record.Route = _decision.Route!.Name;
        record.Method = request.Method;
        record.PathClass = _decision.Path;
        record.Refusal = _decision.Refusal;
        record.Credential = Verdict == Verdict.Forward ? _decision.Credential.Credential : CredentialKind.None;
        if (_decision.Path is PathClass.BatchResults or PathClass.Batches)
        {
            // The only id this exchange is about: results have none of their own, and a cancelled batch is released by it.
            record.MessageId.Set(PathClassifier.BatchIdOf(_decision.UpstreamPath.Of(head)));
        }

        Note(record.SessionId, FieldId.SessionId, request, head);
        Note(record.AgentId, FieldId.AgentId, request, head);
        Note(record.ParentAgentId, FieldId.ParentAgentId, request, head);
        Note(record.Tags, FieldId.Tags, request, head);
        _record = record;
        return true;
    }

    private static void Note(TextField text, FieldId id, RequestHead request, ReadOnlySpan<byte> head)
    {
        if (request.Fields.TryGetValue(id, head, out ReadOnlySpan<byte> value))
        {
            text.Set(Redaction.Of(value));
        }
    }

    private void Refuse(RefusalReason reason, in Answer answer)
    {
        _decision = _decision with { Verdict = Verdict.Refuse, Refusal = reason };
        _answer = answer;
        if (_record is { } record)
        {
            record.Refusal = reason;
        }
    }

    private EndReason EndOf(SpendRecord record, bool responseStarted) => record.Refusal != RefusalReason.None
        ? EndReason.Refused
        : ForwardFailures.EndOf(Failure, responseStarted);
}
