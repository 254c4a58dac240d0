using System.Text.Json;
using Proxy.Simulator.Usage;

namespace Proxy.Simulator.Records;

/// <summary>What one answer said and how much of it was written. Written by its handler only; readers see each property whole.</summary>
public sealed class TruthRecord
{
    private volatile SimUsage? _sent;
    private volatile Outcome _outcome;
    private long _sentTextBytes;

    public required string RequestId { get; init; }
    /// <summary>The caller's <c>x-sim-id</c>.</summary>
    public string? Id { get; init; }
    public string? Nonce { get; init; }
    /// <summary>messages, count_tokens, batch, batch_result, models or error.</summary>
    public required string Kind { get; init; }
    /// <summary>The model named in the answer.</summary>
    public string? Model { get; init; }
    public bool Streamed { get; init; }
    public int Status { get; init; } = 200;
    /// <summary>error.type of an error body or of an error event in the stream.</summary>
    public string? ErrorType { get; init; }
    /// <summary>Usage that a reader of the whole answer knows at its end.</summary>
    public SimUsage? Final { get; init; }
    public long FinalTextBytes { get; init; }

    /// <summary>Usage in the events that were handed to the connection.</summary>
    public SimUsage? Sent { get => _sent; internal set => _sent = value; }
    public long SentTextBytes { get => Volatile.Read(ref _sentTextBytes); internal set => Volatile.Write(ref _sentTextBytes, value); }
    public Outcome Outcome { get => _outcome; internal set => _outcome = value; }

    internal void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("request_id"u8, RequestId);
        writer.WriteString("id"u8, Id);
        writer.WriteString("nonce"u8, Nonce);
        writer.WriteString("kind"u8, Kind);
        writer.WriteString("model"u8, Model);
        writer.WriteBoolean("streamed"u8, Streamed);
        writer.WriteNumber("status"u8, Status);
        writer.WriteString("error_type"u8, ErrorType);
        writer.WriteString("outcome"u8, Outcome switch
        {
            Outcome.Completed => "completed",
            Outcome.Cut => "cut",
            Outcome.ClientGone => "client_gone",
            _ => "pending",
        });
        writer.WriteNumber("final_text_bytes"u8, FinalTextBytes);
        writer.WriteNumber("sent_text_bytes"u8, SentTextBytes);
        writer.WritePropertyName("final"u8);
        SimUsageWriter.WriteTruth(writer, Final);
        writer.WritePropertyName("sent"u8);
        SimUsageWriter.WriteTruth(writer, Sent);
        writer.WriteEndObject();
    }
}
