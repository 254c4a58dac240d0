using System.Globalization;
using Proxy.Simulator.Scripting;

namespace Proxy.Simulator;

/// <summary>Options of the program; every x-sim field is one too, as the default of all answers.</summary>
internal static class CommandLine
{
    public const string Help = """
        Simulates api.anthropic.com on 127.0.0.1.

          --http-port N            plain-text port (default 9080; 0 = any free; off = none)
          --https-port N           TLS port (default 9443; 0 = any free; off = none)
          --ca-dir DIR             where ca.pem is written (default: a temporary directory)
          --host NAME              name or address in the certificate, may be repeated (default localhost, api.anthropic.com, 127.0.0.1)
          --no-auth                answer requests without credentials too
          --no-tools               never answer with a tool call: bodies are not looked into
          --truth N                answers kept in the truth table (default 1000000; 0 = off)
          --requests N             requests kept with head and body hash (default 4096; 0 = off)
          --load                   short for --no-tools --truth 0 --requests 0
          --FIELD VALUE            default of the request field x-sim-FIELD, for example --pace-ms 20 --events 100
          --help                   this text
        """;

    public static bool TryParse(string[] arguments, SimulatorOptions options, out string error)
    {
        error = "";
        List<string> hosts = [];
        for (int i = 0; i < arguments.Length; i++)
        {
            string name = arguments[i];
            switch (name)
            {
                case "--no-auth": options.RequireCredentials = false; continue;
                case "--no-tools": options.ToolTurns = false; continue;
                case "--load": (options.ToolTurns, options.TruthCapacity, options.RecordedRequests) = (false, 0, 0); continue;
                default: break;
            }

            if (!name.StartsWith("--", StringComparison.Ordinal) || ++i == arguments.Length)
            {
                error = name.StartsWith("--", StringComparison.Ordinal) ? $"{name}: value missing" : $"{name}: not an option";
                return false;
            }

            string value = arguments[i];
            bool good = name switch
            {
                "--http-port" => TryPort(value, port => options.HttpPort = port),
                "--https-port" => TryPort(value, port => options.HttpsPort = port),
                "--truth" => TryNumber(value, int.MaxValue, count => options.TruthCapacity = count),
                "--requests" => TryNumber(value, int.MaxValue, count => options.RecordedRequests = count),
                "--ca-dir" => (options.CaDirectory = value).Length > 0,
                "--host" => AddHost(hosts, value),
                _ => SimScriptParser.TryApply(options.Defaults, name[2..], value, out error),
            };
            if (!good)
            {
                error = $"{name} {value}: {(error.Length > 0 ? error : "value not understood")}";
                return false;
            }
        }

        options.HostNames = hosts.Count > 0 ? hosts : options.HostNames;
        return true;
    }

    private static bool AddHost(List<string> hosts, string value)
    {
        hosts.Add(value);
        return value.Length > 0;
    }

    private static bool TryPort(string value, Action<int?> set)
    {
        if (value == "off")
        {
            set(null);
            return true;
        }

        return TryNumber(value, 65535, port => set(port));
    }

    private static bool TryNumber(string value, int max, Action<int> set)
    {
        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number > max)
        {
            return false;
        }

        set(number);
        return true;
    }
}
