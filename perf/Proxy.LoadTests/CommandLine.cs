using System.Globalization;
using Proxy.LoadTests.Profiles;

namespace Proxy.LoadTests;

internal static class CommandLine
{
    public const string Help = """
        Puts load on an HTTP/1.1 server from keep-alive connections, and says what each process spent on a request.

          --target URL             http://HOST:PORT and a path prefix, for example http://127.0.0.1:4000/anthropic
          --scenario NAME          json (2 kB there, one document back) or sse (stream of 200 events); default json
          --connections N          default 64
          --warm-up S              seconds before the window (default 1)
          --seconds S              seconds of the window (default 5)
          --profile FILE           load shape in NBomber's configuration format instead of the three above
          --slow-clients N         N clients more that send a head byte by byte or read no answer; the report's latencies are those of the others
          --max-requests N         ends the window early
          --threads N              threads that serve sockets, 1 or 2 (default 1)
          --key KEY                virtual key, sent as x-litellm-api-key
          --api-key KEY            sent as x-api-key
          --pids NAME=PID,PID…     processes whose CPU time is sampled, may be repeated; "proxy" and "simulator" have columns in the report
          --label NAME --round N   names of the run in the report
          --json                   one line of JSON instead of text

          report FILE…             table of medians from files of such lines

        Exit code 3: some answer was not 200, not complete, or not as long as the first one.
        """;

    public static LoadOptions Parse(string[] arguments)
    {
        Uri? target = null;
        string scenario = "json", label = "";
        string? profile = null, key = null, apiKey = null;
        int connections = 64, threads = 1, round = 0, slowClients = 0;
        double warmUp = 1, seconds = 5;
        long maxRequests = long.MaxValue;
        bool json = false;
        List<ProcessGroup> processes = [];
        for (int i = 0; i < arguments.Length; i++)
        {
            string name = arguments[i];
            if (name == "--json")
            {
                json = true;
                continue;
            }

            if (!name.StartsWith("--", StringComparison.Ordinal) || ++i == arguments.Length)
            {
                throw new LoadException(name.StartsWith("--", StringComparison.Ordinal) ? $"{name}: value missing" : $"{name}: not an option; see --help");
            }

            string value = arguments[i];
            switch (name)
            {
                case "--target": target = ParseTarget(value); break;
                case "--scenario": scenario = value; break;
                case "--connections": connections = (int)Number(name, value, 1, 100_000); break;
                case "--warm-up": warmUp = Number(name, value, 0, 3600); break;
                case "--seconds": seconds = Number(name, value, 0.1, 86_400); break;
                case "--profile": profile = value; break;
                case "--max-requests": maxRequests = (long)Number(name, value, 1, 1e15); break;
                case "--slow-clients": slowClients = (int)Number(name, value, 0, 100_000); break;
                case "--threads": threads = (int)Number(name, value, 1, 2); break;
                case "--key": key = value; break;
                case "--api-key": apiKey = value; break;
                case "--pids": processes.Add(ParseGroup(value)); break;
                case "--label": label = value; break;
                case "--round": round = (int)Number(name, value, 0, 1e6); break;
                default: throw new LoadException($"{name}: not an option; see --help");
            }
        }

        return new LoadOptions
        {
            Target = target ?? throw new LoadException("--target is missing; see --help"),
            Scenario = scenario,
            Shape = profile is not null
                ? LoadProfile.Read(profile, scenario)
                : LoadShape.Constant(connections, TimeSpan.FromSeconds(warmUp), TimeSpan.FromSeconds(seconds)),
            Threads = threads,
            SlowClients = slowClients,
            MaxRequests = maxRequests,
            Processes = processes,
            GatewayKey = key,
            ApiKey = apiKey,
            Label = label,
            Round = round,
            Json = json,
        };
    }

    private static Uri ParseTarget(string value) =>
        Uri.TryCreate(value, UriKind.Absolute, out Uri? uri) && uri.Scheme == Uri.UriSchemeHttp && uri.Query.Length == 0
            ? uri
            : throw new LoadException($"--target {value}: expected http://HOST:PORT/PREFIX");

    private static ProcessGroup ParseGroup(string value)
    {
        string[] parts = value.Split('=');
        List<int> ids = [];
        foreach (string id in parts.Length == 2 ? parts[1].Split(',', StringSplitOptions.RemoveEmptyEntries) : [])
        {
            ids.Add((int)Number("--pids", id, 1, int.MaxValue));
        }

        return ids.Count > 0 ? new ProcessGroup(parts[0], ids) : throw new LoadException($"--pids {value}: expected NAME=PID,PID");
    }

    private static double Number(string name, string value, double low, double high) =>
        double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) && number >= low && number <= high
            ? number
            : throw new LoadException($"{name} {value}: expected a number from {low} to {high}");
}
