using System.Text;
using System.Text.Json;
using Proxy.Core.Admission;
using Proxy.Core.Anthropic;
using Proxy.Core.Identity;
using Proxy.Core.Metering;
using Proxy.Core.Outcomes;
using Proxy.Core.Pricing;

namespace Proxy.Fuzz.Targets;

/// <summary>
/// No body that passes for a key with one model asks, as the runtime's own JSON reader sees it, for another one, at its top, in a tool or as a fallback;
/// and what it may cost is the same however it is cut, and no less than the max_tokens that the reader sees.
/// </summary>
internal static class RequestModelTarget
{
    private static readonly Principal Guarded = new() { Key = new KeyIdentity(new string('a', 64)), Models = new ModelAllowList(["claude-sonnet-5"]) };
    private static readonly JsonDocumentOptions Lenient = new() { MaxDepth = 512 };

    public static void Run(ReadOnlySpan<byte> input)
    {
        int size = 1 + (input.Length == 0 ? 0 : input[^1] % 9);
        CostEstimate cost = Estimate(input, Math.Max(1, input.Length));
        FindingException.ThrowUnless(cost == Estimate(input, size), "another estimate in pieces");
        RefusalReason whole = Judge(input, Math.Max(1, input.Length), out string model);
        RefusalReason pieces = Judge(input, size, out string again);
        FindingException.ThrowUnless(
            whole == pieces && (whole != RefusalReason.None || model == again), $"whole: {whole} {model}, in pieces: {pieces} {again}");
        if (whole != RefusalReason.None)
        {
            return;
        }

        ReadOnlySpan<byte> body = input.StartsWith("\uFEFF"u8) ? input[3..] : input;
        using JsonDocument? document = TryParse(body.ToArray());
        if (document is null)
        {
            // What is broken inside a value that was skipped is the upstream's to refuse.
            return;
        }

        FindingException.ThrowUnless(document.RootElement.ValueKind == JsonValueKind.Object, "what is no object was let through");
        int models = 0;
        foreach (JsonProperty property in document.RootElement.EnumerateObject())
        {
            if (property.NameEquals("model"))
            {
                models++;
                string asked = property.Value.GetString()!;
                FindingException.ThrowUnless(Guarded.AllowsModel(Encoding.UTF8.GetBytes(asked)), $"{asked} was let through");
            }
        }

        FindingException.ThrowUnless(models == 1, $"{models} models were let through");
        AssertOthers(document.RootElement, "tools");
        AssertOthers(document.RootElement, "fallbacks");
        if (document.RootElement.TryGetProperty("max_tokens", out JsonElement most) && most.ValueKind == JsonValueKind.Number
            && most.TryGetDouble(out double tokens) && tokens >= 0)
        {
            FindingException.ThrowUnless(cost.OutputTokens >= Math.Min(tokens, 128_000), $"{tokens} tokens were taken for {cost.OutputTokens}");
        }
    }

    private static void AssertOthers(JsonElement root, string list)
    {
        if (!root.TryGetProperty(list, out JsonElement found) || found.ValueKind != JsonValueKind.Array)
        {
            return;
        }

        foreach (JsonElement item in found.EnumerateArray())
        {
            if (item.ValueKind == JsonValueKind.Object && item.TryGetProperty("model", out JsonElement model)
                && model.ValueKind == JsonValueKind.String && model.GetString() is { Length: > 0 } name)
            {
                FindingException.ThrowUnless(Guarded.AllowsModel(Encoding.UTF8.GetBytes(name)), $"{name} of {list} was let through");
            }
        }
    }

    private static CostEstimate Estimate(ReadOnlySpan<byte> body, int size)
    {
        RequestMeter meter = new();
        meter.Begin(PathClass.Messages, null, PriceBook.BuiltIn);
        for (int at = 0; at < body.Length; at += size)
        {
            meter.Feed(body.Slice(at, Math.Min(size, body.Length - at)));
        }

        return meter.Estimate(body.Length, isWhole: true, 0);
    }

    private static RefusalReason Judge(ReadOnlySpan<byte> body, int size, out string model)
    {
        RequestMeter meter = new();
        meter.Begin(PathClass.Messages, Guarded);
        for (int at = 0; at < body.Length; at += size)
        {
            meter.Feed(body.Slice(at, Math.Min(size, body.Length - at)));
            RefusalReason early = meter.Judge(isWhole: false);
            if (early != RefusalReason.None)
            {
                model = "";
                return RefusalReason.ModelUnclear;
            }
        }

        model = meter.Model.ToString();
        return meter.Judge(isWhole: true) == RefusalReason.None ? RefusalReason.None : RefusalReason.ModelUnclear;
    }

    private static JsonDocument? TryParse(byte[] body)
    {
        try
        {
            return JsonDocument.Parse(body, Lenient);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
