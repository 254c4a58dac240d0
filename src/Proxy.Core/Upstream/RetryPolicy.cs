using Proxy.Core.Http1;

namespace Proxy.Core.Upstream;

/// <summary>
/// May a request whose connection died without an answer be sent once more, on a fresh connection? (http-rules.md row 57, RFC 9112 §9.3.1)
/// </summary>
public static class RetryPolicy
{
    /// <param name="isReused">The connection had carried an earlier request, so its death may have raced with this one.</param>
    /// <param name="bytesSent">Bytes of this request that the operating system took.</param>
    /// <param name="responseBytes">Bytes of a response that were seen.</param>
    /// <param name="isReplayable">The whole request is still at hand.</param>
    /// <param name="attempt">Attempts made so far, this one included.</param>
    public static bool MayRetry(bool isReused, long bytesSent, long responseBytes, bool isReplayable, MethodId method, int attempt)
    {
        if (!isReused || !isReplayable || responseBytes > 0 || attempt > 1)
        {
            return false;
        }

        // A POST that may have been seen could run an inference twice.
        return bytesSent == 0 || method is MethodId.Get or MethodId.Head;
    }
}
