using System.Text.Json;
using System.Text.Json.Nodes;

namespace Proxy.Host.Admin;

/// <summary>Bodies of the admin API: JSON objects in, JSON out.</summary>
internal static class AdminJson
{
    public static async Task<JsonObject> ReadAsync(HttpContext http)
    {
        if (http.Request.ContentLength == 0)
        {
            return [];
        }

        try
        {
            JsonNode? node = await JsonNode.ParseAsync(http.Request.Body, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }, cancellationToken: http.RequestAborted);
            return node as JsonObject ?? throw AdminException.Invalid(null, "the body must be a JSON object");
        }
        catch (JsonException fault)
        {
            // Never its message: it can quote the body, which may hold a key.
            throw AdminException.Invalid(null, $"the body is not JSON at line {(fault.LineNumber ?? 0) + 1}, byte {(fault.BytePositionInLine ?? 0) + 1}");
        }
    }

    public static Task WriteAsync(HttpContext http, JsonNode answer)
    {
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(answer.ToJsonString());
    }

    public static int InRange(int value, int least, int most, string name) =>
        value >= least && value <= most ? value : throw AdminException.Invalid(name, $"must be from {least} to {most}");

    /// <summary>A change: a JSON object posted, a JSON object answered.</summary>
    public static void MapJson(this IEndpointRouteBuilder app, string route, string summary, Func<JsonObject, string, JsonObject> handle) =>
        app.MapPost(route, async Task (HttpContext http) => await WriteAsync(http, handle(await ReadAsync(http), AdminAuthorization.ActorOf(http))))
            .WithSummary(summary)
            .WithMetadata(AdminOpenApi.TakesObject);
}
