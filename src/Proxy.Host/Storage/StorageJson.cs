using System.Text.Json.Serialization;
using Proxy.Core.Admission;

namespace Proxy.Host.Storage;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(PrincipalSettings))]
[JsonSerializable(typeof(IReadOnlyList<BatchReservation>))]
internal sealed partial class StorageJson : JsonSerializerContext;
