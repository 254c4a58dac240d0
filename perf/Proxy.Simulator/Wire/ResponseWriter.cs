using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;
using Proxy.Simulator.Records;
using Proxy.Simulator.Scripting;
using Proxy.Simulator.Transport;

namespace Proxy.Simulator.Wire;

/// <summary>Writes one scripted response to the wire: head, framing, pace, faults. Owned by the handler of its request.</summary>
internal sealed class ResponseWriter(HttpContext context, SimScript script, HoldTable holds, TruthTable truth, TruthRecord? record)
{
    // Large enough that a bulk answer costs few system calls, small enough that a slow reader is felt.
    private const int FlushThreshold = 32 << 10;

    private readonly RawConnection _connection = context.Features.Get<RawConnection>()!;
    private readonly CancellationToken _gone = context.RequestAborted;
    private long _bodyBytes;
    private bool _chunked;

    private PipeWriter Wire => _connection.Wire;

    public async Task SendAsync(ResponsePlan plan)
    {
        SimCoding coding = FrameCoder.Choose(script.Coding, context.Request.Headers.AcceptEncoding.ToString());
        bool hasBody = context.Request.Method != "HEAD" && plan.Status is not (204 or 304);
        IReadOnlyList<Frame> frames = coding == SimCoding.Identity || !hasBody ? plan.Frames : FrameCoder.Encode(plan.Frames, coding);
        bool old = context.Request.Protocol == "HTTP/1.0";
        SimFraming framing = script.Framing ?? (plan.Streamed ? SimFraming.Chunked : SimFraming.Length);
        framing = old && framing == SimFraming.Chunked ? SimFraming.Close : framing;
        bool cuts = script.CutAfter is not null || script.CutAfterEvents is not null;
        bool close = old || cuts || framing == SimFraming.Close || script.SurplusBytes > 0
            || context.Request.Headers.Connection.ToString().Contains("close", StringComparison.OrdinalIgnoreCase);
        _chunked = hasBody && framing == SimFraming.Chunked;

        _connection.TakeOver(context, close);
        try
        {
            await InterimAsync(old);
            await DelayAsync(script.FirstByteDelayMs);
            WriteHead(plan, frames, framing, hasBody, coding, close);
            bool whole = !hasBody ? !cuts : await BodyAsync(frames);
            if (!whole)
            {
                return;
            }

            if (_chunked)
            {
                Write("0\r\n"u8);
                foreach ((string name, string value) in script.Trailers)
                {
                    Write(Encoding.Latin1.GetBytes($"{name}: {value}\r\n"));
                }

                Write("\r\n"u8);
            }

            if (script.SurplusBytes > 0)
            {
                Write(Encoding.ASCII.GetBytes(new string('S', script.SurplusBytes)));
            }

            End(Outcome.Completed);
            await FlushAsync();
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or InvalidOperationException)
        {
            End(Outcome.ClientGone);
            _connection.Reset();
        }
    }

    /// <summary>False if the script ended the connection before the end of the body.</summary>
    private async ValueTask<bool> BodyAsync(IReadOnlyList<Frame> frames)
    {
        if (!script.IsBulk)
        {
            await FlushAsync();
        }

        for (int i = 0; i < frames.Count; i++)
        {
            Frame frame = frames[i];
            if (script.CutAfterEvents == i)
            {
                return await CutAsync();
            }

            if (frame.Hold is not null)
            {
                await FlushAsync();
                await holds.WaitAsync(frame.Hold, _gone);
            }

            await DelayAsync(frame.DelayMs);
            if (!await FrameAsync(frame))
            {
                return await CutAsync();
            }
        }

        // A cut that was asked for beyond the end still is a cut: the terminating chunk does not come.
        return script.CutAfter is null && script.CutAfterEvents is null || await CutAsync();
    }

    private async ValueTask<bool> FrameAsync(Frame frame)
    {
        ReadOnlyMemory<byte> rest = frame.Bytes;
        while (rest.Length > 0)
        {
            int length = Splitter.NextLength(rest.Span, script);
            bool cut = script.CutAfter is long limit && _bodyBytes + length > limit;
            length = cut ? (int)(script.CutAfter!.Value - _bodyBytes) : length;
            WritePiece(rest.Span[..length]);
            rest = rest[length..];
            if (cut)
            {
                return false;
            }

            if (rest.Length > 0 && !script.IsBulk)
            {
                await FlushAsync();
                await DelayAsync(script.TrickleMs);
            }
        }

        // Before the flush: a test that has read the event must find it in the record.
        if (record is not null)
        {
            record.Sent = frame.Usage ?? record.Sent;
            record.SentTextBytes += frame.TextBytes;
        }

        if (!script.IsBulk || Wire.UnflushedBytes >= FlushThreshold)
        {
            await FlushAsync();
            await DelayAsync(script.TrickleMs);
        }

        return true;
    }

