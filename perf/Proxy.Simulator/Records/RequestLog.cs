using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http.Features;

namespace Proxy.Simulator.Records;

/// <summary>The last requests that arrived, control requests (<c>/sim/…</c>) excepted.</summary>
public sealed class RequestLog(int capacity)
{
    private readonly ConcurrentQueue<RequestRecord> _records = new();
    private long _arrived;

    public bool Enabled => capacity > 0;

    /// <summary>How many requests arrived since the start or the last clear, kept or not; counted even when nothing is kept.</summary>
    public long Arrived => Interlocked.Read(ref _arrived);

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<RequestRecord> All() => _records.ToArray();

    /// <summary>The latest request, or null.</summary>
    public RequestRecord? Last => _records.LastOrDefault();

    public void Clear()
    {
        _records.Clear();
        Interlocked.Exchange(ref _arrived, 0);
    }

    internal RequestRecord? Add(HttpContext context, string requestId)
    {
        Interlocked.Increment(ref _arrived);
        if (!Enabled)
        {
            return null;
        }

        RequestRecord record = Describe(context, requestId);
        _records.Enqueue(record);
        while (_records.Count > capacity && _records.TryDequeue(out _))
        {
        }

        return record;
    }

    internal static RequestRecord Describe(HttpContext context, string requestId)
    {
        List<KeyValuePair<string, string>> fields = new(context.Request.Headers.Count);
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in context.Request.Headers)
        {
            foreach (string? value in values)
            {
                fields.Add(new(name, value ?? ""));
            }
        }

        return new RequestRecord
        {
            RequestId = requestId,
            ConnectionId = context.Connection.Id,
            Method = context.Request.Method,
            RawTarget = context.Features.Get<IHttpRequestFeature>()!.RawTarget,
            Protocol = context.Request.Protocol,
            IsTls = context.Request.IsHttps,
            Fields = fields,
        };
    }
}
