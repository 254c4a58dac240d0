using Proxy.Core.Identity;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;
using Proxy.Host.Storage;

namespace Proxy.Host.Telemetry;

/// <summary>
/// What went through since the start, added up as records reach the ledger. Written by the ledger's thread, read by whoever scrapes; the label
/// values are few and bounded, whatever clients send.
/// </summary>
internal sealed class SpendCounters
{
    /// <summary>Model names come from upstreams and clients; what comes after so many is counted as one.</summary>
    private const int MaxModels = 200;

    private readonly Lock _gate = new();
    private readonly Dictionary<RequestLabels, long> _requests = [];
    private readonly Dictionary<SpendLabels, SpendSums> _spend = [];
    private readonly HashSet<string> _models = new(StringComparer.Ordinal);
    private readonly Dictionary<RefusalReason, long> _refusals = [];

    public void Add(IReadOnlyList<BookedRecord> records)
    {
        lock (_gate)
        {
            foreach (BookedRecord booked in records)
            {
                Add(booked.Record, booked.Credential);
            }
        }
    }

    public IReadOnlyList<KeyValuePair<RequestLabels, long>> ReadRequests()
    {
        lock (_gate)
        {
            return [.. _requests];
        }
    }

    public IReadOnlyList<KeyValuePair<SpendLabels, SpendSums>> ReadSpend()
    {
        lock (_gate)
        {
            return [.. _spend];
        }
    }

    public IReadOnlyList<KeyValuePair<RefusalReason, long>> ReadRefusals()
    {
        lock (_gate)
        {
            return [.. _refusals];
        }
    }

    private void Add(SpendRecord record, CredentialKind credential)
    {
        RequestLabels request = new(record.Route, record.PathClass, record.EndReason, record.Status);
        _requests[request] = _requests.GetValueOrDefault(request) + 1;
        if (record.Refusal != RefusalReason.None)
        {
            _refusals[record.Refusal] = _refusals.GetValueOrDefault(record.Refusal) + 1;
        }

        if (record.Usage == default && record.CostNanoUsd == 0)
        {
            return;
        }

        string model = (record.ModelServed.IsEmpty ? record.ModelAsked : record.ModelServed).ToString();
        if (!_models.Contains(model) && (_models.Count == MaxModels || !_models.Add(model)))
        {
            model = "other";
        }

        SpendLabels spend = new(record.Route, model, credential);
        _spend[spend] = _spend.GetValueOrDefault(spend).Plus(record);
    }
}
