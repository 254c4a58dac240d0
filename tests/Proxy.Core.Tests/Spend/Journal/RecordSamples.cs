using System.Globalization;
using System.Reflection;
using System.Text;
using Proxy.Core.Identity;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Spend.Journal;

/// <summary>Records to keep, and all there is in them as text to compare. By reflection, so that a field which the journal forgets fails a test.</summary>
internal static class RecordSamples
{
    /// <summary>Every property set at random, within what an image keeps whole.</summary>
    public static void Fill(SpendRecord record, int seed, int maxIterations = 12)
    {
        Random random = new(seed);
        foreach (PropertyInfo property in Properties())
        {
            if (property.GetValue(record) is TextField text)
            {
                text.Set(Bytes(random, 0, 40));
            }
            else if (property.SetMethod is { IsPublic: true })
            {
                property.SetValue(record, Value(random, property.PropertyType));
            }
        }

        record.Id = Id(seed);
        record.Flags &= (SpendFlags)127;
        record.DeliveredOutputBytes = random.Next(100_000);
        record.Usage = Usage(random);
        int iterations = random.Next(maxIterations + 1);
        for (int i = 0; i < iterations; i++)
        {
            IterationUsage iteration = record.AddIteration();
            iteration.Kind = (IterationKind)random.Next(5);
            iteration.Model.Set(Bytes(random, 0, 20));
            iteration.Usage = Usage(random);
        }
    }

    /// <summary>A small record, each told from any other and from its own other versions.</summary>
    public static void FillSimple(SpendRecord record, int number, int version = 0)
    {
        record.Id = Id(number);
        record.StartedAtUnixMs = 1_800_000_000_000 + number;
        record.Route = "anthropic";
        record.Status = 200;
        record.Usage.InputTokens = version;
        record.Usage.OutputTokens = version * 3;
        record.ResponseBodyBytes = version * 7;
    }

    // Version 7 UUIDs begin with the time: their order is that of the numbers.
    public static Guid Id(int number) => Guid.Parse($"01990000-{(uint)number >> 28:x4}-7{(number >> 16) & 0xfff:x3}-8000-{(uint)number:x12}");

    public static string Describe(SpendRecord record)
    {
        StringBuilder text = new();
        foreach (PropertyInfo property in Properties())
        {
            text.Append(property.Name).Append('=').AppendLine(property.GetValue(record) switch
            {
                TextField field => Convert.ToHexString(field.Bytes),
                KeyIdentity key => $"{key.KeyHash}|{key.Alias ?? "-"}|{key.TeamId ?? "-"}|{key.UserId ?? "-"}",
                IFormattable value => value.ToString(null, CultureInfo.InvariantCulture),
                object other => other.ToString(),
                null => "-",
            });
        }

        text.AppendLine(record.Usage.ToString());
        for (int i = 0; i < record.IterationCount; i++)
        {
            IterationUsage iteration = record.Iteration(i);
            text.AppendLine($"{iteration.Kind}|{iteration.Model}|{iteration.Usage}");
        }

        return text.ToString();
    }

    private static PropertyInfo[] Properties() => typeof(SpendRecord).GetProperties(BindingFlags.Public | BindingFlags.Instance);

    private static object? Value(Random random, Type type) =>
        type == typeof(Guid) ? Guid.Empty
        : type == typeof(long) ? Long(random)
        : type == typeof(int) ? random.Next(600)
        : type == typeof(bool) ? random.Next(2) == 0
        : type == typeof(string) ? Text(random, 20)
        : type == typeof(KeyIdentity) ? (random.Next(4) == 0 ? null : MakeCaller(random))
        : type.IsEnum ? Enum.GetValues(type).GetValue(random.Next(Enum.GetValues(type).Length))
        : throw new InvalidOperationException($"{type} is new here");

    private static KeyIdentity MakeCaller(Random random) => new(
        Convert.ToHexStringLower(Bytes(random, 32, 32)),
        random.Next(3) == 0 ? null : Text(random, 30),
        random.Next(3) == 0 ? null : Text(random, 40),
        random.Next(3) == 0 ? null : Text(random, 60));

    private static UsageCounters Usage(Random random) => new()
    {
        InputTokens = Count(random),
        CacheReadInputTokens = Count(random),
        CacheCreationInputTokens = Count(random),
        CacheCreation5mInputTokens = Count(random),
        CacheCreation1hInputTokens = Count(random),
        OutputTokens = Count(random),
        ThinkingTokens = Count(random),
        WebSearchRequests = Count(random),
        WebFetchRequests = Count(random),
        ServiceTier = (ServiceTier)random.Next(5),
        Speed = (Speed)random.Next(4),
        InferenceGeo = (InferenceGeo)random.Next(4),
    };

    private static long Count(Random random) => random.Next(3) == 0 ? 0 : random.NextInt64(1L << random.Next(1, 63));

    private static long Long(Random random) => random.Next(3) switch
    {
        0 => random.Next(3) - 1,
        1 => random.Next(100_000),
        _ => random.NextInt64(long.MinValue, long.MaxValue),
    };

    // Cut at the field's capacity anyway; and any byte may come from a client.
    private static byte[] Bytes(Random random, int min, int max)
    {
        byte[] bytes = new byte[random.Next(min, max + 1)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static string Text(Random random, int maxLength)
    {
        string[] characters = ["a", "Z", "7", "-", "ü", "€", "😀"];
        StringBuilder text = new();
        for (int i = random.Next(maxLength / 4 + 1); i > 0; i--)
        {
            text.Append(characters[random.Next(characters.Length)]);
        }

        return text.ToString();
    }
}
