using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Text;
using Proxy.Simulator.Records;
using Proxy.Simulator.Scripting;
using Proxy.Simulator.Wire;

namespace Proxy.Simulator.Api;

/// <summary>
/// The answer to a message without any x-sim field, from bytes made once per model: as upstream of a load run the simulator must not be
/// what is measured.
/// </summary>
internal sealed class FastPath(SimulatorState state)
{
    private const int Events = 200;
    private const int MaxModels = 256;
    private static readonly byte[] MarkerBytes = Encoding.ASCII.GetBytes(RequestFacts.Marker);
    private readonly ConcurrentDictionary<string, Prepared> _prepared = new(StringComparer.Ordinal);
    private readonly KeyValuePair<string, string>[] _fields = [.. Plans.CommonFields("", 200, new SimScript()).Skip(1)];

    public static bool IsPlain(SimScript defaults) =>
        defaults.IsBulk && defaults is
        {
            Status: null, Usage: null, Seed: null, Framing: null, Coding: SimCoding.Identity, Early: SimEarly.No, ErrorEventAfter: null,
            FirstByteDelayMs: 0, Events: null, TextBytes: null, Thinking: 0, Comments: 0, Unknown: 0, MessageDeltas: 1, Pings: 1,
            SurplusBytes: 0, Model: null, Tool: null, Nonce: null, StopReason: null, DeltaUsage: null,
            Interim.Count: 0, Fields.Count: 0, Trailers.Count: 0,
        };

    /// <summary>Null when the answer was written; otherwise the body, for a request that needs a real look.</summary>
    public async ValueTask<byte[]?> AnswerAsync(HttpContext context, string requestId, RequestRecord? arrival)
    {
        BodyScanner scanner = new();
        if (arrival is not null || state.Options.ToolTurns)
        {
            byte[] body = await RequestBody.ReadAsync(context);
            if (arrival is not null)
            {
                arrival.BodySha256 = RequestBody.Hash(body);
                arrival.BodyLength = body.Length;
            }

            scanner.Feed(body);
            if (!scanner.IsJsonObject || (state.Options.ToolTurns && body.AsSpan().IndexOf(MarkerBytes) >= 0))
            {
                return body;
            }
        }
        else
        {
            PipeReader reader = context.Request.BodyReader;
            ReadResult read;
            do
            {
                read = await reader.ReadAsync(context.RequestAborted);
                foreach (ReadOnlyMemory<byte> segment in read.Buffer)
                {
                    scanner.Feed(segment.Span);
                }

                reader.AdvanceTo(read.Buffer.End);
            }
            while (!read.IsCompleted);
        }

        await WriteAsync(context, requestId, scanner);
        return null;
    }

    private async ValueTask WriteAsync(HttpContext context, string requestId, BodyScanner request)
    {
        Prepared prepared = For(request.Model);
        TruthRecord? record = null;
        if (state.Truth.Enabled)
        {
            record = new TruthRecord
            {
                RequestId = requestId,
                Kind = "messages",
                Model = prepared.Model,
                Streamed = request.Stream,
                Final = Usage.SimUsage.Default,
                Sent = Usage.SimUsage.Default,
                FinalTextBytes = prepared.TextBytes,
                SentTextBytes = prepared.TextBytes,
            };
            state.Truth.Add(record);
            state.Truth.End(record, Outcome.Completed);
        }

        HttpResponse response = context.Response;
        IHeaderDictionary fields = response.Headers;
        fields["request-id"] = requestId;
        foreach ((string name, string value) in _fields)
        {
            fields[name] = value;
        }

        byte[] bytes = request.Stream ? prepared.EventBytes : prepared.DocumentBytes;
        fields.ContentType = request.Stream ? "text/event-stream; charset=utf-8" : "application/json";
        if (!request.Stream)
        {
            fields.ContentLength = bytes.Length;
        }

        try
        {
            await response.BodyWriter.WriteAsync(bytes, context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            if (record is not null)
            {
                state.Truth.End(record, Outcome.ClientGone);
            }
        }
    }

    private Prepared For(string? model)
    {
        string name = model ?? "claude-simulated";
        if (_prepared.TryGetValue(name, out Prepared? prepared))
        {
            return prepared;
        }

        SimScript script = new() { Events = Events, TextBytes = Events * 24, Model = name };
        MessageShape shape = MessageShape.Create(script, RequestFacts.None, "req_sim00plain");
        List<Frame> events = EventFrames.Create(shape, script);
        prepared = new Prepared(name, Join(events), Join(DocumentFrames.Create(shape)), events.Sum(frame => (long)frame.TextBytes));
        if (_prepared.Count < MaxModels)
        {
            _prepared[name] = prepared;
        }

        return prepared;
    }

    private static byte[] Join(List<Frame> frames)
    {
        ArrayBufferWriter<byte> bytes = new();
        foreach (Frame frame in frames)
        {
            bytes.Write(frame.Bytes.Span);
        }

        return bytes.WrittenSpan.ToArray();
    }

    private sealed record Prepared(string Model, byte[] EventBytes, byte[] DocumentBytes, long TextBytes);
}
