using System.Text.Json;
using Proxy.Core.Admission;
using Proxy.Core.Forwarding;
using Proxy.Core.Http1;
using Proxy.Core.Pricing;
using Proxy.Core.Upstream;
using Proxy.Host.Composition;
using Proxy.Host.Storage;

namespace Proxy.Host.Configuration;

/// <summary>Reads, overlays and validates the configuration; reports all problems at once.</summary>
internal static class ConfigurationLoader
{
    private const string Prefix = "TOLLWAY__";

    /// <exception cref="ConfigurationException"/>
    public static GatewayConfiguration Load(ConfigurationSource source)
    {
        List<string> problems = [];
        List<string> warnings = [];
        SectionReader root = new(Read(source, problems), "", problems);

        IReadOnlyList<ListenAddress> listen = ReadListen(root);
        TlsConfiguration? tls = ReadTls(root.Section("tls"));
        if (tls is null && listen.Any(address => address.UseTls))
        {
            root.Problem("tls", "an https:// address in listen needs tls.certificate and tls.key (PEM files)");
        }

        foreach (ListenAddress address in listen)
        {
            if (!address.UseTls && !address.IsLoopback)
            {
                warnings.Add($"listen: {address} carries credentials in clear text beyond this machine; use https:// or a TLS terminator in front of it");
            }
        }

        string state = root.Text("stateDirectory") ?? source.StateDirectory();
        SectionReader upstream = root.Section("upstream");
        GatewayConfiguration defaults = new() { LedgerPath = "" };
        GatewayConfiguration configuration = new()
        {
            Listen = listen,
            Tls = tls,
            Routes = RouteReader.Read(root, source, warnings),
            Keys = KeyReader.Read(root),
            AdminKeyHash = KeyReader.ReadAdminKey(root, source),
            Limits = ReadLimits(root.Section("limits")),
            Pool = ReadPool(upstream),
            ConnectTimeout = upstream.Seconds("connectSeconds", defaults.ConnectTimeout, 300),
            TlsTimeout = upstream.Seconds("tlsSeconds", defaults.TlsTimeout, 300),
            NameLifetime = upstream.Seconds("nameSeconds", defaults.NameLifetime, 86_400),
            Prices = ReadPrices(root.Section("prices")),
            Transport = ReadTransport(root.Section("transport")),
            LogLevel = ReadLogLevel(root.Section("logging")),
            Admin = AdminReader.Read(root.Section("admin"), source, state),
            Drain = root.Seconds("drainSeconds", defaults.Drain),
            Ledger = ReadLedger(root.Section("ledger"), state, out string ledgerPath),
            LedgerPath = ledgerPath,
            Warnings = warnings,
        };
        upstream.Finish();
        root.Finish();
        return problems.Count == 0 ? configuration : throw new ConfigurationException(problems);
    }

    private static IConfigurationRoot Read(ConfigurationSource source, List<string> problems)
    {
        ConfigurationBuilder builder = new();
        if (source.File is not null)
        {
            try
            {
                byte[] bytes = File.ReadAllBytes(source.File);
                using (JsonDocument document = JsonDocument.Parse(bytes, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true }))
                {
                    if (document.RootElement.ValueKind != JsonValueKind.Object)
                    {
                        throw new ConfigurationException([$"{source.File}: must be one JSON object"]);
                    }
                }

                builder.AddJsonStream(new MemoryStream(bytes));
            }
            catch (JsonException fault)
            {
                // Its own message can quote the line, and the line may hold a key: only the place is repeated.
                throw new ConfigurationException([$"{source.File}: is not JSON at line {fault.LineNumber + 1}, byte {fault.BytePositionInLine + 1}"]);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                throw new ConfigurationException([$"{source.File}: cannot be read: {fault.Message}"]);
            }
        }

        Dictionary<string, string?> overlay = new(StringComparer.OrdinalIgnoreCase);
        foreach ((string name, string value) in source.Environment)
        {
            if (name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && name.Length > Prefix.Length)
            {
                overlay[name[Prefix.Length..].Replace("__", ":", StringComparison.Ordinal)] = value;
            }
        }

