using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using Proxy.Host.Tests.EndToEnd;
using Proxy.Host.Tests.Storage;
using Proxy.Simulator;
using Proxy.Simulator.Records;

namespace Proxy.Host.Tests.Crash;

/// <summary>kill -9 in the middle of the work, fifty times in a row: the ledger forgets nothing and books nothing twice.</summary>
public sealed class KillTests : IDisposable
{
    private const int Kills = 50;
    private const int Connections = 16;
    private const string Key = "sk-load-00000000000000000000";

    private readonly TempDirectory _directory = new();
    private readonly ConcurrentDictionary<string, RawResponse?> _answers = new(StringComparer.Ordinal);
    private int _next;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Fifty_kills_under_load_lose_no_record_and_double_none()
    {
        await using SimulatorServer simulator = await SimulatorServer.StartAsync(new SimulatorOptions());
        await using TollwayProcess gateway = new(_directory.Root, new Uri($"https://localhost:{simulator.HttpsPort}"), simulator.CaCertificatePath, Key);
        Random random = new(20261123);
        for (int life = 0; life < Kills; life++)
        {
            await gateway.StartAsync();
            using CancellationTokenSource over = new();
            int enough = _next + random.Next(1, 400);
            TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
            Task load = Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => LoadAsync(gateway.Port, enough, reached, over.Token)));
            await reached.Task;
            await gateway.KillAsync();
            await over.CancelAsync();
            await load;
        }

        // One more life, to book what the last one left, and a clean end that flushes it.
        await gateway.StartAsync();
        Assert.Equal(0, await gateway.StopAsync());

        Dictionary<string, SpendRow> rows = [];
        foreach (SpendRow row in new LedgerReader(gateway.LedgerPath).ReadAll())
        {
            Assert.True(rows.TryAdd(row.SessionId, row), $"{row.SessionId} is booked twice");
        }

        int interrupted = 0;
        foreach ((string id, RawResponse? answer) in _answers)
        {
            bool arrived = simulator.Truth.TryGet(id, out TruthRecord? truth);
            bool booked = rows.TryGetValue(id, out SpendRow? row);
            Assert.True(booked || !arrived, $"{id} reached the upstream and is not booked");
            if (answer is not null)
            {
                // Its client has read it to its end: whatever happened after that, the numbers are exact.
                Assert.True(arrived);
                LedgerTruth.AssertUsage(truth!, row!);
            }
            else if (booked)
            {
                interrupted++;
                LedgerTruth.AssertNotMoreThanSent(truth, row!);
            }
        }

        Assert.True(interrupted > Kills, $"only {interrupted} requests were interrupted: this tested nothing");
        Assert.DoesNotContain(Key, gateway.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(".aside", string.Join('\n', Directory.EnumerateFiles(_directory.Root, "*", SearchOption.AllDirectories)), StringComparison.Ordinal);
    }

    private async Task LoadAsync(int port, int enough, TaskCompletionSource reached, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            try
            {
                await using RawClient client = await RawClient.ConnectAsync(port);
                while (!over.IsCancellationRequested)
                {
                    int number = Interlocked.Increment(ref _next);
                    string id = $"s-{number}";
                    _answers[id] = null;
                    await client.SendAsync("POST", "/anthropic/v1/messages", Fields(number, id), Encoding.ASCII.GetBytes(Body(number)));
                    RawResponse answer = await client.ReceiveAsync();
                    Assert.Equal(200, answer.Status);
                    _answers[id] = answer;
                    if (number >= enough)
                    {
                        reached.TrySetResult();
                    }
                }
            }
            catch (Exception fault) when (fault is IOException or SocketException)
            {
                // It was killed.
                if (reached.Task.IsCompleted)
                {
                    return;
                }
            }
        }
    }

    private static List<string> Fields(int number, string id)
    {
        List<string> fields = [$"x-litellm-api-key: {Key}", $"x-claude-code-session-id: {id}", $"x-sim-id: {id}", $"x-sim-seed: {number}", $"x-sim-events: {1 + (number % 30)}"];
        if (number % 3 == 0)
        {
            // Slow enough that a kill finds it under way.
            fields.Add("x-sim-pace-ms: 2");
        }

        return fields;
    }

    private static string Body(int number) =>
        $$"""{"model":"claude-sonnet-5","max_tokens":100,"stream":{{(number % 4 == 0 ? "false" : "true")}},"messages":[{"role":"user","content":"{{new string('x', number % 500)}}"}]}""";
}
