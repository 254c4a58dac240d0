using Proxy.Simulator.Scripting;

namespace Proxy.Simulator.Usage;

/// <summary>Usage drawn from a seed: the same seed gives the same numbers always, so a load run can be checked to the token.</summary>
public static class SimUsageSeed
{
    public static SimUsage Create(long seed, string model)
    {
        Random random = new(HashCode(seed));
        long fiveMinutes = random.Next(0, 4) == 0 ? 0 : random.Next(0, 20_000);
        long oneHour = random.Next(0, 3) == 0 ? random.Next(0, 20_000) : 0;
        long output = random.Next(1, 8_000);
        SimUsage usage = new()
        {
            InputTokens = random.Next(1, 50_000),
            CacheReadInputTokens = random.Next(0, 200_000),
            CacheCreationInputTokens = fiveMinutes + oneHour + (random.Next(0, 16) == 0 ? random.Next(1, 500) : 0),
            Ephemeral5mInputTokens = fiveMinutes,
            Ephemeral1hInputTokens = oneHour,
            OutputTokens = output,
            ThinkingTokens = random.Next(0, 3) == 0 ? random.NextInt64(0, output) : null,
            WebSearchRequests = random.Next(0, 8) == 0 ? random.Next(1, 6) : null,
            ServiceTier = random.Next(0, 10) == 0 ? "priority" : "standard",
            Speed = random.Next(0, 12) == 0 ? "fast" : null,
            InferenceGeo = random.Next(0, 8) == 0 ? "us" : "not_available",
        };
        return random.Next(0, 6) == 0 ? WithIterations(usage, model, random) : usage;
    }

    public static SimDeltaUsage Style(long seed) => (SimDeltaUsage)((uint)HashCode(~seed) % 3);

    private static SimUsage WithIterations(SimUsage usage, string model, Random random)
    {
        // The top level is the sum of the message iterations; what compaction and the advisor used is only in their own entries.
        SimIteration message = new()
        {
            Model = model,
            InputTokens = usage.InputTokens,
            CacheReadInputTokens = usage.CacheReadInputTokens,
            CacheCreationInputTokens = usage.CacheCreationInputTokens,
            Ephemeral5mInputTokens = usage.Ephemeral5mInputTokens,
            Ephemeral1hInputTokens = usage.Ephemeral1hInputTokens,
            OutputTokens = usage.OutputTokens,
        };
        SimIteration other = new()
        {
            Type = random.Next(0, 2) == 0 ? "compaction" : "advisor_message",
            InputTokens = random.Next(1, 100_000),
            OutputTokens = random.Next(1, 4_000),
        };
        return usage with { Iterations = [message, other.Type == "compaction" ? other : other with { Model = "claude-opus-5-5" }] };
    }

    // Neighbouring seeds of System.Random give related sequences; a multiplicative mix separates them.
    private static int HashCode(long seed) => (int)((ulong)seed * 0x9E3779B97F4A7C15 >> 33);
}