        builder.AddInMemoryCollection(overlay);
        try
        {
            return builder.Build();
        }
        catch (Exception fault) when (fault is FormatException or InvalidDataException)
        {
            // The file is JSON, so what is left is a key that is there twice; the message names the key only.
            problems.Add($"{source.File}: {fault.Message}");
            return new ConfigurationBuilder().Build();
        }
    }

    private static IReadOnlyList<ListenAddress> ReadListen(SectionReader root)
    {
        IReadOnlyList<string>? texts = root.Texts("listen");
        if (texts is null)
        {
            return [ListenAddress.Default];
        }

        List<ListenAddress> addresses = [];
        foreach (string text in texts)
        {
            ListenAddress? address = ListenAddress.Parse(text, out string problem);
            if (address is null)
            {
                root.Problem("listen", $"{text}: {problem}");
            }
            else
            {
                addresses.Add(address);
            }
        }

        return addresses;
    }

    private static TlsConfiguration? ReadTls(SectionReader tls)
    {
        string? certificate = tls.Text("certificate");
        string? key = tls.Text("key");
        TimeSpan handshake = tls.Seconds("handshakeSeconds", TimeSpan.FromSeconds(10), 300);
        tls.Finish();
        if (certificate is null && key is null)
        {
            return null;
        }

        foreach ((string name, string? file) in new[] { ("certificate", certificate), ("key", key) })
        {
            if (file is null || !File.Exists(file))
            {
                tls.Problem(name, file is null ? "is missing: a PEM file" : $"there is no file {file}");
            }
        }

        return new TlsConfiguration(certificate ?? "", key ?? "", handshake);
    }

    private static LedgerOptions ReadLedger(SectionReader ledger, string state, out string path)
    {
        LedgerOptions defaults = new();
        path = ledger.Text("path") ?? Path.Combine(state, "ledger.db");
        LedgerOptions options = defaults with
        {
            BatchSize = (int)ledger.Number("batchSize", defaults.BatchSize, 1, 65536),
            JournalPath = ledger.Text("journalPath"),
            MaxInFlight = (int)ledger.Number("maxInFlight", defaults.MaxInFlight, 1, 65535),
            GatherDelay = ledger.Seconds("gatherSeconds", defaults.GatherDelay, 60),
        };
        ledger.Finish();
        return options;
    }

    private static GatewayLimits ReadLimits(SectionReader limits)
    {
        GatewayLimits d = new();
        GatewayLimits read = d with
        {
            RequestHead = new HeadLimits
            {
                MaxStartLine = (int)limits.Number("maxStartLineBytes", d.RequestHead.MaxStartLine, 256, 1 << 20),
                MaxFieldLine = (int)limits.Number("maxFieldLineBytes", d.RequestHead.MaxFieldLine, 256, 1 << 20),
                MaxHead = (int)limits.Number("maxHeadBytes", d.RequestHead.MaxHead, 1024, 1 << 20),
                MaxFields = (int)limits.Number("maxFields", d.RequestHead.MaxFields, 1, FieldTable.Capacity),
            },
            ResponseHead = d.ResponseHead with
            {
                MaxHead = (int)limits.Number("maxResponseHeadBytes", d.ResponseHead.MaxHead, 1024, 1 << 20),
            },
            Chunks = new ChunkLimits
            {
                MaxLine = (int)limits.Number("maxChunkLineBytes", d.Chunks.MaxLine, 16, 1 << 20),
                MaxExtensions = (int)limits.Number("maxChunkExtensionBytes", d.Chunks.MaxExtensions, 0, 1 << 20),
                MaxTrailers = (int)limits.Number("maxTrailerBytes", d.Chunks.MaxTrailers, 0, 1 << 20),
            },
            MaxConnections = (int)limits.Number("maxConnections", d.MaxConnections, 1, int.MaxValue),
            MaxConnectionsPerAddress = (int)limits.Number("maxConnectionsPerAddress", d.MaxConnectionsPerAddress, 1, int.MaxValue),
            FirstByteTimeout = limits.Seconds("firstByteSeconds", d.FirstByteTimeout),
            HeadTimeout = limits.Seconds("headSeconds", d.HeadTimeout),
            KeepAliveTimeout = limits.Seconds("keepAliveSeconds", d.KeepAliveTimeout),
            RequestBodyTimeout = limits.Seconds("requestBodySeconds", d.RequestBodyTimeout),
            ResponseHeadTimeout = limits.Seconds("responseHeadSeconds", d.ResponseHeadTimeout),
            SilenceTimeout = limits.Seconds("silenceSeconds", d.SilenceTimeout),
            ClientReadTimeout = limits.Seconds("clientReadSeconds", d.ClientReadTimeout),
            LingerTimeout = limits.Seconds("lingerSeconds", d.LingerTimeout),
            MaxDiscardedBody = (int)limits.Number("maxDiscardedBodyBytes", d.MaxDiscardedBody, 0, 1 << 30),
            MaxRequestBody = limits.Number("maxRequestBodyBytes", d.MaxRequestBody, 1, long.MaxValue),
            MaxMessageBody = limits.Number("maxMessageBodyBytes", d.MaxMessageBody, 1, long.MaxValue),
            MaxBatchBody = limits.Number("maxBatchBodyBytes", d.MaxBatchBody, 1, long.MaxValue),
            MaxFileBody = limits.Number("maxFileBodyBytes", d.MaxFileBody, 1, long.MaxValue),
            ModelPrefix = (int)limits.Number("modelPrefixBytes", d.ModelPrefix, 0, 1 << 30),
            AssumedMaxTokens = (int)limits.Number("assumedMaxTokens", d.AssumedMaxTokens, 0, 10_000_000),
            Reserve = ReadReserve(limits, d.Reserve),
            MinRequestBytesPerSecond = (int)limits.Number("minRequestBytesPerSecond", d.MinRequestBytesPerSecond, 0, 1_000_000_000),
            BookedUnauthenticatedPerMinute = (int)limits.Number("bookedStrangersPerMinute", d.BookedUnauthenticatedPerMinute, 0, 1_000_000),
            MaxDecodedAnswer = limits.Number("maxDecodedAnswerBytes", d.MaxDecodedAnswer, 0, long.MaxValue),
            MaxInterimResponses = (int)limits.Number("maxInterimResponses", d.MaxInterimResponses, 0, 1000),
        };
        limits.Finish();
        return read;
    }

    private static ReserveMode ReadReserve(SectionReader limits, ReserveMode fallback)
    {
        string? word = limits.Text("reserve");
        if (word is not null && !ReserveNames.TryParse(word, out fallback))
        {
            limits.Problem("reserve", $"must be {ReserveNames.All}: what budgets set aside for requests under way");
        }

        return fallback;
    }

    private static UpstreamPoolOptions ReadPool(SectionReader upstream)
    {
        UpstreamPoolOptions d = new();
        return d with
        {
            IdleTimeout = upstream.Seconds("idleSeconds", d.IdleTimeout),
            Lifetime = upstream.Seconds("lifetimeSeconds", d.Lifetime),
            MaxIdle = (int)upstream.Number("maxIdle", d.MaxIdle, 0, 1_000_000),
            DialQueueTimeout = upstream.Seconds("dialQueueSeconds", d.DialQueueTimeout),
            MaxConcurrentDials = (int)upstream.Number("maxConcurrentDials", d.MaxConcurrentDials, 1, 100_000),
        };
    }

    private static PriceConfiguration ReadPrices(SectionReader prices)
    {
        FallbackRates d = new();
        string? file = prices.Text("file");
        if (file is not null && !File.Exists(file))
        {
            prices.Problem("file", $"there is no file {file}; leave the key out for the prices that ship");
        }

        FallbackRates fallback = new(prices.Money("fallbackInputPerMillion", d.InputPerMillion), prices.Money("fallbackOutputPerMillion", d.OutputPerMillion));
        prices.Finish();
        return new PriceConfiguration { File = file, Fallback = fallback };
    }

    private static TransportConfiguration ReadTransport(SectionReader transport)
    {
        TransportConfiguration d = new();
        TransportConfiguration read = new() { Inline = transport.Flag("inline") ?? d.Inline, WaitForData = transport.Flag("waitForData") ?? d.WaitForData };
        transport.Finish();
        return read;
    }

    private static LogLevel ReadLogLevel(SectionReader logging)
    {
        string? text = logging.Text("level");
        logging.Finish();
        if (text is null)
        {
            return LogLevel.Information;
        }

        if (Enum.TryParse(text, ignoreCase: true, out LogLevel level) && Enum.IsDefined(level))
        {
            return level;
        }

        logging.Problem("level", "must be one of Trace, Debug, Information, Warning, Error, Critical, None");
        return LogLevel.Information;
    }
}
