using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using Proxy.Core.Anthropic;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Metering;

/// <summary>The metering rules once more, written naively over the runtime's own SSE and JSON parsers.</summary>
internal static class StreamOracle
{
    public static SpendRecord Read(byte[] body, bool complete)
    {
        SpendRecord record = new() { PathClass = PathClass.Messages, Streamed = true };
        using MemoryStream stream = new(body);
        bool isStopped = false;
        bool hasError = false;
        bool hasOutput = false;
        bool isReported = false;
        long outputBytes = 0;
        foreach (SseItem<string> item in SseParser.Create(stream).Enumerate())
        {
            using JsonDocument document = JsonDocument.Parse(item.Data);
            JsonElement root = document.RootElement;
            string type = item.EventType != "message" ? item.EventType : root.TryGetProperty("type", out JsonElement name) ? name.GetString()! : "";
            switch (type)
            {
                case "message_start":
                    JsonElement message = root.GetProperty("message");
                    record.ModelServed.Set(Encoding.UTF8.GetBytes(message.GetProperty("model").GetString()!));
                    record.MessageId.Set(Encoding.UTF8.GetBytes(message.GetProperty("id").GetString()!));
                    Merge(message.GetProperty("usage"), record);
                    break;
                case "message_delta":
                    isReported |= Merge(root.GetProperty("usage"), record);
                    break;
                case "content_block_start":
                    hasOutput = true;
                    isReported = false;
                    break;
                case "content_block_delta":
                    hasOutput = true;
                    isReported = false;
                    outputBytes += Encoding.UTF8.GetByteCount(root.GetProperty("delta").GetProperty("text").GetString()!);
                    break;
                case "message_stop":
                    isStopped = true;
                    break;
                case "error":
                    hasError = true;
                    break;
            }
        }

        bool isWhole = complete && isStopped;
        record.Flags |= isWhole ? SpendFlags.None : SpendFlags.Incomplete;
        record.EndReason = hasError ? EndReason.UpstreamErrorEvent : EndReason.Complete;
        if (hasError && !hasOutput && !isReported)
        {
            record.Usage.OutputTokens = 0;
        }
        else if (!isReported && outputBytes != 0)
        {
            record.Flags |= SpendFlags.Estimated;
            record.Usage.OutputTokens = Math.Max(record.Usage.OutputTokens, outputBytes / 4);
        }

        return record;
    }

    /// <summary>True when it reports the output.</summary>
    private static bool Merge(JsonElement usage, SpendRecord record)
    {
        Take(usage, "input_tokens", UsageCounter.InputTokens, record);
        Take(usage, "cache_read_input_tokens", UsageCounter.CacheReadInputTokens, record);
        Take(usage, "cache_creation_input_tokens", UsageCounter.CacheCreationInputTokens, record);
        if (usage.TryGetProperty("cache_creation", out JsonElement creation) && creation.ValueKind == JsonValueKind.Object)
        {
            Take(creation, "ephemeral_5m_input_tokens", UsageCounter.CacheCreation5mInputTokens, record);
            Take(creation, "ephemeral_1h_input_tokens", UsageCounter.CacheCreation1hInputTokens, record);
        }

        return Take(usage, "output_tokens", UsageCounter.OutputTokens, record);
    }

    private static bool Take(JsonElement from, string name, UsageCounter counter, SpendRecord record)
    {
        if (!from.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
        {
            return false;
        }

        bool isText = value.ValueKind == JsonValueKind.String;
        if (!decimal.TryParse(isText ? value.GetString() : value.GetRawText(), out decimal number) || number < 0)
        {
            record.Flags |= SpendFlags.Irregular;
            return false;
        }

        const long Ceiling = 1_000_000_000_000;
        record.Flags |= isText ? SpendFlags.Irregular : SpendFlags.None;
        record.Flags |= number > Ceiling ? SpendFlags.CountCut : SpendFlags.None;
        record.Usage[counter] = (long)Math.Min(number, Ceiling);
        return true;
    }
}
