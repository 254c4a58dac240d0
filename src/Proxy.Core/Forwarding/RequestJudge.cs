using System.Text;
using Proxy.Core.Anthropic;
using Proxy.Core.Forwarding.Answers;
using Proxy.Core.Http1;
using Proxy.Core.Identity;
using Proxy.Core.Outcomes;
using Proxy.Core.Routing;

namespace Proxy.Core.Forwarding;

/// <summary>What becomes of a request.</summary>
internal enum Verdict : byte
{
    Refuse = 0,
    Forward,
    AnswerHealth,
    AnswerReadiness,
    AnswerEmpty,
}

/// <summary>What the head of a request alone decides.</summary>
internal readonly record struct Decision(Verdict Verdict)
{
    /// <summary>What a refusal says.</summary>
    public Answer Answer { get; init; }

    /// <summary>Why a well-formed request is refused.</summary>
    public RefusalReason Refusal { get; init; }

    /// <summary>The message could not be read, and so nothing after it on this connection can be (http-rules.md §1.2).</summary>
    public bool IsMalformed { get; init; }

    /// <summary>The route that serves it; null when it was not looked for, or not found.</summary>
    public Route? Route { get; init; }

    /// <summary>The path below the route's prefix, in the head.</summary>
    public Slice UpstreamPath { get; init; }

    public PathClass Path { get; init; }

    public CredentialDecision Credential { get; init; }

    /// <summary>The virtual key, in the head.</summary>
    public Slice GatewayKey { get; init; }

    /// <summary>Its body must prove that its model is allowed.</summary>
    public bool IsGuarded { get; init; }

    /// <summary>A caller was looked for: the request is booked, whatever becomes of it.</summary>
    public bool IsBookable => Route is not null;

    public static Decision Refuse(RefusalReason reason) => new(Verdict.Refuse) { Answer = Refusals.Describe(reason), Refusal = reason };

    public static Decision RefuseHead(HeadError error) =>
        new(Verdict.Refuse) { Answer = new Answer(HeadErrors.StatusOf(error), HeadErrors.MessageOf(error)), IsMalformed = true };
}

/// <summary>Steps 2 to 5: judges a parsed head. Pure: nothing is sent, booked or counted here. Never allocates.</summary>
internal static class RequestJudge
{
    /// <param name="loopToken">What this gateway adds to the requests it forwards (RFC 8586 §2).</param>
    /// <param name="nowUnixMs">For expiry, Unix milliseconds.</param>
    public static Decision Decide(
        RequestHead request, ReadOnlySpan<byte> head, GatewaySnapshot snapshot, ReadOnlySpan<byte> loopToken, long nowUnixMs)
    {
        ReadOnlySpan<byte> path = request.Path.Of(head);

        // 2. Answer locally what is ours.
        if (request.Method is MethodId.Get or MethodId.Head && LocalAnswers.IsHealthPath(path, out bool readiness))
        {
            return new Decision(readiness ? Verdict.AnswerReadiness : Verdict.AnswerHealth);
        }

        // 3. Route.
        if (!snapshot.Routes.TryMatch(path, out Route? route, out ReadOnlySpan<byte> upstreamPath))
        {
            return Decision.Refuse(RefusalReason.RouteUnknown);
        }

        if (LocalAnswers.IsWarmUp(request.Method, upstreamPath))
        {
            return new Decision(Verdict.AnswerEmpty);
        }

        // A target that begins with "//" is an authority to a URL resolver (http-rules.md row 16).
        if (upstreamPath.StartsWith("//"u8))
        {
            return Decision.RefuseHead(HeadError.TargetMalformed);
        }

        // 4. Identify and 5. choose the credential.
        PresentedCredentials presented = PresentedBy(request, head);
        PathClass kind = PathClassifier.Classify(request.Method, upstreamPath);
        CredentialDecision credential = CredentialPolicy.Decide(
            presented, snapshot.Keys, route.Credentials, nowUnixMs, out ReadOnlySpan<byte> gatewayKey);
        Decision decision = new(Verdict.Forward)
        {
            Route = route,
            UpstreamPath = new Slice(request.Path.End - upstreamPath.Length, upstreamPath.Length),
            Path = kind,
            Credential = credential,
            GatewayKey = SliceOf(head, gatewayKey),
            IsGuarded = credential.Principal is { IsGuarded: true } && kind.NamesModel(),
        };
        RefusalReason refusal = JudgeKnown(request, head, decision, snapshot.Limits, loopToken, gatewayKey);
        return refusal == RefusalReason.None
            ? decision
            : decision with { Verdict = Verdict.Refuse, Answer = Refusals.Describe(refusal), Refusal = refusal };
    }

