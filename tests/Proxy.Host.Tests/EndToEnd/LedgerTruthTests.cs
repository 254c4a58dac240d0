using System.Collections.Concurrent;
using System.Text;
using Proxy.Host.Tests.Storage;
using Proxy.Core.Anthropic;
using Proxy.Core.Outcomes;

namespace Proxy.Host.Tests.EndToEnd;

/// <summary>The bill is right: the ledger equals what the simulator really reported, to the token, whatever happened on the way.</summary>
public sealed class LedgerTruthTests
{
    private const int Requests = 10_000;
    private const int Connections = 64;

    [Fact]
    public async Task Ten_thousand_mixed_requests_are_booked_exactly_once_and_exactly_right()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        int next = -1;
        ConcurrentBag<string> faults = [];
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => ServeAsync(gateway, () => Interlocked.Increment(ref next), faults)));
        Assert.True(faults.IsEmpty, string.Join("\n", faults.Take(5)));

        IReadOnlyList<SpendRow> rows = await gateway.SpendAsync(Requests);
        Assert.Equal(Requests, rows.Count);
        Assert.Equal(Requests, gateway.Simulator.Truth.Count);
        Assert.Equal(Requests, rows.Select(row => row.UpstreamRequestId).Distinct(StringComparer.Ordinal).Count());
        foreach (SpendRow row in rows)
        {
            LedgerTruth.AssertEqual(gateway.Simulator, row);
        }

        // The mixture was one: every kind took part, and each was told apart.
        Assert.True(rows.Count(row => row.EndReason == EndReason.UpstreamCut) > Requests / 50);
        Assert.True(rows.Count(row => row.EndReason == EndReason.UpstreamErrorEvent) > Requests / 50);
        Assert.True(rows.Count(row => row.PathClass == PathClass.CountTokens) > Requests / 50);
        Assert.True(rows.Count(row => row.Status is 429 or 529 or 500) > Requests / 50);
        Assert.True(rows.Count(row => row.Iterations.Count > 0) > Requests / 50);
    }

    private static async Task ServeAsync(GatewayFixture gateway, Func<int> take, ConcurrentBag<string> faults)
    {
        RawClient client = await gateway.ConnectAsync();
        for (int i = take(); i < Requests; i = take())
        {
            Mixed request = Mixed.Create(i);
            bool ended = false;
            try
            {
                await client.SendAsync("POST", request.Target, [$"x-litellm-api-key: {gateway.Key}", $"x-sim-id: id-{i}", .. request.Fields], Encoding.ASCII.GetBytes(request.Body), request.Chunked);
                RawResponse response = await client.ReceiveAsync();
                if (response.Status != request.Status)
                {
                    faults.Add($"{i}: expected {request.Status}, got {response.Status} {response.Text}");
                }

                ended = response.Field("connection") == "close";
                if (request.Cut)
                {
                    faults.Add($"{i}: a cut response looked complete");
                }
            }
            catch (EndOfStreamException) when (request.Cut)
            {
                ended = true;
            }
            catch (Exception fault)
            {
                faults.Add($"{i} {request}: {fault}");
                ended = true;
            }

            if (ended)
            {
                await client.DisposeAsync();
                client = await gateway.ConnectAsync();
            }
        }

        await client.DisposeAsync();
    }

    private sealed record Mixed(string Target, string Body, IReadOnlyList<string> Fields, int Status, bool Cut, bool Chunked)
    {
        public static Mixed Create(int index)
        {
            Random random = new(index * 7919);
            string model = random.Next(4) switch { 0 => "claude-opus-5-5", 1 => "claude-haiku-5-5", 2 => "claude-sonnet-5-5", _ => "claude-opus-5" };
            bool stream = random.Next(3) > 0;
            string body = $"{{\"model\":\"{model}\",\"max_tokens\":100,\"stream\":{(stream ? "true" : "false")},\"messages\":[{{\"role\":\"user\",\"content\":\"{new string('x', random.Next(3000))}\"}}]}}";
            List<string> fields = [$"x-sim-seed: {index}", $"x-sim-events: {random.Next(1, 30)}"];
            string target = "/anthropic/v1/messages?beta=true";
            int status = 200;
            bool cut = false;
            switch (random.Next(10))
            {
                case 0:
                    target = "/anthropic/v1/messages/count_tokens?beta=true";
                    break;
                case 1:
                    status = random.Next(3) switch { 0 => 429, 1 => 529, _ => 500 };
                    fields.Add($"x-sim-status: {status}");
                    break;
                case 2:
                    fields.Add($"x-sim-coding: {(random.Next(2) == 0 ? "gzip" : "br")}");
                    break;
                case 3 when stream:
                    cut = true;
                    fields.Add($"x-sim-cut-after-events: {random.Next(1, 4)}");
                    break;
                case 4 when stream:
                    fields.Add($"x-sim-error-event-after: {random.Next(1, 4)}");
                    break;
                case 5:
                    fields.Add($"x-sim-split: {random.Next(3) switch { 0 => "utf8", 1 => "usage", _ => "byte" }}");
                    break;
                case 6:
                    fields.Add("x-sim-framing: close");
                    break;
                case 7 when stream:
                    fields.Add($"x-sim-pings: {random.Next(5)}");
                    fields.Add($"x-sim-comments: {random.Next(5)}");
                    fields.Add($"x-sim-message-deltas: {random.Next(1, 5)}");
                    break;
            }

            return new Mixed(target, body, fields, status, cut, random.Next(5) == 0);
        }
    }
}
