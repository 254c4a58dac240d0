using System.Text.Json.Nodes;
using Proxy.Core.Pricing;
using Proxy.Host.Telemetry;

namespace Proxy.Host.Admin;

/// <summary>Health, metrics, and what tools of LiteLLM's users ask to know their way about.</summary>
internal static class HealthRoutes
{
    public static void MapHealth(this IEndpointRouteBuilder app, AdminContext context)
    {
        foreach (string route in new[] { "/health/liveliness", "/health/liveness" })
        {
            app.MapGet(route, static Task (HttpContext http) => AdminJson.WriteAsync(http, "I'm alive!"));
        }

        app.MapGet("/health/readiness", Task (HttpContext http) => ReadinessAsync(http, context));
        app.MapGet("/health/backlog", Task (HttpContext http) => AdminJson.WriteAsync(http, new JsonObject { ["in_flight_requests"] = context.InFlight() }));
        app.MapGet("/metrics", Task (HttpContext http) => MetricsAsync(http, context));
        app.MapGet("/routes", Task (HttpContext http) => AdminJson.WriteAsync(http, new JsonObject { ["routes"] = Routes(app) }));
        app.MapGet("/public/litellm_model_cost_map", static Task (HttpContext http) =>
        {
            http.Response.ContentType = "application/json";
            return http.Response.Body.WriteAsync(PriceBook.ReadBuiltInMap()).AsTask();
        });
        app.MapGet("/v1/models", static Task (HttpContext http) => AdminJson.WriteAsync(http, new JsonObject
        {
            ["object"] = "list",
            ["data"] = new JsonArray([.. ModelNames().Select(model => new JsonObject { ["id"] = model, ["object"] = "model", ["owned_by"] = "anthropic" })]),
        }));
        app.MapGet("/model/info", static Task (HttpContext http) => AdminJson.WriteAsync(http, new JsonObject
        {
            ["data"] = new JsonArray([.. Models().Select(model => new JsonObject { ["model_name"] = model.Key, ["litellm_params"] = new JsonObject { ["model"] = model.Key }, ["model_info"] = model.Value?.DeepClone() })]),
        }));
    }

    private static Task ReadinessAsync(HttpContext http, AdminContext context)
    {
        bool connected = context.LedgerConnected();
        http.Response.StatusCode = connected ? 200 : 503;
        return AdminJson.WriteAsync(http, new JsonObject
        {
            ["status"] = connected ? "connected" : "unhealthy",
            ["db"] = connected ? "connected" : "Not connected",
            ["unusable_rows"] = context.UnusableRows(),
            ["cache"] = null,
            ["litellm_version"] = "tollway",
            ["success_callbacks"] = new JsonArray(),
            ["last_updated"] = Times.Iso(context.NowMs),
        });
    }

    private static Task MetricsAsync(HttpContext http, AdminContext context)
    {
        if (context.Metrics is null)
        {
            throw new AdminException(404, "not_found_error", null, "no gateway runs in this process");
        }

        http.Response.ContentType = MetricsText.ContentType;
        return http.Response.WriteAsync(context.Metrics());
    }

    private static JsonArray Routes(IEndpointRouteBuilder app) => new(
    [
        .. app.DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>().Select(endpoint => new JsonObject
        {
            ["path"] = endpoint.RoutePattern.RawText,
            ["methods"] = new JsonArray([.. (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []).Select(method => (JsonNode)method)]),
        }),
    ]);

    private static IEnumerable<string> ModelNames() => Models().Select(model => model.Key);

    private static JsonObject Models()
    {
        JsonObject map = JsonNode.Parse(PriceBook.ReadBuiltInMap())!.AsObject();
        foreach (string name in map.Select(entry => entry.Key).Where(name => name.StartsWith("x_", StringComparison.Ordinal) || name == "sample_spec").ToArray())
        {
            map.Remove(name);
        }

        return map;
    }
}
