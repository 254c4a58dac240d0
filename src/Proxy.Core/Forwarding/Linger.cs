using System.IO.Pipelines;

namespace Proxy.Core.Forwarding;

/// <summary>
/// The orderly end: says that no more will come, and reads and throws away what nobody will serve. Off the hot path, so these are async
/// methods of their own. Owned by the connection's task.
/// </summary>
internal sealed class Linger(
    PipeReader input, IDeadlineClock clock, Deadlines deadlines, UpstreamLease lease, TurnBudget turn, IHalfClose? halfClose)
{
    /// <summary>
    /// How long the sender of a malformed head may pause where only the close tells it that no more will come; most have sent all of it
    /// already.
    /// </summary>
    private static readonly TimeSpan HeadLinger = TimeSpan.FromMilliseconds(500);

    /// <summary>Says that no more will come, where that can be said while the client is still read.</summary>
    public async ValueTask<bool> TryShutdownSendAsync()
    {
        if (halfClose is null || lease.IsClientGone)
        {
            return false;
        }

        deadlines.Arm(DeadlineKind.ClientRead);
        bool ended = await halfClose.TryShutdownSendAsync();
        deadlines.Disarm();
        return ended;
    }

    /// <summary>
    /// Behind an answer: reads the rest of an unwanted body, so that it is never taken for the next request, and behind the last answer
    /// whatever comes until the client ends too, so that the answer is not lost to a reset (RFC 9112 §9.6). Bounded in time.
    /// </summary>
    /// <param name="body">Follows the unwanted body.</param>
    /// <param name="isBodyLeft">There is one.</param>
    /// <param name="isLast">The connection ends behind the answer.</param>
    /// <param name="isMalformed">There is no framing to follow.</param>
    /// <returns>True when the connection can go on.</returns>
    public async Task<bool> DiscardAsync(Upload body, bool isBodyLeft, bool isLast, bool isMalformed, GatewayLimits limits)
    {
        // A client that waits for the end need not wait for ours.
        bool halfClosed = isLast && await TryShutdownSendAsync();
        if (!isBodyLeft && !halfClosed && !isMalformed)
        {
            return !isLast;
        }

        TimeSpan pause = halfClosed || !isMalformed ? limits.LingerTimeout : HeadLinger;
        long begun = clock.NowMs;

        // A refusal is read when the body has been sent: an announced one is read on for as long as it comes steadily.
        long announced = !isBodyLeft ? 0 : body.Remaining >= 0 ? body.Remaining : limits.MaxRequestBody;
        long received = 0;
        bool isOver = false;
        bool isWhole = false;
        while (!isWhole && !isOver && !lease.IsClientGone)
        {
            deadlines.Arm(DeadlineKind.Linger, pause);
            ReadResult read = await input.ReadAsync();
            long taken = read.Buffer.Length;
            isWhole = isBodyLeft && !halfClosed && body.Discard(read.Buffer, out taken);
            RequestHeadReader.Wipe(read.Buffer.Slice(0, taken));
            input.AdvanceTo(read.Buffer.GetPosition(taken));
            received += taken;
            long passed = clock.NowMs - begun;
            bool isSteady = received <= announced && limits.IsSteady(received, passed);
            isOver = read.IsCompleted
                || deadlines.Expired == DeadlineKind.Linger
                || (passed >= (long)limits.LongestLinger.TotalMilliseconds && !isSteady);
            deadlines.ClearExpired();
            if (turn.Spend(taken))
            {
                await turn.YieldAsync();
            }
        }

        deadlines.Disarm();
        return isWhole && !isLast && !lease.IsClientGone;
    }
}
