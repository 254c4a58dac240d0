using Microsoft.Extensions.Logging;
using Proxy.Core.Admission;
using Proxy.Core.Identity;
using Proxy.Host.Configuration;
using Proxy.Host.Tests.Storage;

namespace Proxy.Host.Tests.Host;

public sealed class ConfigurationTests : IDisposable
{
    private const string Secret = "sk-ant-very-secret-0123456789";

    private readonly TempDirectory _directory = new();
    private readonly Dictionary<string, string> _environment = new(StringComparer.Ordinal) { ["HOME"] = "/home/someone" };

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Nothing_at_all_is_loopback_with_the_anthropic_route()
    {
        GatewayConfiguration configuration = ConfigurationLoader.Load(new ConfigurationSource(_directory.Write("empty.json", "{}"), _environment));
        Assert.Equal("http://127.0.0.1:4000", Assert.Single(configuration.Listen).ToString());
        RouteConfiguration route = Assert.Single(configuration.Routes);
        Assert.Equal(("anthropic", "/anthropic", "api.anthropic.com", true), (route.Name, route.Prefix, route.Upstream.Authority, route.Upstream.UseTls));
        Assert.True(route.AcceptsClientCredentials);
        Assert.Null(route.ServerKey);
        Assert.Equal("/home/someone/.local/state/tollway/ledger.db", configuration.LedgerPath);
        Assert.Empty(configuration.Warnings);
    }

