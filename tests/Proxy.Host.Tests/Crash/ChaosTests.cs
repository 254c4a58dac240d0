using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Proxy.Host.Tests.EndToEnd;
using Proxy.Host.Tests.Storage;
using Proxy.Simulator;
using Proxy.Simulator.Records;

namespace Proxy.Host.Tests.Crash;

/// <summary>
/// Everything at once: the real executable over real TLS, every fault the simulator knows, clients that abort, dawdle and lie. At the end no answer went to the
/// wrong client, the ledger is true, and nothing is left: no connection, no slot, no memory.
/// </summary>
public sealed partial class ChaosTests : IDisposable
{
    private const string Key = "sk-chaos-0000000000000000000";
    private const int Users = 24;
    private const int RequestsEach = 60;
    private const int Rounds = 2;

    private const string Limits = """
        , "limits": { "headSeconds": 2, "requestBodySeconds": 2, "clientReadSeconds": 2, "silenceSeconds": 3, "responseHeadSeconds": 3, "keepAliveSeconds": 5 }
        """;

    private readonly TempDirectory _directory = new();
    private readonly ConcurrentDictionary<string, bool> _answeredWhole = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<string> _wrong = [];
    private int _whole;
    private int _aborted;
    private int _gatewayErrors;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_mixture_of_every_fault_on_both_sides_misroutes_nothing_and_leaves_nothing_behind()
    {
        await using SimulatorServer simulator = await SimulatorServer.StartAsync(new SimulatorOptions());
        await using TollwayProcess gateway = new(_directory.Root, new Uri($"https://localhost:{simulator.HttpsPort}"), simulator.CaCertificatePath, Key, Limits);
        await gateway.StartAsync();
        List<long> memory = [];
        for (int round = 0; round < Rounds; round++)
        {
            int first = round * Users;
            await Task.WhenAll(Enumerable.Range(first, Users).Select(user => UseAsync(gateway.Port, user)));
            await UntilZeroAsync(gateway, "tollway_connections");
            await UntilZeroAsync(gateway, "tollway_journal_slots_in_use");
            memory.Add(gateway.ResidentBytes());
        }

        Assert.True(_wrong.IsEmpty, string.Join('\n', _wrong.Take(5)));
        Assert.True(_whole > Users * RequestsEach / 2, $"only {_whole} were answered whole: this tested nothing");
        Assert.True(_aborted > Users, $"only {_aborted} were aborted");
        Assert.True(_gatewayErrors > 0, "no fault was answered by the gateway");

        // The second round needs no more than the first left behind.
        Assert.InRange(memory[^1], 0, memory[0] + (memory[0] / 4) + (16 << 20));
        Assert.Equal(0, await gateway.StopAsync());
        AssertLedger(gateway, simulator);
        Assert.DoesNotContain(Key, gateway.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("inside the gateway", gateway.Output, StringComparison.Ordinal);
    }

    private void AssertLedger(TollwayProcess gateway, SimulatorServer simulator)
    {
        Dictionary<string, SpendRow> rows = [];
        foreach (SpendRow row in new LedgerReader(gateway.LedgerPath).ReadAll().Where(row => row.SessionId.Length > 0))
        {
            Assert.True(rows.TryAdd(row.SessionId, row), $"{row.SessionId} is booked twice");
        }

        foreach ((string id, bool isWhole) in _answeredWhole)
        {
            bool arrived = simulator.Truth.TryGet(id, out TruthRecord? truth);
            bool booked = rows.TryGetValue(id, out SpendRow? row);
            Assert.True(booked || !arrived, $"{id} reached the upstream and is not booked");
            if (isWhole && arrived)
            {
                LedgerTruth.AssertUsage(truth!, row!);
            }
            else if (booked)
            {
                LedgerTruth.AssertNotMoreThanSent(truth, row!);
            }
        }
    }

    private static async Task UntilZeroAsync(TollwayProcess gateway, string metric)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(60));
        while (await gateway.MetricAsync(metric) is var value and not 0)
        {
            Assert.False(patience.IsCancellationRequested, $"{metric} stays at {value}");
        }
    }

    private async Task UseAsync(int port, int user)
    {
        Random random = new(user);
        RawClient client = await RawClient.ConnectAsync(port);
        for (int i = 0; i < RequestsEach; i++)
        {
            string id = $"c{user}-{i}";
            if (await OneAsync(client, id, random))
            {
                continue;
            }

            await client.DisposeAsync();
            client = await RawClient.ConnectAsync(port);
        }

        await client.DisposeAsync();
    }

    /// <returns>True when the connection can go on.</returns>
    private async Task<bool> OneAsync(RawClient client, string id, Random random)
    {
        string nonce = $"{id}.";
        string fault = Fault(random);
        _answeredWhole[id] = false;
        try
        {
            switch (random.Next(20))
            {
                case 0:
                    // A lie: refused, and the connection with it.
                    await client.SendAsync($"POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: {Key}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
                    Check((await client.ReceiveAsync()).Status == 400, $"{id}: a lie was not refused");
                    return false;
                case 1:
                    await client.SendAsync(Request(id, nonce, fault, random)[..random.Next(1, 200)]);
                    return Leave(client, random);
                case 2:
                    await client.SendAsync(Request(id, nonce, fault, random));
                    return Leave(client, random);
                case 3:
                    string begun = Request(id, nonce, "x-sim-pace-ms: 3", random);
                    await client.SendAsync(begun);
                    _ = await client.ReadThroughAsync("\r\n\r\n"u8.ToArray());
                    return Leave(client, random);
                case 4:
                    // A slow writer.
                    foreach (char[] piece in Request(id, nonce, fault, random).Chunk(37))
                    {
                        await client.SendAsync(new string(piece));
                        await Task.Yield();
                    }

                    break;
                case 5:
                    // A slow reader.
                    await client.SendAsync(Request(id, nonce, fault, random));
                    await Task.Delay(random.Next(100));
                    break;
                case 6:
                    string other = id + "b";
                    _answeredWhole[other] = false;
                    await client.SendAsync(Request(id, nonce, "x-app: first", random) + Request(other, $"{other}.", "x-app: second", random));
                    Judge(id, nonce, await client.ReceiveAsync());
                    (id, nonce) = (other, $"{other}.");
                    break;
                default:
                    await client.SendAsync(Request(id, nonce, fault, random));
                    break;
            }

            RawResponse response = await client.ReceiveAsync();
            Judge(id, nonce, response);
            return response.Field("connection") is not "close";
        }
        catch (Exception gone) when (gone is IOException or SocketException)
        {
            // Cut, by the upstream's fault or by a deadline.
            return false;
        }
    }

    private void Judge(string id, string nonce, RawResponse response)
    {
        string? named = response.Field("x-sim-nonce");
        if (named is null)
        {
            Interlocked.Increment(ref _gatewayErrors);
            Check(response.Status is 408 or 502 or 504, $"{id}: {response.Status} without a nonce: {response.Text}");
            return;
        }

        Check(named == nonce, $"{id} was answered with {named}");
        if (response.Status == 200 && response.Field("content-encoding") is null)
        {
            // The text, behind a thought if there is one, comes in pieces, and an error event may end it early.
            string text = string.Concat(TextPiece().Matches(response.Text).Select(match => match.Groups[1].Value));
            string start = $"nonce {nonce}";
            Check(text.StartsWith(start, StringComparison.Ordinal) || start.StartsWith(text, StringComparison.Ordinal), $"{id}: the body is somebody else's: {text[..Math.Min(100, text.Length)]}");
        }

        _answeredWhole[id] = true;
        Interlocked.Increment(ref _whole);
    }

    private void Check(bool holds, string wrong)
    {
        if (!holds)
        {
            _wrong.Add(wrong);
        }
    }

    private bool Leave(RawClient client, Random random)
    {
        Interlocked.Increment(ref _aborted);
        if (random.Next(2) == 0)
        {
            client.Reset();
        }

        return false;
    }

    [GeneratedRegex("\"text\":\"([^\"\\\\]*)")]
    private static partial Regex TextPiece();

    private static string Fault(Random random) => random.Next(24) switch
    {
        0 => $"x-sim-cut-after: {random.Next(300)}\r\nx-sim-cut: close",
        1 => $"x-sim-cut-after: {random.Next(300)}\r\nx-sim-cut: reset",
        2 => $"x-sim-cut-after-events: {random.Next(5)}",
        3 => $"x-sim-status: {(random.Next(3) switch { 0 => 429, 1 => 500, _ => 529 })}",
        4 => $"x-sim-error-event-after: {random.Next(5)}",
        5 => "x-sim-early: json",
        6 => $"x-sim-surplus: {random.Next(1, 100)}",
        7 => $"x-sim-trickle: {random.Next(50, 500)}",
        8 => $"x-sim-split: {(random.Next(3) switch { 0 => "utf8", 1 => "usage", _ => "byte" })}",
        9 => $"x-sim-coding: {(random.Next(2) == 0 ? "gzip" : "br")}",
        10 => $"x-sim-framing: {(random.Next(3) switch { 0 => "length", 1 => "chunked", _ => "close" })}",
        11 => "x-sim-interim: 100,103",
        12 => "x-sim-trailers: a: 1; b: 2\r\nx-sim-framing: chunked",
        13 => $"x-sim-first-byte-delay-ms: {random.Next(100)}",
        14 when random.Next(10) == 0 => "x-sim-first-byte-delay-ms: 10000",
        15 when random.Next(10) == 0 => "x-sim-pause-ms: 10000",
        16 => "x-sim-pace-ms: 1",
        17 => $"x-sim-thinking: {random.Next(5)}\r\nx-sim-comments: 3\r\nx-sim-unknown: 2",
        _ => "x-app: plain",
    };

    private static string Request(string id, string nonce, string fields, Random random)
    {
        string body = $$"""{"model":"claude-sonnet-5","max_tokens":100,"stream":{{(random.Next(3) == 0 ? "false" : "true")}},"messages":[{"role":"user","content":"{{new string('x', random.Next(4000))}}"}]}""";
        string head = $"POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: {Key}\r\nContent-Type: application/json\r\nx-claude-code-session-id: {id}\r\nx-sim-id: {id}\r\n" +
            $"x-sim-nonce: {nonce}\r\nx-sim-seed: {random.Next(1000)}\r\nx-sim-events: {random.Next(1, 20)}\r\n{fields}\r\n";
        return random.Next(3) == 0
            ? $"{head}Transfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n{body}\r\n0\r\n\r\n"
            : $"{head}Content-Length: {body.Length}\r\n\r\n{body}";
    }
}
