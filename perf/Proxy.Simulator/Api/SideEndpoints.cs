using System.Text.Json;
using Proxy.Simulator.Records;
using Proxy.Simulator.Scripting;
using Proxy.Simulator.Wire;

namespace Proxy.Simulator.Api;

/// <summary>The API beside inference: models, token counts and batches.</summary>
internal static class SideEndpoints
{
    private const int MaxBatches = 10_000;

    private static readonly string[] ModelIds =
        ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-4-5-20251101", "claude-haiku-4-5-20251001"];

    public static ResponsePlan CountTokens(int bodyLength, SimScript script) => Plans.Json("count_tokens", json =>
    {
        json.WriteStartObject();
        json.WriteNumber("input_tokens"u8, script.Usage?.InputTokens ?? Math.Max(1, bodyLength / 4));
        json.WriteEndObject();
    });

    public static ResponsePlan Models() => Plans.Json("models", json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("data"u8);
        foreach (string id in ModelIds)
        {
            WriteModel(json, id);
        }

        json.WriteEndArray();
        json.WriteString("first_id"u8, ModelIds[0]);
        json.WriteString("last_id"u8, ModelIds[^1]);
        json.WriteBoolean("has_more"u8, false);
        json.WriteEndObject();
    });

    public static ResponsePlan? Model(string id) =>
        ModelIds.Contains(id) ? Plans.Json("models", json => WriteModel(json, id)) : null;

    public static ResponsePlan? CreateBatch(byte[] body, SimulatorState state, string requestId)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            string[] customIds =
            [
                .. document.RootElement.GetProperty("requests"u8).EnumerateArray()
                    .Select(request => request.GetProperty("custom_id"u8).GetString()!),
            ];
            if (state.Batches.Count >= MaxBatches)
            {
                state.Batches.Clear();
            }

            string id = string.Concat("msgbatch_", requestId.AsSpan(4));
            state.Batches[id] = customIds;
            return BatchPlan(id, customIds.Length, ended: false);
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    public static ResponsePlan? Batch(string id, SimulatorState state) =>
        state.Batches.TryGetValue(id, out string[]? customIds) ? BatchPlan(id, customIds.Length, ended: true) : null;

    public static ResponsePlan? BatchResults(string id, SimulatorState state, SimScript script, string requestId)
    {
        if (!state.Batches.TryGetValue(id, out string[]? customIds))
        {
            return null;
        }

        List<Frame> frames = [];
        for (int i = 0; i < customIds.Length; i++)
        {
            string lineId = $"{requestId}-{i}";
            SimScript own = script.Clone();
            own.Seed = script.Seed + i;
            MessageShape shape = MessageShape.Create(own, RequestFacts.None, lineId);
            shape = shape with { Usage = shape.Usage with { ServiceTier = "batch" } };
            string customId = customIds[i];
            byte[] message = [.. DocumentFrames.Create(shape).SelectMany(frame => frame.Bytes.ToArray())];
            byte[] line = JsonBytes.Write(json =>
            {
                json.WriteStartObject();
                json.WriteString("custom_id"u8, customId);
                json.WriteStartObject("result"u8);
                json.WriteString("type"u8, "succeeded"u8);
                json.WritePropertyName("message"u8);
                json.WriteRawValue(message, skipInputValidation: true);
                json.WriteEndObject();
                json.WriteEndObject();
            });
            frames.Add(new Frame((byte[])[.. line, (byte)'\n']) { Usage = shape.Usage });
            state.Truth.Add(new TruthRecord
            {
                RequestId = lineId,
                Id = $"{id}/{customId}",
                Kind = "batch_result",
                Model = shape.Model,
                Final = shape.Usage,
                Sent = shape.Usage,
                Outcome = Outcome.Completed,
            });
        }

        return new ResponsePlan { Kind = "batch", ContentType = "application/x-jsonl", Frames = frames };
    }

    private static ResponsePlan BatchPlan(string id, int count, bool ended) => Plans.Json("batch", json =>
    {
        json.WriteStartObject();
        json.WriteString("id"u8, id);
        json.WriteString("type"u8, "message_batch"u8);
        json.WriteString("processing_status"u8, ended ? "ended" : "in_progress");
        json.WriteStartObject("request_counts"u8);
        json.WriteNumber("processing"u8, ended ? 0 : count);
        json.WriteNumber("succeeded"u8, ended ? count : 0);
        json.WriteNumber("errored"u8, 0);
        json.WriteNumber("canceled"u8, 0);
        json.WriteNumber("expired"u8, 0);
        json.WriteEndObject();
        json.WriteString("created_at"u8, "2026-08-01T00:00:00Z"u8);
        json.WriteString("expires_at"u8, "2026-08-02T00:00:00Z"u8);
        json.WriteString("ended_at"u8, ended ? "2026-08-01T00:01:00Z" : null);
        json.WriteNull("archived_at"u8);
        json.WriteNull("cancel_initiated_at"u8);
        json.WriteString("results_url"u8, ended ? $"https://api.anthropic.com/v1/messages/batches/{id}/results" : null);
        json.WriteEndObject();
    });

    private static void WriteModel(Utf8JsonWriter json, string id)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "model"u8);
        json.WriteString("id"u8, id);
        json.WriteString("display_name"u8, $"{id} (simulated)");
        json.WriteString("created_at"u8, "2026-01-01T00:00:00Z"u8);
        json.WriteEndObject();
    }
}
