using System.Text.Json;
using Microsoft.AspNetCore.WebUtilities;
using Proxy.Simulator.Scripting;
using Proxy.Simulator.Wire;

namespace Proxy.Simulator.Api;

/// <summary>Answers that are no message: documents, errors, and the fields that every answer of the API has.</summary>
internal static class Plans
{
    public const string Organization = "5f1e9c6a-0000-4000-8000-51b01a7e0001";

    private static readonly (string Kind, int Limit)[] Limits =
        [("requests", 4000), ("input-tokens", 2_000_000), ("output-tokens", 400_000), ("tokens", 2_400_000)];

    public static ResponsePlan Json(string kind, Action<Utf8JsonWriter> write, int status = 200) => new()
    {
        Kind = kind,
        Status = status,
        ContentType = "application/json",
        Frames = [new Frame(JsonBytes.Write(write))],
    };

    public static ResponsePlan Error(int status, string message, string requestId, SimScript? script = null)
    {
        string type = TypeOf(status);
        ResponsePlan plan = new()
        {
            Kind = "error",
            Status = status,
            ErrorType = type,
            ContentType = status is 204 or 304 ? null : "application/json",
            Frames = [new Frame(JsonBytes.Write(json => WriteError(json, type, message, requestId)))],
        };
        if (status is 429 or 500 or 529)
        {
            plan.Fields.Add(new("x-should-retry", "true"));
        }

        if (status is 429)
        {
            plan.Fields.Add(new("retry-after", $"{script?.RetryAfter ?? 7}"));
        }

        if (status is >= 300 and < 400 and not 304)
        {
            plan.Fields.Add(new("location", "https://example.invalid/elsewhere"));
        }

        return plan;
    }

    public static void WriteError(Utf8JsonWriter json, string type, string message, string requestId)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "error"u8);
        ErrorMembers(json, type, message, requestId);
        json.WriteEndObject();
    }

    public static void ErrorMembers(Utf8JsonWriter json, string type, string message, string requestId)
    {
        json.WriteStartObject("error"u8);
        json.WriteString("type"u8, type);
        json.WriteString("message"u8, message);
        json.WriteEndObject();
        json.WriteString("request_id"u8, requestId);
    }

    public static string MessageOf(int status) => status switch
    {
        401 => "invalid x-api-key",
        429 => "This request would exceed your account's rate limit. Please try again later.",
        529 => "Overloaded",
        500 => "Internal server error",
        _ => $"Simulated {status} {ReasonPhrases.GetReasonPhrase(status)}",
    };

    /// <summary>The fields of every answer, the state of the limits included, which differs for a refused request.</summary>
    public static List<KeyValuePair<string, string>> CommonFields(string requestId, int status, SimScript script)
    {
        bool refused = status == 429;
        DateTimeOffset reset = DateTimeOffset.UtcNow.AddSeconds(refused ? script.RetryAfter : 60);
        string seconds = $"{reset.ToUnixTimeSeconds()}";
        string state = refused ? "rejected" : "allowed";
        List<KeyValuePair<string, string>> fields =
        [
            new("request-id", requestId),
            new("anthropic-organization-id", Organization),
            new("anthropic-ratelimit-unified-status", state),
            new("anthropic-ratelimit-unified-reset", seconds),
            new("anthropic-ratelimit-unified-representative-claim", "five_hour"),
            new("anthropic-ratelimit-unified-fallback-percentage", "0.5"),
            new("anthropic-ratelimit-unified-5h-status", state),
            new("anthropic-ratelimit-unified-5h-reset", seconds),
            new("anthropic-ratelimit-unified-5h-utilization", refused ? "1.0" : "0.25"),
        ];
        foreach ((string kind, int limit) in Limits)
        {
            fields.Add(new($"anthropic-ratelimit-{kind}-limit", $"{limit}"));
            fields.Add(new($"anthropic-ratelimit-{kind}-remaining", refused ? "0" : $"{limit - 1}"));
            fields.Add(new($"anthropic-ratelimit-{kind}-reset", $"{reset:yyyy-MM-ddTHH:mm:ssZ}"));
        }

        if (script.Nonce is not null)
        {
            fields.Add(new("x-sim-nonce", script.Nonce));
        }

        return fields;
    }

    private static string TypeOf(int status) => status switch
    {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        >= 500 => "api_error",
        _ => "invalid_request_error",
    };
}
