namespace Proxy.Host.Admin;

/// <summary>One row of a report: the values it is grouped by, and what adds up.</summary>
internal sealed record SpendSum(string[] Groups, long Requests, long Failed, long Input, long CacheRead, long CacheWrite, long Output, long Cost)
{
    /// <summary>As LiteLLM counts a prompt: fresh, read from the cache and written to it.</summary>
    public long Prompt => Input + CacheRead + CacheWrite;

    public long Total => Prompt + Output;
}
