using Proxy.Core.Admission;
using Proxy.Core.Anthropic;
using Proxy.Core.Forwarding.Answers;
using Proxy.Core.Identity;
using Proxy.Core.Metering;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;

namespace Proxy.Core.Forwarding;

/// <summary>
/// Shows a request body to the meter, each byte once, however often it is read, and judges it: the model rule of its key as it comes,
/// limits and budgets when all of it is known. One owner at any time: the connection's task, and the upload while it runs.
/// </summary>
internal sealed class BodyInspector(Exchange exchange)
{
    private readonly RequestMeter _meter = new();
    /// <summary>Bytes of a batch between two judgements of what it may cost.</summary>
    private const int BatchStep = 64 * 1024;

    private long _shown;
    private long _judgedAt;
    private bool _isBatch;
    private bool _isGuarded;
    private bool _isJudged;

    /// <summary>What the body says, as far as it was shown.</summary>
    public RequestMeter Meter => _meter;

    /// <param name="guarded">A principal whose models are limited; null for any other.</param>
    /// <param name="pricer">Says what the body may cost.</param>
    public void Begin(PathClass path, Principal? guarded, IRequestPricer pricer, long nowUnixMs)
    {
        _meter.Begin(path, guarded, pricer, nowUnixMs);
        _shown = 0;
        _judgedAt = 0;
        _isBatch = path == PathClass.BatchCreation;
        _isGuarded = guarded is not null;
        _isJudged = false;
    }

    public void End()
    {
        _meter.End();
        _meter.Model.Clear();
    }

    /// <param name="offset">Where these bytes lie in the body.</param>
    public void Show(ReadOnlySpan<byte> data, long offset)
    {
        long known = _shown - offset;
        if (known < data.Length)
        {
            _meter.Feed(data[(int)known..]);
            _shown = offset + data.Length;
        }
    }

    /// <summary>Whether the body keeps to its key's models, as far as it was shown.</summary>
    /// <param name="isWhole">All of it was shown.</param>
    public RefusalReason JudgeModel(bool isWhole) => _isGuarded ? _meter.Judge(isWhole) : RefusalReason.None;

    /// <summary>All of the body was shown and judged before anything left: nothing more is to be said.</summary>
    public void Judged() => _isJudged = true;

    /// <summary>Judges body bytes before they leave. The last ones of a body that breaks a rule never do.</summary>
    /// <param name="isWhole">No more data will come.</param>
    /// <returns>False with what is wrong.</returns>
    public bool TryJudge(bool isWhole, out RefusalReason reason, out Answer answer)
    {
        reason = _isJudged ? RefusalReason.None : JudgeModel(isWhole);
        answer = default;
        if (reason != RefusalReason.None)
        {
            answer = Refusals.Describe(reason);
            return false;
        }

        if (_isJudged)
        {
            return true;
        }

        if (!isWhole)
        {
            // A batch is refused as soon as what has come of it does not fit.
            return !_isBatch || _shown - _judgedAt < BatchStep || TryAdmit(isWhole: false, out reason, out answer);
        }

        _isJudged = true;
        return TryAdmit(isWhole: true, out reason, out answer);
    }

    /// <summary>What the body may cost is judged again, now that more of it is known.</summary>
    private bool TryAdmit(bool isWhole, out RefusalReason reason, out Answer answer)
    {
        reason = RefusalReason.None;
        answer = default;
        _judgedAt = _shown;
        if (exchange.TryAdmitMore(_meter, _shown, isWhole, out AdmissionRefusal refusal))
        {
            return true;
        }

        reason = refusal.Reason;
        answer = AdmissionAnswers.Of(refusal);
        return false;
    }
}
