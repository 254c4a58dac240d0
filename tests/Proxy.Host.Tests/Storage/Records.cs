using System.Text;
using Proxy.Core.Anthropic;
using Proxy.Core.Http1;
using Proxy.Core.Identity;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;

namespace Proxy.Host.Tests.Storage;

/// <summary>Records to book.</summary>
internal static class Records
{
    public static Principal Alice { get; } = new() { Key = new KeyIdentity(new string('a', 64), "alice", "core", "u1") };

    public static SpendRecord Simple(int number)
    {
        SpendRecord record = new();
        FillSimple(record, number);
        return record;
    }

    public static void FillSimple(SpendRecord record, int number)
    {
        record.Id = Id(number);
        record.StartedAtUnixMs = 1_800_000_000_000 + number;
        record.Route = "anthropic";
        record.Status = 200;
        record.Usage.InputTokens = number;
    }

    // Version 7 UUIDs begin with the time: their order is that of the numbers.
    public static Guid Id(int number) => Guid.Parse($"01990000-{number >> 16:x4}-7{number & 0xfff:x3}-8000-{number:x12}");

    /// <summary>Every field set, each to another value than every other.</summary>
    public static SpendRecord Full()
    {
        SpendRecord record = new()
        {
            Id = Id(77),
            StartedAtUnixMs = 1_800_000_000_123,
            TimeToFirstByteUs = 1001,
            DurationUs = 1002,
            Caller = Alice.Key,
            Route = "anthropic",
            PathClass = PathClass.Messages,
            Method = MethodId.Post,
            Credential = CredentialKind.OAuth,
            Status = 200,
            EndReason = EndReason.UpstreamErrorEvent,
            Failure = ForwardFailure.UpstreamSilent,
            Refusal = RefusalReason.LedgerFull,
            Flags = SpendFlags.Incomplete | SpendFlags.Estimated | SpendFlags.IterationsFolded,
            Streamed = true,
            CostNanoUsd = long.MaxValue - 1,
            PriceVersion = "p-1",
            RequestBodyBytes = 1003,
            ResponseBodyBytes = 1004,
            Usage = Usage(2000),
        };
        record.ModelAsked.Set("claude-sonnet-5[1m]"u8);
        record.ModelServed.Set("claude-sonnet-5-20260101"u8);
        record.UpstreamRequestId.Set("req_1"u8);
        record.MessageId.Set("msg_1"u8);
        record.SessionId.Set("session"u8);
        record.AgentId.Set("agent"u8);
        record.ParentAgentId.Set("parent"u8);
        record.Tags.Set(Encoding.UTF8.GetBytes("dev,grün"));
        IterationUsage first = record.AddIteration();
        first.Kind = IterationKind.AdvisorMessage;
        first.Model.Set("claude-opus-5"u8);
        first.Usage = Usage(3000);
        IterationUsage second = record.AddIteration();
        second.Kind = IterationKind.Compaction;
        second.Usage = Usage(4000);
        return record;
    }

    private static UsageCounters Usage(long from) => new()
    {
        InputTokens = from + 1,
        CacheReadInputTokens = from + 2,
        CacheCreationInputTokens = from + 3,
        CacheCreation5mInputTokens = from + 4,
        CacheCreation1hInputTokens = from + 5,
        OutputTokens = from + 6,
        ThinkingTokens = from + 7,
        WebSearchRequests = from + 8,
        WebFetchRequests = from + 9,
        ServiceTier = ServiceTier.Priority,
        Speed = Speed.Fast,
        InferenceGeo = InferenceGeo.Us,
    };
}
