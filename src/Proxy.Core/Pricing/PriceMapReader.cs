using System.Globalization;
using System.Text.Json;
using Proxy.Core.Metering;

namespace Proxy.Core.Pricing;

/// <summary>Reads LiteLLM's price map with our <c>x_</c> notes. Off the hot path.</summary>
internal static class PriceMapReader
{
    // LiteLLM's file starts with an entry that explains the fields, at prices of 0.
    private const string Template = "sample_spec";

    private const string FreeRefusalsName = "x_free_refusals";

    private const decimal PicoPerUsd = 1_000_000_000_000m;
    private const decimal DefaultWebSearchUsd = 0.01m;

    // One USD a token: anything above is a slip in the units. Keeps all sums far from the limits of 128 bits.
    private const decimal LargestRateUsd = 1m;
    private const decimal LargestMultiplier = 100m;

    /// <param name="freeRefusals">Which refusals cost nothing.</param>
    /// <param name="latestDate">The newest date in the data's notes, empty when there is none.</param>
    public static List<ModelPrice> Read(ReadOnlySpan<byte> utf8Json, out string latestDate, out FreeRefusals freeRefusals)
    {
        latestDate = "";
        freeRefusals = FreeRefusals.All;
        JsonReaderOptions lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
        Utf8JsonReader reader = new(utf8Json, lenient);
        using JsonDocument document = ParseDocument(ref reader);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException("The price map is not a JSON object of models.");
        }

        // Of a model that stands there twice the last entry counts.
        Dictionary<string, ModelPrice> models = new(StringComparer.Ordinal);
        foreach (JsonProperty model in document.RootElement.EnumerateObject())
        {
            if (model.Name == Template)
            {
                continue;
            }

            if (model.Name == FreeRefusalsName)
            {
                freeRefusals = ReadFreeRefusals(model.Value);
                continue;
            }

            if (model.Value.ValueKind != JsonValueKind.Object)
            {
                throw new FormatException($"Price of {model.Name}: is not a JSON object.");
            }

            ModelPriceBuilder builder = ReadModel(model, ref latestDate);

            // Maps of all providers also hold image, audio and embedding models: without both token rates there is nothing to charge by.
            if (builder.IsPriced)
            {
                models[model.Name] = builder.Build();
            }
        }

