using System.Text;

namespace Proxy.Host.Tests.EndToEnd;

/// <summary>A response as it came off the wire.</summary>
internal sealed class RawResponse
{
    public required int Status { get; init; }

    public required IReadOnlyList<KeyValuePair<string, string>> Fields { get; init; }

    public byte[] Body { get; set; } = [];

    public string Text => Encoding.UTF8.GetString(Body);

    public string? Field(string name) =>
        Fields.Where(field => field.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(field => field.Value).FirstOrDefault();
}
