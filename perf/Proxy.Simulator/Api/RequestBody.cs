using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;

namespace Proxy.Simulator.Api;

/// <summary>Reads a whole request body.</summary>
internal static class RequestBody
{
    public static async ValueTask<byte[]> ReadAsync(HttpContext context)
    {
        ArrayBufferWriter<byte> body = new((int)Math.Clamp(context.Request.ContentLength ?? 4096, 256, 1 << 30));
        PipeReader reader = context.Request.BodyReader;
        while (true)
        {
            ReadResult read = await reader.ReadAsync(context.RequestAborted);
            foreach (ReadOnlyMemory<byte> segment in read.Buffer)
            {
                body.Write(segment.Span);
            }

            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return body.WrittenSpan.ToArray();
            }
        }
    }

    public static string Hash(ReadOnlySpan<byte> body) => Convert.ToHexStringLower(SHA256.HashData(body));
}