    private async ValueTask<bool> CutAsync()
    {
        End(Outcome.Cut);
        await FlushAsync();
        if (script.Cut == SimCut.Reset)
        {
            // A reset overtakes what the transport's send loop has not yet given to the kernel, and nothing tells when it has.
            await Task.Delay(20, _gone);
            _connection.Reset();
        }

        return false;
    }

    private async ValueTask InterimAsync(bool old)
    {
        foreach (int code in script.Interim)
        {
            if (!old)
            {
                string fields = code == 103 ? "link: </sim/early>; rel=preload\r\n" : "";
                string reason = code == 103 ? "Early Hints" : ReasonPhrases.GetReasonPhrase(code);
                Write(Encoding.ASCII.GetBytes($"HTTP/1.1 {code} {reason}\r\n{fields}\r\n"));
                await FlushAsync();
            }
        }
    }

    private void WriteHead(
        ResponsePlan plan, IReadOnlyList<Frame> frames, SimFraming framing, bool hasBody, SimCoding coding, bool close)
    {
        StringBuilder head = new(1024);
        string reason = plan.Status == 529 ? "Overloaded" : ReasonPhrases.GetReasonPhrase(plan.Status);
        head.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {plan.Status} {reason}\r\ndate: {DateTimeOffset.UtcNow:r}\r\n");
        if (plan.ContentType is not null)
        {
            head.Append(CultureInfo.InvariantCulture, $"content-type: {plan.ContentType}\r\n");
        }

        if (coding != SimCoding.Identity && hasBody)
        {
            string name = coding == SimCoding.Gzip ? "gzip" : "br";
            head.Append(CultureInfo.InvariantCulture, $"content-encoding: {name}\r\nvary: accept-encoding\r\n");
        }

        foreach ((string name, string value) in plan.Fields.Concat(script.Fields))
        {
            head.Append(name).Append(": ").Append(value).Append("\r\n");
        }

        if (framing == SimFraming.Length && plan.Status is not (204 or 304))
        {
            head.Append(CultureInfo.InvariantCulture, $"content-length: {frames.Sum(frame => (long)frame.Bytes.Length)}\r\n");
        }
        else if (_chunked)
        {
            head.Append("transfer-encoding: chunked\r\n");
            if (script.Trailers.Count > 0)
            {
                head.Append("trailer: ").AppendJoin(", ", script.Trailers.Select(trailer => trailer.Key)).Append("\r\n");
            }
        }

        // A fault comes unannounced.
        bool faulty = script.CutAfter is not null || script.CutAfterEvents is not null || script.SurplusBytes > 0;
        head.Append(close && (framing == SimFraming.Close || !faulty) ? "connection: close\r\n\r\n" : "\r\n");
        Write(Encoding.Latin1.GetBytes(head.ToString()));
    }

    private void WritePiece(ReadOnlySpan<byte> piece)
    {
        _bodyBytes += piece.Length;
        if (!_chunked)
        {
            Write(piece);
            return;
        }

        // An empty chunk would end the body.
        if (piece.Length > 0)
        {
            Span<byte> size = stackalloc byte[10];
            piece.Length.TryFormat(size, out int digits, "x", CultureInfo.InvariantCulture);
            "\r\n"u8.CopyTo(size[digits..]);
            Write(size[..(digits + 2)]);
            Write(piece);
            Write("\r\n"u8);
        }
    }

    private void Write(ReadOnlySpan<byte> bytes) => Wire.Write(bytes);

    private async ValueTask FlushAsync()
    {
        FlushResult result = await Wire.FlushAsync(_gone);
        if (result.IsCompleted || result.IsCanceled)
        {
            throw new IOException("The connection is gone");
        }
    }

    private async ValueTask DelayAsync(int milliseconds)
    {
        if (milliseconds > 0)
        {
            await FlushAsync();
            await Task.Delay(milliseconds, _gone);
        }
    }

    private void End(Outcome outcome)
    {
        if (record is not null && record.Outcome is Outcome.Pending or Outcome.Completed)
        {
            truth.End(record!, outcome);
        }
    }
}
