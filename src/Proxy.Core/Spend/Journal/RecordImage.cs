using Proxy.Core.Anthropic;
using Proxy.Core.Http1;
using Proxy.Core.Identity;
using Proxy.Core.Outcomes;

namespace Proxy.Core.Spend.Journal;

/// <summary>
/// A record as the payload of an image, field after field. The longest record without iterations fits an image of the default size
/// (1897 of 2000 bytes, asserted by a test); iterations take the room that is left.
/// </summary>
internal static class RecordImage
{
    // Longer texts are cut, and only in an image: real ones have 36 (UUIDs) to 64 (hashes).
    public const int MaxKeyHash = 64;
    public const int MaxKeyAlias = 128;
    public const int MaxTeamId = 200;
    public const int MaxUserId = 254;
    public const int MaxRoute = 64;
    public const int MaxPriceVersion = 64;

    private const int CounterCount = 9;
    private const int WordCount = 3;

    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> payload, SpendRecord record)
    {
        ImageWriter writer = new(payload[sizeof(ushort)..]);
        writer.Id(record.Id);
        writer.Number(record.StartedAtUnixMs);
        writer.Number(record.TimeToFirstByteUs);
        writer.Number(record.DurationUs);
        writer.Bytes(record.Principal is { } principal ? principal.JournalTexts ??= Texts(principal) : default(ReadOnlySpan<byte>));
        writer.Text(record.Route, MaxRoute);
        writer.Byte((byte)record.PathClass);
        writer.Byte((byte)record.Method);
        writer.Byte((byte)record.Credential);
        writer.Number(record.Status);
        writer.Byte((byte)record.EndReason);
        writer.Byte((byte)record.Failure);
        writer.Byte((byte)record.Refusal);
        writer.Bytes(record.ModelAsked.Bytes);
        writer.Bytes(record.ModelServed.Bytes);
        writer.Bytes(record.UpstreamRequestId.Bytes);
        writer.Bytes(record.MessageId.Bytes);
        writer.Bytes(record.SessionId.Bytes);
        writer.Bytes(record.AgentId.Bytes);
        writer.Bytes(record.ParentAgentId.Bytes);
        writer.Bytes(record.Tags.Bytes);
        writer.Bytes(record.BatchId.Bytes);
        WriteUsage(ref writer, in record.Usage);
        writer.Byte(record.Streamed ? (byte)1 : (byte)0);
        writer.Number(record.CostNanoUsd);
        writer.Text(record.PriceVersion, MaxPriceVersion);
        writer.Number(record.RequestBodyBytes);
        writer.Number(record.ResponseBodyBytes);
        writer.Number(record.DeliveredOutputBytes);
        bool folded = !WriteIterations(ref writer, record);

        // Only now is known what the flags are.
        ImageWriter flags = new(payload);
        flags.Short((ushort)(folded ? record.Flags | SpendFlags.IterationsFolded : record.Flags));
        return sizeof(ushort) + writer.Position;
    }

    /// <param name="record">A cleared one; cleared again when the payload is not one of ours.</param>
    public static bool TryRead(ReadOnlySpan<byte> payload, SpendRecord record)
    {
        ImageReader reader = new(payload);
        record.Flags = (SpendFlags)reader.Short();
        record.Id = reader.Id();
        record.StartedAtUnixMs = reader.Number();
        record.TimeToFirstByteUs = reader.Number();
        record.DurationUs = reader.Number();
        record.Principal = ReadPrincipal(reader.Bytes());
        record.Route = reader.Text() ?? "";
        record.PathClass = (PathClass)reader.Byte();
        record.Method = (MethodId)reader.Byte();
        record.Credential = (CredentialKind)reader.Byte();
        record.Status = (int)reader.Number();
        record.EndReason = (EndReason)reader.Byte();
        record.Failure = (ForwardFailure)reader.Byte();
        record.Refusal = (RefusalReason)reader.Byte();
        record.ModelAsked.Set(reader.Bytes());
        record.ModelServed.Set(reader.Bytes());
        record.UpstreamRequestId.Set(reader.Bytes());
        record.MessageId.Set(reader.Bytes());
        record.SessionId.Set(reader.Bytes());
        record.AgentId.Set(reader.Bytes());
        record.ParentAgentId.Set(reader.Bytes());
        record.Tags.Set(reader.Bytes());
        record.BatchId.Set(reader.Bytes());
        record.Usage = ReadUsage(ref reader);
        record.Streamed = reader.Byte() != 0;
        record.CostNanoUsd = reader.Number();
        record.PriceVersion = reader.Text() ?? "";
        record.RequestBodyBytes = reader.Number();
        record.ResponseBodyBytes = reader.Number();
        record.DeliveredOutputBytes = reader.Number();
        SpendFlags flags = record.Flags;
        ReadIterations(ref reader, record);
        record.Flags = flags;
        if (!reader.IsBroken && reader.IsAtEnd)
        {
            return true;
        }

        record.Clear();
        return false;
    }

    private static byte[] Texts(Principal principal)
    {
        Span<byte> buffer = stackalloc byte[MaxKeyHash + MaxKeyHash + MaxKeyAlias + MaxTeamId + MaxUserId + (5 * ImageWriter.MaxNumberLength)];
        ImageWriter writer = new(buffer);
        writer.Text(principal.KeyHash, MaxKeyHash);
        writer.Text(principal.ScopeId, MaxKeyHash);
        writer.Text(principal.KeyAlias, MaxKeyAlias);
        writer.Text(principal.TeamId, MaxTeamId);
        writer.Text(principal.UserId, MaxUserId);
        return buffer[..writer.Position].ToArray();
    }

    private static Principal? ReadPrincipal(ReadOnlySpan<byte> texts)
    {
        if (texts.IsEmpty)
        {
            return null;
        }

        ImageReader reader = new(texts);
        return new Principal
        {
            KeyHash = reader.Text() ?? "",
            ScopeId = reader.Text() ?? "",
            KeyAlias = reader.Text(),
            TeamId = reader.Text(),
            UserId = reader.Text(),
        };
    }

    private static void WriteUsage(ref ImageWriter writer, in UsageCounters usage)
    {
        writer.Number(usage.InputTokens);
        writer.Number(usage.CacheReadInputTokens);
        writer.Number(usage.CacheCreationInputTokens);
        writer.Number(usage.CacheCreation5mInputTokens);
        writer.Number(usage.CacheCreation1hInputTokens);
        writer.Number(usage.OutputTokens);
        writer.Number(usage.ThinkingTokens);
        writer.Number(usage.WebSearchRequests);
        writer.Number(usage.WebFetchRequests);
        writer.Byte((byte)usage.ServiceTier);
        writer.Byte((byte)usage.Speed);
        writer.Byte((byte)usage.InferenceGeo);
    }

    private static UsageCounters ReadUsage(ref ImageReader reader) => new()
    {
        InputTokens = reader.Number(),
        CacheReadInputTokens = reader.Number(),
        CacheCreationInputTokens = reader.Number(),
        CacheCreation5mInputTokens = reader.Number(),
        CacheCreation1hInputTokens = reader.Number(),
        OutputTokens = reader.Number(),
        ThinkingTokens = reader.Number(),
        WebSearchRequests = reader.Number(),
        WebFetchRequests = reader.Number(),
        ServiceTier = (ServiceTier)reader.Byte(),
        Speed = (Speed)reader.Byte(),
        InferenceGeo = (InferenceGeo)reader.Byte(),
    };

    /// <summary>Writes their number and all of them; or as many as fit, the surplus added to the last of these.</summary>
    /// <returns>False when some were folded.</returns>
    private static bool WriteIterations(ref ImageWriter writer, SpendRecord record)
    {
        int all = record.IterationCount;
        int fit = CountThatFit(record, writer.Remaining - 1);
        writer.Byte((byte)fit);
        for (int i = 0; i < fit; i++)
        {
            IterationUsage iteration = record.Iteration(i);
            UsageCounters usage = iteration.Usage;
            for (int surplus = i + 1; i == fit - 1 && surplus < all; surplus++)
            {
                usage.Add(in record.Iteration(surplus).Usage);
            }

            writer.Byte((byte)iteration.Kind);
            writer.Bytes(iteration.Model.Bytes);
            WriteUsage(ref writer, in usage);
        }

        return fit == all;
    }

    private static int CountThatFit(SpendRecord record, int room)
    {
        int withSurplus = 0;
        int used = 0;
        for (int i = 0; i < record.IterationCount; i++)
        {
            IterationUsage iteration = record.Iteration(i);
            int fixedLength = 1 + ImageWriter.LengthOf(iteration.Model.Bytes.Length) + iteration.Model.Bytes.Length + WordCount;

            // The last one that is kept must have room for any sum.
            if (used + fixedLength + (CounterCount * ImageWriter.MaxNumberLength) <= room)
            {
                withSurplus = i + 1;
            }

            used += fixedLength + LengthOf(in iteration.Usage);
            if (used > room)
            {
                return withSurplus;
            }
        }

        return record.IterationCount;
    }

    private static int LengthOf(in UsageCounters usage) =>
        ImageWriter.LengthOf(usage.InputTokens)
        + ImageWriter.LengthOf(usage.CacheReadInputTokens)
        + ImageWriter.LengthOf(usage.CacheCreationInputTokens)
        + ImageWriter.LengthOf(usage.CacheCreation5mInputTokens)
        + ImageWriter.LengthOf(usage.CacheCreation1hInputTokens)
        + ImageWriter.LengthOf(usage.OutputTokens)
        + ImageWriter.LengthOf(usage.ThinkingTokens)
        + ImageWriter.LengthOf(usage.WebSearchRequests)
        + ImageWriter.LengthOf(usage.WebFetchRequests);

    private static void ReadIterations(ref ImageReader reader, SpendRecord record)
    {
        int count = reader.Byte();
        for (int i = 0; i < count && !reader.IsBroken; i++)
        {
            IterationUsage iteration = record.AddIteration();
            iteration.Kind = (IterationKind)reader.Byte();
            iteration.Model.Set(reader.Bytes());
            iteration.Usage = ReadUsage(ref reader);
        }
    }
}
