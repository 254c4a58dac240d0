using System.Text;
using System.Text.Json;
using Proxy.Core.Anthropic;
using Proxy.Core.Identity;
using Proxy.Core.Metering;
using Proxy.Core.Outcomes;

namespace Proxy.Fuzz.Targets;

/// <summary>No body that passes for a key with one model asks, as the runtime's own JSON reader sees it, for another one.</summary>
internal static class RequestModelTarget
{
    private static readonly Principal Guarded = new() { KeyHash = new string('a', 64), Models = new ModelAllowList(["claude-sonnet-5"]) };
    private static readonly JsonDocumentOptions Lenient = new() { MaxDepth = 512 };

    public static void Run(ReadOnlySpan<byte> input)
    {
        RefusalReason whole = Judge(input, Math.Max(1, input.Length), out string model);
        RefusalReason pieces = Judge(input, 1 + (input.Length == 0 ? 0 : input[^1] % 9), out string again);
        FindingException.ThrowUnless(whole == pieces && (whole != RefusalReason.None || model == again), $"whole: {whole} {model}, in pieces: {pieces} {again}");
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
    }

    private static RefusalReason Judge(ReadOnlySpan<byte> body, int size, out string model)
    {
        RequestMeter meter = new();
        meter.Begin(PathClass.Messages, "application/json"u8, Guarded);
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