    [Fact]
    public void Every_key_is_read()
    {
        string ca = _directory.Write("ca.pem", "");
        string prices = _directory.Write("prices.json", "{}");
        string server = _directory.Write("server.key", Secret + "\n");
        GatewayConfiguration c = Load($$"""
            {
              // comments and trailing commas are fine
              "listen": ["http://127.0.0.1:1", "https://[::1]:2", "http://*:3",],
              "tls": { "certificate": "{{ca}}", "key": "{{ca}}", "handshakeSeconds": 12 },
              "routes": [
                { "name": "a", "prefix": "/x/y", "upstream": "http://127.0.0.1:9080", "serverKeyFile": "{{server}}", "acceptClientCredentials": true, "extraCaFile": "{{ca}}" },
                { "name": "b", "upstream": "https://b.example:8443" },
              ],
              "keys": [
                { "alias": "al", "key": "sk-12345678", "team": "t", "user": "u", "expires": "2027-01-01", "blocked": true },
                { "hash": "{{new string('A', 64)}}" },
              ],
              "adminKey": "sk-0123456789abcdef",
              "stateDirectory": "/s",
              "ledger": { "path": "/l/x.db", "batchSize": 7, "maxInFlight": 8, "gatherSeconds": 0.5 },
              "limits": {
                "headSeconds": 1, "keepAliveSeconds": 2, "requestBodySeconds": 3, "responseHeadSeconds": 4, "silenceSeconds": 5, "clientReadSeconds": 6,
                "lingerSeconds": 7.5, "maxDiscardedBodyBytes": 8, "maxRequestBodyBytes": 9, "maxInterimResponses": 10, "reserve": "worstCase",
                "maxStartLineBytes": 1000, "maxFieldLineBytes": 1001, "maxHeadBytes": 2000, "maxFields": 99, "maxResponseHeadBytes": 3000,
                "maxChunkLineBytes": 20, "maxChunkExtensionBytes": 21, "maxTrailerBytes": 22, "maxConnections": 23, "maxConnectionsPerAddress": 24, "firstByteSeconds": 25, "bookedStrangersPerMinute": 26, "minRequestBytesPerSecond": 27,
              },
              "upstream": { "connectSeconds": 1, "nameSeconds": 27, "tlsSeconds": 2, "idleSeconds": 3, "lifetimeSeconds": 4, "maxIdle": 5, "maxConcurrentDials": 6, "dialQueueSeconds": 7 },
              "prices": { "file": "{{prices}}", "fallbackInputPerMillion": 1.5, "fallbackOutputPerMillion": 2.5 },
              "transport": { "inline": false, "waitForData": false },
              "logging": { "level": "debug" },
              "drainSeconds": 11,
            }
            """);
        Assert.Equal(["http://127.0.0.1:1", "https://[::1]:2", "http://*:3"], c.Listen.Select(address => address.ToString()));
        Assert.Equal(new TlsConfiguration(ca, ca, TimeSpan.FromSeconds(12)), c.Tls);
        Assert.Equal((99, 3000, 20, 21, 22), (c.Limits.RequestHead.MaxFields, c.Limits.ResponseHead.MaxHead, c.Limits.Chunks.MaxLine, c.Limits.Chunks.MaxExtensions, c.Limits.Chunks.MaxTrailers));
        Assert.Equal(ReserveMode.WorstCase, c.Limits.Reserve);
        Assert.Equal(26, c.Limits.BookedUnauthenticatedPerMinute);
        Assert.Equal(27, c.Limits.MinRequestBytesPerSecond);
        Assert.Equal((23, 24, 25.0, 7.0), (c.Limits.MaxConnections, c.Limits.MaxConnectionsPerAddress, c.Limits.FirstByteTimeout.TotalSeconds, c.Pool.DialQueueTimeout.TotalSeconds));
        Assert.Equal(("a", "/x/y", "127.0.0.1:9080", Secret, true, ca), (c.Routes[0].Name, c.Routes[0].Prefix, c.Routes[0].Upstream.Authority, c.Routes[0].ServerKey, c.Routes[0].AcceptsClientCredentials, c.Routes[0].ExtraCaFile));
        Assert.Equal(("b", "/b", "b.example:8443", null, false), (c.Routes[1].Name, c.Routes[1].Prefix, c.Routes[1].Upstream.Authority, c.Routes[1].ServerKey, c.Routes[1].AcceptsClientCredentials));
        Principal key = c.Keys[0];
        Assert.Equal((KeyHash.Of("sk-12345678"), "al", "t", "u", true, 1798761600000L), (key.Key.KeyHash, key.Key.Alias, key.Key.TeamId, key.Key.UserId, key.IsBlocked, key.ExpiresAtUnixMs!.Value));
        Assert.Equal(new string('a', 64), c.Keys[1].Key.KeyHash);
        Assert.Equal(KeyHash.Of("sk-0123456789abcdef"), c.AdminKeyHash);
        Assert.Equal("/l/x.db", c.LedgerPath);
        Assert.Equal((7, 8, 0.5), (c.Ledger.BatchSize, c.Ledger.MaxInFlight, c.Ledger.GatherDelay.TotalSeconds));
        Assert.Equal((1.0, 2.0, 3.0), (c.Limits.HeadTimeout.TotalSeconds, c.Limits.KeepAliveTimeout.TotalSeconds, c.Limits.RequestBodyTimeout.TotalSeconds));
        Assert.Equal((4.0, 5.0, 6.0, 7.5), (c.Limits.ResponseHeadTimeout.TotalSeconds, c.Limits.SilenceTimeout.TotalSeconds, c.Limits.ClientReadTimeout.TotalSeconds, c.Limits.LingerTimeout.TotalSeconds));
        Assert.Equal((8, 9L, 10), (c.Limits.MaxDiscardedBody, c.Limits.MaxRequestBody, c.Limits.MaxInterimResponses));
        Assert.Equal((1000, 1001, 2000), (c.Limits.RequestHead.MaxStartLine, c.Limits.RequestHead.MaxFieldLine, c.Limits.RequestHead.MaxHead));
        Assert.Equal(27, c.NameLifetime.TotalSeconds);
        Assert.Equal((1.0, 2.0, 3.0, 4.0), (c.ConnectTimeout.TotalSeconds, c.TlsTimeout.TotalSeconds, c.Pool.IdleTimeout.TotalSeconds, c.Pool.Lifetime.TotalSeconds));
        Assert.Equal((5, 6), (c.Pool.MaxIdle, c.Pool.MaxConcurrentDials));
        Assert.Equal((prices, 1.5m, 2.5m), (c.Prices.File, c.Prices.Fallback.InputPerMillion, c.Prices.Fallback.OutputPerMillion));
        Assert.Equal(new TransportConfiguration { Inline = false, WaitForData = false }, c.Transport);
        Assert.Equal((LogLevel.Debug, 11.0), (c.LogLevel, c.Drain.TotalSeconds));
        Assert.Contains("http://*:3", Assert.Single(c.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void The_environment_wins_over_the_file()
    {
        _environment["TOLLWAY__limits__headSeconds"] = "3";
        _environment["TOLLWAY__ROUTES__0__NAME"] = "sim";
        _environment["TOLLWAY__routes__0__prefix"] = "/anthropic";
        _environment["TOLLWAY__routes__0__upstream"] = "http://127.0.0.1:9080";
        _environment["ANTHROPIC_API_KEY"] = Secret;
        GatewayConfiguration configuration = Load("""{ "limits": { "headSeconds": 1, "silenceSeconds": 2 } }""");
        Assert.Equal((3.0, 2.0), (configuration.Limits.HeadTimeout.TotalSeconds, configuration.Limits.SilenceTimeout.TotalSeconds));
        RouteConfiguration route = Assert.Single(configuration.Routes);
        Assert.Equal(("sim", "/anthropic", null), (route.Name, route.Prefix, route.ServerKey));
        Assert.False(route.AcceptsClientCredentials);
    }

    [Theory]
    [InlineData("anthropic", "https://gateway.example")]
    [InlineData("only", "http://127.0.0.1:9080")]
    [InlineData("anthropic", "http://api.anthropic.com")]
    [InlineData("anthropic", "https://api.anthropic.com.example")]
    [InlineData("anthropic", "https://api.anthropic.com:8443")]
    public void The_key_of_the_environment_goes_to_no_other_host_than_its_own_and_that_is_said(string name, string upstream)
    {
        _environment["ANTHROPIC_API_KEY"] = Secret;
        GatewayConfiguration configuration = Load($$"""{ "routes": [{ "name": "{{name}}", "upstream": "{{upstream}}" }] }""");
        Assert.Null(configuration.Routes[0].ServerKey);
        string warning = Assert.Single(configuration.Warnings);
        Assert.Contains("serverKey", warning, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, warning, StringComparison.Ordinal);
    }

    [Fact]
    public void The_default_server_key_is_the_credential_then_the_variable_and_goes_to_the_default_route_only()
    {
        _environment["ANTHROPIC_API_KEY"] = "from-variable";
        Assert.Equal("from-variable", Load("{}").Routes[0].ServerKey);

        _directory.Write("anthropic-api-key", "from-credential\n");
        _directory.Write("admin-key", "sk-an-admin-key-of-length\n");
        _environment["CREDENTIALS_DIRECTORY"] = _directory.Root;
        Assert.Equal("from-credential", Load("{}").Routes[0].ServerKey);
        Assert.Equal(KeyHash.Of("sk-an-admin-key-of-length"), Load("{}").AdminKeyHash);

        GatewayConfiguration two = Load("""
            { "routes": [
                { "name": "other", "upstream": "https://other.example" },
                { "name": "anthropic", "upstream": "https://api.anthropic.com" } ] }
            """);
        Assert.Null(two.Routes[0].ServerKey);
        Assert.Equal("from-credential", two.Routes[1].ServerKey);
        Assert.Equal("own", Load("""{ "routes": [{ "name": "anthropic", "upstream": "https://api.anthropic.com", "serverKey": "own" }] }""").Routes[0].ServerKey);
    }

    [Fact]
    public void The_state_directory_is_systemds_then_xdgs()
    {
        _environment["XDG_STATE_HOME"] = "/xdg";
        Assert.Equal("/xdg/tollway/ledger.db", Load("{}").LedgerPath);
        _environment["STATE_DIRECTORY"] = "/var/lib/tollway:/var/lib/other";
        Assert.Equal("/var/lib/tollway/ledger.db", Load("{}").LedgerPath);
    }

    [Theory]
    [InlineData("""{ "listn": [] }""", "listn: is not a key here; did you mean listen?")]
    [InlineData("""{ "limits": { "headSecond": 1 } }""", "limits.headSecond: is not a key here; did you mean limits.headSeconds?")]
    [InlineData("""{ "routes": [{ "name": "a", "upstreem": "https://a" }] }""", "routes[0].upstreem: is not a key here; did you mean routes[0].upstream?")]
    [InlineData("""{ "zzzzzzzz": 1 }""", "zzzzzzzz: is not a key here; known are")]
    [InlineData("""{ "listen": "http://127.0.0.1:1" }""", "listen: must be a list")]
    [InlineData("""{ "listen": ["127.0.0.1:1"] }""", "listen: 127.0.0.1:1: must look like http://127.0.0.1:4000")]
    [InlineData("""{ "listen": ["http://example.com:1"] }""", "listen: http://example.com:1: the host must be an IP address")]
    [InlineData("""{ "listen": ["http://127.0.0.1:99999"] }""", "the port must be a number up to 65535")]
    [InlineData("""{ "listen": ["https://127.0.0.1:1"] }""", "tls: an https:// address in listen needs tls.certificate and tls.key")]
    [InlineData("""{ "limits": 5 }""", "limits: must be an object")]
    [InlineData("""{ "limits": { "headSeconds": "soon" } }""", "limits.headSeconds: must be a number of seconds above 0")]
    [InlineData("""{ "limits": { "maxHeadBytes": 1 } }""", "limits.maxHeadBytes: must be a whole number from 1024 to")]
    [InlineData("""{ "transport": { "inline": "perhaps" } }""", "transport.inline: must be true or false")]
    [InlineData("""{ "logging": { "level": "loud" } }""", "logging.level: must be one of Trace")]
    [InlineData("""{ "prices": { "file": "/nowhere/p.json" } }""", "prices.file: there is no file /nowhere/p.json")]
    [InlineData("""{ "prices": { "fallbackInputPerMillion": "-1" } }""", "prices.fallbackInputPerMillion: must be an amount in USD")]
    [InlineData("""{ "routes": [{ "upstream": "https://a" }] }""", "routes[0].name: is missing")]
    [InlineData("""{ "routes": [{ "name": "a" }] }""", "routes[0].upstream: is missing")]
    [InlineData("""{ "routes": [{ "name": "a", "upstream": "https://a/path" }] }""", "routes[0].upstream: must be scheme, host and port only")]
    [InlineData("""{ "routes": [{ "name": "a", "upstream": "https://u:p@a" }] }""", "routes[0].upstream: must not hold credentials")]
    [InlineData("""{ "routes": [{ "name": "a", "prefix": "/a/", "upstream": "https://a" }] }""", "routes[0].prefix: must start with /")]
    [InlineData("""{ "routes": [{ "name": "a", "prefix": "/../a", "upstream": "https://a" }] }""", "routes[0].prefix: must start with /")]
    [InlineData("""{ "routes": [{ "name": "a", "upstream": "https://a" }, { "name": "b", "prefix": "/a", "upstream": "https://a" }] }""", "routes[1].prefix: /a is another route's too")]
    [InlineData("""{ "routes": [{ "name": "a", "upstream": "https://a", "serverKey": "x", "serverKeyFile": "y" }] }""", "routes[0].serverKey: is given twice")]
    [InlineData("""{ "routes": [{ "name": "a", "upstream": "https://a", "serverKeyFile": "/nowhere/k" }] }""", "routes[0].serverKeyFile: cannot be read")]
    [InlineData("""{ "keys": [{ "alias": "a" }] }""", "keys[0].key: give either key")]
    [InlineData("""{ "keys": [{ "hash": "abc" }] }""", "keys[0].hash: must be 64 hexadecimal digits")]
    [InlineData("""{ "keys": [{ "key": "sk-12345678" }, { "key": "sk-12345678" }] }""", "keys[1].key: the same key is in the list twice")]
    [InlineData("""{ "keys": [{ "key": "sk-12345678", "expires": "soon" }] }""", "keys[0].expires: must be a UTC date")]
    [InlineData("""{ "adminKey": "short" }""", "adminKey: must be sk- and")]
    [InlineData("""{ "adminKey": "long-enough-but-of-another-form" }""", "adminKey: must be sk- and")]
    [InlineData("""{ "keys": [{ "key": "12345678" }] }""", "keys[0].key: must be sk- and")]
    [InlineData("""{ "drainSeconds": 1, "drainSeconds": 2 }""", "drainSeconds")]
    [InlineData("[]", "must be one JSON object")]
    [InlineData("{", "is not JSON at line 1")]
    public void A_mistake_is_named_with_its_key_and_the_fix(string json, string problem) =>
        Assert.Contains(Problems(json), text => text.Contains(problem, StringComparison.Ordinal));

    [Fact]
    public void All_problems_are_reported_at_once() =>
        Assert.Equal(3, Problems("""{ "listn": [], "limits": { "headSeconds": -1 }, "logging": { "level": "loud" } }""").Count);

    [Fact]
    public void A_file_that_is_named_must_exist()
    {
        _environment["TOLLWAY_CONFIG"] = "/nowhere/tollway.json";
        ConfigurationException fault = Assert.Throws<ConfigurationException>(() => ConfigurationLoader.Load(new ConfigurationSource(null, _environment)));
        Assert.Contains("/nowhere/tollway.json: cannot be read", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData($$"""{ "routes": [{ "name": "a", "upstream": "https://a", "serverKey": "{{Secret}}\n{{Secret}}" }] }""")]
    [InlineData($$"""{ "keys": [{ "key": "{{Secret}} {{Secret}}" }] }""")]
    [InlineData($$"""{ "keys": [{ "key": "{{Secret}}", "hash": "{{Secret}}" }] }""")]
    [InlineData($$"""{ "keys": [{ "hash": "{{Secret}}" }] }""")]
    [InlineData($$"""{ "adminKey": {{Secret}} }""")]
    [InlineData($$"""{ "keys": ["{{Secret}}"] }""")]
    [InlineData($$"""{ "keys": "{{Secret}}" }""")]
    public void No_problem_repeats_a_secret(string json) =>
        Assert.DoesNotContain(Secret, string.Join('\n', Problems(json)), StringComparison.Ordinal);

    [Fact]
    public void A_server_key_in_clear_text_to_another_machine_is_warned_of()
    {
        GatewayConfiguration configuration = Load("""{ "routes": [{ "name": "a", "upstream": "http://10.0.0.1", "serverKey": "k" }] }""");
        Assert.Contains("clear text", Assert.Single(configuration.Warnings), StringComparison.Ordinal);
    }

    private GatewayConfiguration Load(string json) => ConfigurationLoader.Load(new ConfigurationSource(_directory.Write("tollway.json", json), _environment));

    private IReadOnlyList<string> Problems(string json) => Assert.Throws<ConfigurationException>(() => Load(json)).Problems;
}
