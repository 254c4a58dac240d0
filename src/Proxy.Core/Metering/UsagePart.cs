using Proxy.Core.Spend;

namespace Proxy.Core.Metering;

/// <summary>
/// What one object of a document, its root or its <c>message</c>, says about an answer and its usage. Owned by a <see cref="UsageDraft"/>
/// and reused with it.
/// </summary>
internal sealed class UsagePart
{
    /// <summary>
    /// No answer counts a trillion of anything. What claims more is cut to it, which keeps every sum in the ledger and every price exact.
    /// </summary>
    public const long LargestCount = 1_000_000_000_000;

    private readonly List<IterationUsage> _iterations = [];
    private IterationUsage? _surplus;
    private UsageCounters _usage;
    private ulong _reported;
    private IterationUsage? _iteration;
    private int _iterationCount;
    private bool _hasIterations;
    private bool _isFolded;
    private bool _isIrregular;
    private bool _isCut;

    public TextField Model { get; } = new(SpendRecord.ModelCapacity);

    public TextField MessageId { get; } = new(SpendRecord.IdCapacity);

    /// <summary>It ends in a refusal.</summary>
    public bool IsRefusal { get; private set; }

    /// <summary><c>stop_details.category</c> of a refusal.</summary>
    public TextField RefusalCategory { get; } = new(SpendRecord.IdCapacity);

    /// <summary>A whole <c>usage</c> object stood here.</summary>
    public bool HasUsage { get; private set; }

    /// <summary>It counted something.</summary>
    public bool HasCounts => HasUsage && (_reported != 0 || _hasIterations);

    public bool ReportsOutput => IsReported(UsageField.OutputTokens);

    public void Clear()
    {
        Model.Clear();
        MessageId.Clear();
        IsRefusal = false;
        RefusalCategory.Clear();
        _isIrregular = false;
        _isCut = false;
        BeginUsage();
    }

    /// <summary>A <c>usage</c> object begins: of two in one place the last one counts.</summary>
    public void BeginUsage()
    {
        HasUsage = false;
        _reported = 0;
        _hasIterations = false;
        _iterationCount = 0;
        _iteration = null;
        _isFolded = false;
    }

    /// <summary>The <c>usage</c> object is whole.</summary>
    /// <param name="inputHoldsCached">The count of input includes what was read from the cache, as in chat completions.</param>
    public void EndUsage(bool inputHoldsCached)
    {
        HasUsage = true;
        if (inputHoldsCached && IsReported(UsageField.InputTokens) && IsReported(UsageField.CacheReadInputTokens))
        {
            _usage.InputTokens = Math.Max(0, _usage.InputTokens - _usage.CacheReadInputTokens);
        }
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
            _iteration = _surplus ??= new IterationUsage();
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
        if (_iteration is { } iteration && ReferenceEquals(iteration, _surplus))
        {
            _isFolded = true;
            Fold(iteration);
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
            _reported &= ~((1UL << (int)UsageField.CacheCreation5m) | (1UL << (int)UsageField.CacheCreation1h));
        }
    }

    public void SetIterationKind(ReadOnlySpan<byte> text) => _iteration!.Kind = UsageWords.KindOf(text);

    public void SetIterationModel(ReadOnlySpan<byte> text) => _iteration!.Model.Set(text);

    /// <summary>The iteration or the answer ended in a refusal, or in something else.</summary>
    public void SetStopReason(ReadOnlySpan<byte> text)
    {
        bool isRefusal = text.SequenceEqual("refusal"u8);
        if (_iteration is { } iteration)
        {
            iteration.IsFree = isRefusal;
        }
        else
        {
            IsRefusal = isRefusal;
        }
    }

    public void SetRefusalCategory(ReadOnlySpan<byte> text)
    {
        if (_iteration is null)
        {
            RefusalCategory.Set(text);
        }
    }

    /// <summary>A count is written as no count is, or a body is not what it says it is.</summary>
    public void MarkIrregular() => _isIrregular = true;

    public void SetCount(UsageField field, long value)
    {
        _isCut |= value > LargestCount;
        value = Math.Min(value, LargestCount);
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
        record.Flags |= (_isIrregular ? SpendFlags.Irregular : 0) | (_isCut ? SpendFlags.CountCut : 0);
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
            record.AddIteration().CopyFrom(_iterations[i]);
        }
    }

    /// <summary>
    /// One more than there is room for joins one that is priced alike; when there is none, those that are alike become one, which makes
    /// room. Only with that many kinds that differ is it added to the last one, whatever that is.
    /// </summary>
    private void Fold(IterationUsage surplus)
    {
        int alike = FindAlike(surplus, _iterationCount);
        if (alike < 0)
        {
            JoinAlike();
            if (_iterationCount < SpendRecord.MaxIterations)
            {
                _iterations[_iterationCount++].CopyFrom(surplus);
                return;
            }
        }

        _iterations[alike < 0 ? _iterationCount - 1 : alike].Usage.Add(in surplus.Usage);
    }

    private void JoinAlike()
    {
        int kept = 0;
        for (int i = 0; i < _iterationCount; i++)
        {
            int alike = FindAlike(_iterations[i], kept);
            if (alike >= 0)
            {
                _iterations[alike].Usage.Add(in _iterations[i].Usage);
                continue;
            }

            (_iterations[kept], _iterations[i]) = (_iterations[i], _iterations[kept]);
            kept++;
        }

        _iterationCount = kept;
    }

    /// <summary>The last of the first <paramref name="count"/> that is priced as this one is; -1 when there is none.</summary>
    private int FindAlike(IterationUsage iteration, int count)
    {
        for (int i = count - 1; i >= 0; i--)
        {
            if (_iterations[i].IsPricedLike(iteration))
            {
                return i;
            }
        }

        return -1;
    }

    private ref UsageCounters Target(UsageField field)
    {
        if (_iteration is { } iteration)
        {
            return ref iteration.Usage;
        }

        _reported |= 1UL << (int)field;
        return ref _usage;
    }

    private bool IsReported(UsageField field) => (_reported & (1UL << (int)field)) != 0;
}
