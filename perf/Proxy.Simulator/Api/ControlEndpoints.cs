using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Proxy.Simulator.Records;
using Proxy.Simulator.Scripting;
using Proxy.Simulator.Wire;

namespace Proxy.Simulator.Api;

/// <summary>What is below <c>/sim/</c>: the tables, the holds, and transport tests that know nothing of messages.</summary>
internal sealed class ControlEndpoints(SimulatorState state)
{
    private const int PieceBytes = 64 << 10;
    private const long MaxBytes = 1L << 30;

    public async ValueTask<ResponsePlan> AnswerAsync(HttpContext context, string path, byte[] body, SimScript script, string requestId)
    {
        bool post = HttpMethods.IsPost(context.Request.Method);
        if (context.Request.Query["framing"].ToString() is { Length: > 0 } framing
            && !SimScriptParser.TryApply(script, "framing", framing, out string error))
        {
            return Plans.Error(400, error, requestId);
        }

        if (post && path.StartsWith("/sim/release/", StringComparison.Ordinal))
        {
            state.Holds.Release(path["/sim/release/".Length..]);
            return Done();
        }

        if (path.StartsWith("/sim/held/", StringComparison.Ordinal))
        {
            await state.Holds.WhenReachedAsync(path["/sim/held/".Length..], context.RequestAborted);
            return Done();
        }

        switch (path)
        {
            case "/sim/echo": return Echo(context, body);
            case "/sim/hash": return Hash(body);
            case "/sim/bytes": return Bytes(context.Request.Query, requestId);
            case "/sim/headers": return Plans.Json("control", RequestLog.Describe(context, requestId).WriteJson);
            case "/sim/truth": return Lines(state.Truth.All(), static (json, record) => record.WriteJson(json));
            case "/sim/requests": return Lines(state.Requests.All(), static (json, record) => record.WriteJson(json));
            case "/sim/health": return Done();
            case "/sim/reset" when post:
                state.Reset();
                return Done();
            default: return Plans.Error(404, $"No such control: {path}", requestId);
        }
    }

    private static ResponsePlan Done() => Plans.Json("control", static json =>
    {
        json.WriteStartObject();
        json.WriteBoolean("ok"u8, true);
        json.WriteEndObject();
    });

    private static ResponsePlan Echo(HttpContext context, byte[] body) => new()
    {
        Kind = "control",
        ContentType = context.Request.ContentType ?? "application/octet-stream",
        Fields = [new("x-sim-body-sha256", RequestBody.Hash(body)), new("x-sim-body-length", $"{body.Length}")],
        Frames = Pieces(body),
    };

    private static ResponsePlan Hash(byte[] body)
    {
        string hash = RequestBody.Hash(body);
        ResponsePlan plan = Plans.Json("control", json =>
        {
            json.WriteStartObject();
            json.WriteString("sha256"u8, hash);
            json.WriteNumber("length"u8, body.Length);
            json.WriteEndObject();
        });
        plan.Fields.AddRange([new("x-sim-body-sha256", hash), new("x-sim-body-length", $"{body.Length}")]);
        return plan;
    }

    private static ResponsePlan Bytes(IQueryCollection query, string requestId)
    {
        if (!long.TryParse(query["n"], NumberStyles.None, CultureInfo.InvariantCulture, out long length) || length > MaxBytes)
        {
            return Plans.Error(400, $"n: expected a number up to {MaxBytes}", requestId);
        }

        _ = ulong.TryParse(query["seed"], NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed);
        byte[] bytes = new byte[length];
        Fill(bytes, seed);
        return new ResponsePlan
        {
            Kind = "control",
            ContentType = "application/octet-stream",
            Fields = [new("x-sim-sha256", Convert.ToHexStringLower(SHA256.HashData(bytes))), new("x-sim-body-length", $"{length}")],
            Frames = Pieces(bytes),
        };
    }

    /// <summary>The splitmix64 sequence: any language can make the same bytes in three lines.</summary>
    private static void Fill(Span<byte> bytes, ulong seed)
    {
        Span<byte> word = stackalloc byte[8];
        for (int at = 0; at < bytes.Length; at += 8)
        {
            seed += 0x9E3779B97F4A7C15;
            ulong mixed = (seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
            BinaryPrimitives.WriteUInt64LittleEndian(word, mixed ^ (mixed >> 31));
            word[..Math.Min(8, bytes.Length - at)].CopyTo(bytes[at..]);
        }
    }

    private static List<Frame> Pieces(byte[] body)
    {
        List<Frame> frames = new((body.Length / PieceBytes) + 1);
        for (int at = 0; at < body.Length; at += PieceBytes)
        {
            frames.Add(new Frame(body.AsMemory(at, Math.Min(PieceBytes, body.Length - at))));
        }

        return frames;
    }

    private static ResponsePlan Lines<T>(IEnumerable<T> records, Action<Utf8JsonWriter, T> write) => new()
    {
        Kind = "control",
        ContentType = "application/x-ndjson",
        Frames = [.. records.Select(record => new Frame((byte[])[.. JsonBytes.Write(json => write(json, record)), (byte)'\n']))],
    };
}
