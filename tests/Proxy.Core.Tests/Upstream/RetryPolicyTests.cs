using Proxy.Core.Http1;
using Proxy.Core.Upstream;

namespace Proxy.Core.Tests.Upstream;

/// <summary>http-rules row 57: an inference is never run twice.</summary>
public sealed class RetryPolicyTests
{
    private const bool Reused = true, Fresh = false, Replayable = true, Gone = false;

    [Theory]
    [InlineData("a POST of which nothing left on a stale connection", Reused, 0, 0, Replayable, MethodId.Post, 1, true)]
    [InlineData("an unknown method of which nothing left on a stale connection", Reused, 0, 0, Replayable, MethodId.Other, 1, true)]
    [InlineData("a POST of which one byte left", Reused, 1, 0, Replayable, MethodId.Post, 1, false)]
    [InlineData("a PUT that left", Reused, 100, 0, Replayable, MethodId.Put, 1, false)]
    [InlineData("a PATCH that left", Reused, 100, 0, Replayable, MethodId.Patch, 1, false)]
    [InlineData("a DELETE that left", Reused, 100, 0, Replayable, MethodId.Delete, 1, false)]
    [InlineData("an OPTIONS that left", Reused, 100, 0, Replayable, MethodId.Options, 1, false)]
    [InlineData("an unknown method that left", Reused, 100, 0, Replayable, MethodId.Other, 1, false)]
    [InlineData("a GET that left on a stale connection", Reused, 100, 0, Replayable, MethodId.Get, 1, true)]
    [InlineData("a HEAD that left on a stale connection", Reused, 100, 0, Replayable, MethodId.Head, 1, true)]
    [InlineData("a GET that saw a response byte", Reused, 100, 1, Replayable, MethodId.Get, 1, false)]
    [InlineData("a response to nothing", Reused, 0, 1, Replayable, MethodId.Post, 1, false)]
    [InlineData("a GET on a fresh connection", Fresh, 100, 0, Replayable, MethodId.Get, 1, false)]
    [InlineData("a POST of which nothing left on a fresh connection", Fresh, 0, 0, Replayable, MethodId.Post, 1, false)]
    [InlineData("a POST whose body is gone", Reused, 0, 0, Gone, MethodId.Post, 1, false)]
    [InlineData("a GET whose head is gone", Reused, 100, 0, Gone, MethodId.Get, 1, false)]
    [InlineData("a GET a second time", Reused, 100, 0, Replayable, MethodId.Get, 2, false)]
    [InlineData("a POST of which nothing left, a second time", Reused, 0, 0, Replayable, MethodId.Post, 2, false)]
    public void A_request_is_sent_again_only_when_it_cannot_run_twice(
        string row, bool isReused, long bytesSent, long responseBytes, bool isReplayable, MethodId method, int attempt, bool expected) =>
        Assert.True(expected == RetryPolicy.MayRetry(isReused, bytesSent, responseBytes, isReplayable, method, attempt), row);
}
