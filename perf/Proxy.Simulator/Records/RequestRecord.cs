using System.Text.Json;

namespace Proxy.Simulator.Records;

/// <summary>A request as it arrived. Names are in Kestrel's spelling and order; the values of a name are as sent.</summary>
public sealed class RequestRecord
{
    private string? _bodySha256;
    private long _bodyLength = -1;

    public required string RequestId { get; init; }
    public required string ConnectionId { get; init; }
    public required string Method { get; init; }
    public required string RawTarget { get; init; }
    public required string Protocol { get; init; }
    public required bool IsTls { get; init; }
    public required IReadOnlyList<KeyValuePair<string, string>> Fields { get; init; }

    /// <summary>-1 until the body was read to its end.</summary>
    public long BodyLength { get => Volatile.Read(ref _bodyLength); internal set => Volatile.Write(ref _bodyLength, value); }

    /// <summary>Lower-case hex; null until the body was read to its end.</summary>
    public string? BodySha256 { get => Volatile.Read(ref _bodySha256); internal set => Volatile.Write(ref _bodySha256, value); }

    /// <summary>All values of a field, in order.</summary>
    public IReadOnlyList<string> Values(string name) =>
        [.. Fields.Where(field => field.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(field => field.Value)];

    internal void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("request_id"u8, RequestId);
        writer.WriteString("connection"u8, ConnectionId);
        writer.WriteString("method"u8, Method);
        writer.WriteString("target"u8, RawTarget);
        writer.WriteString("protocol"u8, Protocol);
        writer.WriteBoolean("tls"u8, IsTls);
        writer.WriteStartArray("fields"u8);
        foreach ((string name, string value) in Fields)
        {
            writer.WriteStartArray();
            writer.WriteStringValue(name);
            writer.WriteStringValue(value);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
        writer.WriteNumber("body_length"u8, BodyLength);
        writer.WriteString("body_sha256"u8, BodySha256);
        writer.WriteEndObject();
    }
}
