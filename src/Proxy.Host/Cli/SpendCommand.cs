using System.Globalization;
using System.Text.Json.Nodes;

namespace Proxy.Host.Cli;

/// <summary><c>tollway spend …</c></summary>
internal static class SpendCommand
{
    public const string Usage =
        """
        usage: tollway spend [--by key|team|user|model|session|payer|day] [--since 2026-11-01] [--until 2026-11-30] [--csv | --json] [--config FILE]

        Adds up the ledger, by key and for the last 30 days unless told otherwise. Days are UTC. COMPANY is what left with the company's key, CLIENT
        what clients paid with their own.
        """;

    private static readonly string[] Counts = ["requests", "failed", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"];
    private static readonly string[] Amounts = ["cost_usd", "company_usd", "client_usd"];

    public static readonly IReadOnlySet<string> Options = new HashSet<string>(StringComparer.Ordinal) { "by", "since", "until" };

    public static async Task<int> RunAsync(Arguments arguments, AdminClient admin, CommandContext context)
    {
        arguments.NoMore(1);
        if (arguments.Has("csv") && arguments.Has("json"))
        {
            throw new UsageException("--csv and --json exclude each other");
        }

        string by = arguments.Find("by") ?? "key";
        string path = $"/spend/report?by={Uri.EscapeDataString(by)}";
        foreach (string option in new[] { "since", "until" })
        {
            path += arguments.Find(option) is { } value ? $"&{option}={Uri.EscapeDataString(value)}" : "";
        }

        JsonNode report = await admin.GetAsync(path);
        if (arguments.Has("json"))
        {
            await context.Output.WriteLineAsync(report.ToJsonString());
            return ExitCode.Ok;
        }

        bool csv = arguments.Has("csv");
        Table table = csv
            ? new Table(by, "name", "requests", "failed", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "cost_usd", "company_usd", "client_usd")
            : new Table(by.ToUpperInvariant(), "NAME", "REQUESTS", "FAILED", "INPUT", "CACHE READ", "CACHE WRITE", "OUTPUT", "COST USD", "COMPANY", "CLIENT").Numbers(2, 3, 4, 5, 6, 7, 8, 9, 10);
        foreach (JsonNode? row in report["rows"]!.AsArray())
        {
            string group = Fields.Text(row, "group");
            table.Add(
            [
                !csv && by == "key" && group.Length == 64 ? group[..12] : group.Length == 0 && !csv ? "-" : group, Fields.Text(row, "name"),
                .. Counts.Select(name => row![name]!.GetValue<long>().ToString(CultureInfo.InvariantCulture)),
                .. Amounts.Select(name => csv ? row![name]!.GetValue<decimal>().ToString(CultureInfo.InvariantCulture) : Fields.Usd(row, name)),
            ]);
        }

        await (csv ? table.WriteCsvAsync(context.Output) : table.WriteAsync(context.Output));
        return ExitCode.Ok;
    }
}
