using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Microsoft.OpenApi;

namespace Proxy.Host.Admin;

/// <summary>The document of the admin API at <c>/openapi.json</c>, made by the framework's own generator; the fields of settings come from <see cref="SettingsRules"/>.</summary>
internal static partial class AdminOpenApi
{
    /// <summary>Marks a route that takes a JSON object, for the generator, which sees only methods.</summary>
    public static readonly MethodInfo TakesObject = ((Func<JsonObject, JsonObject>)TakeObject).Method;

    private static readonly MethodInfo TakesQuery = ((Func<string>)TakeQuery).Method;

    /// <summary>Routes whose handler sees the request itself have no method that the generator could look at: they get one.</summary>
    public static void DescribeAll(this RouteGroupBuilder routes) =>
        ((IEndpointConventionBuilder)routes).Finally(static endpoint =>
        {
            if (!endpoint.Metadata.OfType<MethodInfo>().Any())
            {
                endpoint.Metadata.Add(TakesQuery);
            }
        });

    public static void AddAdminOpenApi(this IServiceCollection services)
    {
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(0, OpenApiJson.Default));
        services.AddOpenApi(options =>
        {
            options.AddDocumentTransformer(static (document, _, _) =>
            {
                document.Info = new OpenApiInfo { Title = "Tollway admin API", Version = "1", Description = "LiteLLM's routes and shapes for keys, teams, users and spend. POST bodies are JSON objects; an unknown field is a 400 that names it." };
                return Task.CompletedTask;
            });
            options.AddOperationTransformer(static (operation, context, _) =>
            {
                operation.Tags = null;
                if (context.Description.HttpMethod == "POST")
                {
                    bool hasSettings = context.Description.RelativePath is { } path
                        && (path.StartsWith("key/", StringComparison.Ordinal) || path.StartsWith("team/", StringComparison.Ordinal) || path.StartsWith("user/", StringComparison.Ordinal));
                    OpenApiSchema schema = hasSettings ? SettingsSchema() : new OpenApiSchema { Type = JsonSchemaType.Object };
                    operation.RequestBody = new OpenApiRequestBody { Content = new Dictionary<string, OpenApiMediaType> { ["application/json"] = new() { Schema = schema } } };
                }

                return Task.CompletedTask;
            });
        });
    }

    private static OpenApiSchema SettingsSchema()
    {
        OpenApiSchema schema = new() { Type = JsonSchemaType.Object, Properties = new Dictionary<string, IOpenApiSchema>() };
        foreach ((string name, JsonSchemaType type) in SettingsRules.Describe())
        {
            schema.Properties[name] = new OpenApiSchema { Type = type | JsonSchemaType.Null };
        }

        return schema;
    }

    private static string TakeQuery() => "";

    private static JsonObject TakeObject(JsonObject body) => body;

    [JsonSerializable(typeof(JsonObject))]
    [JsonSerializable(typeof(string))]
    [JsonSerializable(typeof(int?))]
    [JsonSerializable(typeof(bool?))]
    private sealed partial class OpenApiJson : JsonSerializerContext;
}
