using System.Text.Json.Serialization;

namespace Proxy.Host.Storage;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(PrincipalSettings))]
internal sealed partial class StorageJson : JsonSerializerContext;
