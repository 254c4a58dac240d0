using System.Globalization;
using System.Text.Json;
using Proxy.Simulator.Usage;

namespace Proxy.Simulator.Scripting;

/// <summary>Reads <c>x-sim-*</c> fields (and the command-line options of the same names) into a script.</summary>
public static class SimScriptParser
{
    private const int MaxTextBytes = 64 << 20;

    /// <summary>False with a message for the caller if the field is unknown or its value is not understood.</summary>
    public static bool TryApply(SimScript script, string name, string value, out string error)
    {
        try
        {
            error = $"x-sim-{name}: value not understood: {value}";
            if (!Apply(script, name, value))
            {
                error = $"x-sim-{name}: no such field";
                return false;
            }

            if (script.Coding != SimCoding.Identity && script.Split is (SimSplit.Utf8 or SimSplit.Usage))
            {
                error = "x-sim-split utf8 and usage look at plain text; they cannot go with x-sim-coding";
                return false;
            }

            error = "";
            return true;
        }
        catch (FormatException exception)
        {
            error = $"x-sim-{name}: {exception.Message}";
            return false;
        }
        catch (JsonException exception)
        {
            error = $"x-sim-{name}: {exception.Message}";
            return false;
        }
    }

    private static bool Apply(SimScript script, string name, string value)
    {
        switch (name)
        {
            case "id": script.Id = value; return true;
            case "nonce": script.Nonce = value; return true;
            case "model": script.Model = value; return true;
            case "stop-reason": script.StopReason = value; return true;
            case "tool": script.Tool = value; return true;
            case "events": script.Events = Number(value, 1_000_000); return true;
            case "text-bytes": script.TextBytes = Number(value, MaxTextBytes); return true;
            case "pings": script.Pings = Number(value, 1_000_000); return true;
            case "comments": script.Comments = Number(value, 1_000_000); return true;
            case "unknown": script.Unknown = Number(value, 1_000_000); return true;
            case "thinking": script.Thinking = Number(value, 1_000_000); return true;
            case "message-deltas": script.MessageDeltas = Math.Max(1, Number(value, 1000)); return true;
            case "pace-ms": script.PaceMs = Number(value, 3_600_000); return true;
            case "first-byte-delay-ms": script.FirstByteDelayMs = Number(value, 3_600_000); return true;
            case "pause-ms": script.PauseMs = Number(value, 3_600_000); return true;
            case "hold": Hold(script, value); return true;
            case "status": script.Status = Number(value, 599, 200); return true;
            case "retry-after": script.RetryAfter = Number(value, int.MaxValue); return true;
            case "error-event-after": script.ErrorEventAfter = Number(value, int.MaxValue); return true;
            case "cut-after": script.CutAfter = Number(value, int.MaxValue); return true;
            case "cut-after-events": script.CutAfterEvents = Number(value, int.MaxValue); return true;
            case "cut": script.Cut = Word<SimCut>(value); return true;
            case "early": script.Early = value.ToUpperInvariant() is "TRUE" or "1" ? SimEarly.Json : Word<SimEarly>(value); return true;
            case "trickle": Trickle(script, value); return true;
            case "split": script.Split = Word<SimSplit>(value); return true;
            case "coding": script.Coding = value is "br" ? SimCoding.Brotli : Word<SimCoding>(value); return true;
            case "framing": script.Framing = Word<SimFraming>(value); return true;
            case "surplus": script.SurplusBytes = Number(value, 1 << 20); return true;
            case "interim": script.Interim = [.. value.Split(',').Select(code => Number(code.Trim(), 199, 100))]; return true;
            case "field": script.Fields = [.. script.Fields, Field(value)]; return true;
            case "trailers": script.Trailers = [.. value.Split(';', StringSplitOptions.TrimEntries).Select(Field)]; return true;
            case "usage": script.Usage = SimUsageReader.Parse(value); return true;
            case "seed": script.Seed = long.Parse(value, CultureInfo.InvariantCulture); return true;
            case "delta-usage": script.DeltaUsage = Word<SimDeltaUsage>(value); return true;
            default: return false;
        }
    }

    private static int Number(string value, int max, int min = 0)
    {
        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number < min || number > max)
        {
            throw new FormatException($"expected a number from {min} to {max}, got '{value}'");
        }

        return number;
    }

    private static T Word<T>(string value)
        where T : struct, Enum
    {
        // Enum.TryParse also takes numbers, which are no part of the grammar.
        if (value.Length == 0 || !char.IsAsciiLetter(value[0]) || !Enum.TryParse(value, ignoreCase: true, out T word))
        {
            throw new FormatException($"expected one of {string.Join(", ", Enum.GetNames<T>()).ToLowerInvariant()}, got '{value}'");
        }

        return word;
    }

    private static void Hold(SimScript script, string value)
    {
        int at = value.LastIndexOf('@');
        script.Hold = at < 0 ? value : value[..at];
        script.HoldBefore = at < 0 ? 0 : Number(value[(at + 1)..], int.MaxValue, 1);
    }

    private static void Trickle(SimScript script, string value)
    {
        int comma = value.IndexOf(',', StringComparison.Ordinal);
        script.TrickleBytes = Number(comma < 0 ? value : value[..comma], int.MaxValue, 1);
        script.TrickleMs = comma < 0 ? 1 : Number(value[(comma + 1)..].Trim(), 3_600_000);
    }

    private static KeyValuePair<string, string> Field(string value)
    {
        int colon = value.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0)
        {
            throw new FormatException("expected 'Name: value'");
        }

        return new(value[..colon].Trim(), value[(colon + 1)..].Trim());
    }
}