        return [.. models.Values];
    }

    private static FreeRefusals ReadFreeRefusals(JsonElement categories)
    {
        List<string> read = [];
        if (categories.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement category in categories.EnumerateArray())
            {
                read.Add(category.ValueKind == JsonValueKind.String ? category.GetString()! : throw NoCategories());
            }

            return new FreeRefusals(read);
        }

        throw NoCategories();
    }

    private static FormatException NoCategories() => new($"{FreeRefusalsName} is not an array of categories.");

    private static JsonDocument ParseDocument(ref Utf8JsonReader reader)
    {
        try
        {
            JsonDocument document = JsonDocument.ParseValue(ref reader);
            if (reader.Read())
            {
                document.Dispose();
                throw new FormatException("The price map goes on after its end.");
            }

            return document;
        }
        catch (JsonException e)
        {
            throw new FormatException($"The price map is not JSON: {e.Message}", e);
        }
    }

    private static ModelPriceBuilder ReadModel(JsonProperty model, ref string latestDate)
    {
        ModelPriceBuilder builder = new(model.Name) { WebSearchPicoUsd = (long)(DefaultWebSearchUsd * PicoPerUsd) };
        bool hasMaxOutput = false;
        foreach (JsonProperty field in model.Value.EnumerateObject())
        {
            switch (field.Name)
            {
                case "provider_specific_entry":
                    ReadMultipliers(model.Name, field, builder);
                    break;

                case "search_context_cost_per_query":
                    ReadWebSearch(model.Name, field, builder);
                    break;

                case "max_output_tokens" when TryReadCount(field, out long tokens):
                    builder.MaxOutputTokens = tokens;
                    hasMaxOutput = true;
                    break;

                case "max_tokens" when !hasMaxOutput && TryReadCount(field, out long tokens):
                    builder.MaxOutputTokens = tokens;
                    break;

                case "x_price_history":
                    ReadHistory(model.Name, field, builder);
                    break;

                case "x_fast_until":
                    // The day itself is still included.
                    builder.FastEndsUnixMs = ReadDate(model.Name, field) + (long)TimeSpan.FromDays(1).TotalMilliseconds;
                    break;

                case "x_fast":
                    builder.IsFastPriceMissing = true;
                    break;

                case "x_released" or "x_source":
                    NoteDates(field.Value, ref latestDate);
                    break;

                default:
                    if (TryReadRate(model.Name, field, out RateName name, out long rate))
                    {
                        builder.SetRate(name, rate);
                    }

                    break;
            }
        }

        return builder;
    }

    /// <summary>A count of tokens; maps of all providers hold texts in its place for models that are none of ours.</summary>
    private static bool TryReadCount(JsonProperty field, out long count)
    {
        count = 0;
        return field.Value.ValueKind == JsonValueKind.Number && field.Value.TryGetInt64(out count) && count > 0;
    }

    private static bool TryReadRate(string model, JsonProperty field, out RateName name, out long rate)
    {
        rate = 0;
        if (!RateName.TryParse(System.Text.Encoding.UTF8.GetBytes(field.Name), out name) || field.Value.ValueKind == JsonValueKind.Null)
        {
            return false;
        }

        rate = (long)decimal.Round(ReadNumber(model, field, LargestRateUsd) * PicoPerUsd, MidpointRounding.AwayFromZero);
        return true;
    }

    private static void ReadMultipliers(string model, JsonProperty entry, ModelPriceBuilder builder)
    {
        if (entry.Value.ValueKind == JsonValueKind.Null)
        {
            return;
        }

        RequireKind(model, entry, JsonValueKind.Object);
        foreach (JsonProperty field in entry.Value.EnumerateObject())
        {
            if (field.Name is "fast" or "us")
            {
                decimal thousandths = ReadNumber(model, field, LargestMultiplier) * ModelPrice.One;
                if (thousandths != decimal.Truncate(thousandths))
                {
                    throw Wrong(model, field.Name, "has more than three decimals");
                }

                if (field.Name == "fast")
                {
                    builder.FastMultiplier = (int)thousandths;
                }
                else
                {
                    builder.UsMultiplier = (int)thousandths;
                }
            }
        }
    }

    private static void ReadWebSearch(string model, JsonProperty entry, ModelPriceBuilder builder)
    {
        if (entry.Value.ValueKind == JsonValueKind.Null)
        {
            return;
        }

        RequireKind(model, entry, JsonValueKind.Object);

        // Anthropic has one price; where a map has three, the dearest is never too little.
        decimal? dearest = null;
        foreach (JsonProperty field in entry.Value.EnumerateObject())
        {
            if (field.Name.StartsWith("search_context_size_", StringComparison.Ordinal))
            {
                dearest = Math.Max(dearest ?? 0, ReadNumber(model, field, LargestRateUsd));
            }
        }

        if (dearest is { } usd)
        {
            builder.WebSearchPicoUsd = (long)(usd * PicoPerUsd);
        }
    }

    private static void ReadHistory(string model, JsonProperty history, ModelPriceBuilder builder)
    {
        RequireKind(model, history, JsonValueKind.Array);
        foreach (JsonElement entry in history.Value.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.Object)
            {
                throw Wrong(model, history.Name, "holds something that is not a JSON object");
            }

            PriceChange change = new();
            foreach (JsonProperty field in entry.EnumerateObject())
            {
                if (field.Name == "from")
                {
                    change.FromUnixMs = ReadDate(model, field);
                }
                else if (field.Name == "until")
                {
                    change.UntilUnixMs = ReadDate(model, field);
                }
                else if (TryReadRate(model, field, out RateName name, out long rate))
                {
                    change.Rates[name] = rate;
                }
                else if (!field.Name.StartsWith("x_", StringComparison.Ordinal))
                {
                    // A misspelt field here would charge the wrong price for years without a word.
                    throw Wrong(model, $"{history.Name}.{field.Name}", "is no rate");
                }
            }

            builder.AddChange(change);
        }
    }

    private static decimal ReadNumber(string model, JsonProperty field, decimal largest)
    {
        if (field.Value.ValueKind != JsonValueKind.Number || !field.Value.TryGetDecimal(out decimal value))
        {
            throw Wrong(model, field.Name, "is not a number");
        }

        return value >= 0 && value <= largest
            ? value
            : throw Wrong(model, field.Name, $"is not between 0 and {largest.ToString(CultureInfo.InvariantCulture)}");
    }

    /// <summary>Midnight UTC, as Unix milliseconds.</summary>
    private static long ReadDate(string model, JsonProperty field) =>
        field.Value.ValueKind == JsonValueKind.String
        && DateOnly.TryParseExact(
            field.Value.GetString(), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly date)
            ? new DateTimeOffset(date, TimeOnly.MinValue, TimeSpan.Zero).ToUnixTimeMilliseconds()
            : throw Wrong(model, field.Name, "is not a date like 2026-10-07");

    private static void NoteDates(JsonElement note, ref string latestDate)
    {
        if (note.ValueKind != JsonValueKind.String)
        {
            return;
        }

        string text = note.GetString()!;
        for (int i = 0; i + 10 <= text.Length; i++)
        {
            string candidate = text.Substring(i, 10);
            if (DateOnly.TryParseExact(candidate, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _)
                && string.CompareOrdinal(candidate, latestDate) > 0)
            {
                latestDate = candidate;
            }
        }
    }

    private static void RequireKind(string model, JsonProperty field, JsonValueKind kind)
    {
        if (field.Value.ValueKind != kind)
        {
            throw Wrong(model, field.Name, $"is not a JSON {(kind == JsonValueKind.Array ? "array" : "object")}");
        }
    }

    private static FormatException Wrong(string model, string field, string what) => new($"Price of {model}: {field} {what}.");
}