    private static RefusalReason JudgeKnown(
        RequestHead request,
        ReadOnlySpan<byte> head,
        in Decision decision,
        GatewayLimits limits,
        ReadOnlySpan<byte> loopToken,
        ReadOnlySpan<byte> gatewayKey)
    {
        // Before the key is judged: on its way round a request has lost it.
        if (HasPassedHere(request, head, loopToken))
        {
            return RefusalReason.Loop;
        }

        if (decision.Credential.Refusal != RefusalReason.None)
        {
            return decision.Credential.Refusal;
        }

        if (request.Target.Of(head).IndexOf(gatewayKey) >= 0)
        {
            return RefusalReason.KeyInTarget;
        }

        return request.Framing == BodyFraming.Length && request.ContentLength > limits.MaxBodyOf(decision.Path)
            ? RefusalReason.BodyTooLarge
            : JudgeFences(request, head, decision);
    }

    /// <summary>
    /// What the kind of work forbids: things shared by everyone behind the company's key, and bodies whose model nobody could check.
    /// </summary>
    private static RefusalReason JudgeFences(RequestHead request, ReadOnlySpan<byte> head, in Decision decision)
    {
        Principal principal = decision.Credential.Principal!;
        WorkspaceAccess needed = WorkspaceFence.NeededFor(decision.Path);
        if (decision.Credential.Credential == CredentialKind.Server && (principal.Workspace & needed) != needed)
        {
            return needed == WorkspaceAccess.Unmetered ? RefusalReason.Unmetered : RefusalReason.WorkspaceFenced;
        }

        if (!principal.IsGuarded)
        {
            return RefusalReason.None;
        }

        if (decision.IsGuarded)
        {
            bool isCoded = request.Fields.TryGetValue(FieldId.ContentEncoding, head, out ReadOnlySpan<byte> coding)
                && !Ascii.EqualsIgnoreCase(coding, "identity"u8);
            return isCoded ? RefusalReason.ModelUnclear : RefusalReason.None;
        }

        bool isHarmless =
            decision.Path is PathClass.Models or PathClass.Files or PathClass.Skills or PathClass.Batches or PathClass.BatchResults
            || request.Framing == BodyFraming.None;
        return isHarmless ? RefusalReason.None : RefusalReason.PathNotAllowed;
    }

    private static PresentedCredentials PresentedBy(RequestHead request, ReadOnlySpan<byte> head)
    {
        PresentedCredentials presented = default;
        presented.HasGatewayKey = request.Fields.TryGetValue(FieldId.GatewayKey, head, out presented.GatewayKey);
        presented.HasAuthorization = request.Fields.TryGetValue(FieldId.Authorization, head, out presented.Authorization);
        presented.HasApiKey = request.Fields.TryGetValue(FieldId.ApiKey, head, out presented.ApiKey);
        return presented;
    }

    private static bool HasPassedHere(RequestHead request, ReadOnlySpan<byte> head, ReadOnlySpan<byte> loopToken)
    {
        for (int i = request.Fields.Find(FieldId.CdnLoop); i >= 0 && i < request.Fields.Count; i++)
        {
            if (request.Fields[i].Id == FieldId.CdnLoop && request.Fields[i].Value.Of(head).IndexOf(loopToken) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    private static Slice SliceOf(ReadOnlySpan<byte> outer, ReadOnlySpan<byte> inner) =>
        inner.IsEmpty || !outer.Overlaps(inner, out int offset) ? default : new Slice(offset, inner.Length);
}
