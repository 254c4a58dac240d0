using Proxy.Core.Spend;

namespace Proxy.Core.Metering;

/// <summary>
/// What one JSON document says about usage, kept apart from the record until the document proved whole: half a number of a stream that is cut must
/// never be booked. Owned by a <see cref="ResponseMeter"/> and reused with it.
/// </summary>
internal sealed class UsageDraft
{
    private readonly List<IterationUsage> _iterations = [];
    private readonly IterationUsage _surplus = new();
    private UsageCounters _usage;
    private uint _reported;
    private IterationUsage? _iteration;
    private int _iterationCount;
    private bool _hasIterations;
    private bool _isFolded;

    public TextField Model { get; } = new(SpendRecord.ModelCapacity);

    public TextField MessageId { get; } = new(SpendRecord.IdCapacity);

    /// <summary>Of a line of batch results.</summary>
    public TextField CustomId { get; } = new(SpendRecord.ModelCapacity);

    public bool ReportsOutput => (_reported & (1u << (int)UsageField.OutputTokens)) != 0;

    public void Clear()
    {
        CustomId.Clear();
        ClearAnswer();
    }

    /// <summary>A <c>message</c> object begins: of two in one document the last one counts.</summary>
    public void ClearAnswer()
    {
        Model.Clear();
        MessageId.Clear();
        ClearUsage();
    }

    /// <summary>A <c>usage</c> object begins: of two in one document the last one counts.</summary>
    public void ClearUsage()
    {
        _reported = 0;
        _hasIterations = false;
        _iterationCount = 0;
        _iteration = null;
        _isFolded = false;
    }

    public void BeginIterations()
    {
        _hasIterations = true;
        _iterationCount = 0;
        _isFolded = false;
    }

    public void BeginIteration()
    {
        if (_iterationCount == SpendRecord.MaxIterations)
        {
            _iteration = _surplus;
        }
        else
        {
            if (_iterationCount == _iterations.Count)
            {
                _iterations.Add(new IterationUsage());
            }

            _iteration = _iterations[_iterationCount++];
        }

        _iteration.Clear();
    }

    public void EndIteration()
    {
        if (ReferenceEquals(_iteration, _surplus))
        {
            _isFolded = true;
            _iterations[SpendRecord.MaxIterations - 1].Usage.Add(in _surplus.Usage);
        }

        _iteration = null;
    }

    public void BeginCacheCreation()
    {
        if (_iteration is { } iteration)
        {
            iteration.Usage.CacheCreation5mInputTokens = 0;
            iteration.Usage.CacheCreation1hInputTokens = 0;
        }
        else
        {
            _reported &= ~((1u << (int)UsageField.CacheCreation5m) | (1u << (int)UsageField.CacheCreation1h));
        }
    }

    public void SetIterationKind(ReadOnlySpan<byte> text) => _iteration!.Kind = UsageWords.KindOf(text);

    public void SetIterationModel(ReadOnlySpan<byte> text) => _iteration!.Model.Set(text);

    public void SetCount(UsageField field, long value)
    {
        ref UsageCounters usage = ref Target(field);
        if (UsageFields.TryGetCounter(field, out UsageCounter counter))
        {
            usage[counter] = value;
        }
    }

    public void SetWord(UsageField field, ReadOnlySpan<byte> text)
    {
        ref UsageCounters usage = ref Target(field);
        switch (field)
        {
            case UsageField.ServiceTier:
                usage.ServiceTier = UsageWords.TierOf(text);
                break;
            case UsageField.Speed:
                usage.Speed = UsageWords.SpeedOf(text);
                break;
            case UsageField.InferenceGeo:
                usage.InferenceGeo = UsageWords.GeoOf(text);
                break;
        }
    }

    /// <summary>Books the document: reported fields replace, others keep what they were; iterations are replaced as a whole.</summary>
    public void ApplyTo(SpendRecord record)
    {
        record.UsageReports++;
        if (!Model.IsEmpty)
        {
            record.ModelServed.Set(Redaction.Of(Model.Bytes));
        }

        if (!MessageId.IsEmpty)
        {
            record.MessageId.Set(MessageId.Bytes);
        }

        ref UsageCounters usage = ref record.Usage;
        for (int i = 0; i < UsageCounters.Count; i++)
        {
            if (IsReported(UsageFields.OfCounters[i]))
            {
                usage[(UsageCounter)i] = _usage[(UsageCounter)i];
            }
        }

        usage.ServiceTier = IsReported(UsageField.ServiceTier) ? _usage.ServiceTier : usage.ServiceTier;
        usage.Speed = IsReported(UsageField.Speed) ? _usage.Speed : usage.Speed;
        usage.InferenceGeo = IsReported(UsageField.InferenceGeo) ? _usage.InferenceGeo : usage.InferenceGeo;

        if (_hasIterations)
        {
            ApplyIterations(record);
        }
    }

    private void ApplyIterations(SpendRecord record)
    {
        record.ClearIterations();
        record.Flags = _isFolded ? record.Flags | SpendFlags.IterationsFolded : record.Flags & ~SpendFlags.IterationsFolded;
        for (int i = 0; i < _iterationCount; i++)
        {
            IterationUsage target = record.AddIteration();
            target.Kind = _iterations[i].Kind;
            target.Model.Set(_iterations[i].Model.Bytes);
            target.Usage = _iterations[i].Usage;
        }
    }

    private ref UsageCounters Target(UsageField field)
    {
        if (_iteration is { } iteration)
        {
            return ref iteration.Usage;
        }

        _reported |= 1u << (int)field;
        return ref _usage;
    }

    private bool IsReported(UsageField field) => (_reported & (1u << (int)field)) != 0;
}
