using System.Text;
using Proxy.Core.Anthropic;
using Proxy.Core.Identity;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;
using Proxy.Host.Tests.EndToEnd;
using Proxy.Host.Tests.Storage;
using Proxy.Simulator.Records;

namespace Proxy.Host.Tests.Clients;

/// <summary>A gateway set up for one credential row, an empty home for the client, and what must hold after the client's turn.</summary>
internal sealed class ClientBench : IAsyncDisposable
{
    private readonly TempDirectory _home = new();

    private ClientBench(ClientRow row, GatewayFixture gateway)
    {
        Row = row;
        Gateway = gateway;
    }

    public ClientRow Row { get; }

    public GatewayFixture Gateway { get; }

    public string Home => _home.Root;

    /// <summary>What Claude Code and the SDKs take as a setting for fields of ours.</summary>
    public string CustomHeaders => $"x-litellm-api-key: {Gateway.Key}";

    public static async Task<ClientBench> StartAsync(CredentialKind payer)
    {
        ClientRow row = ClientRow.Of(payer);
        return new ClientBench(row, await row.StartGatewayAsync());
    }

    /// <summary>
    /// The upstream saw the row's one credential and nothing of ours, and the ledger has one record for each request, with the right payer
    /// and the usage that the simulator really sent. Returns the records of messages, oldest first.
    /// </summary>
    public async Task<IReadOnlyList<SpendRow>> SettleAsync()
    {
        IReadOnlyList<RequestRecord> arrived = Gateway.Simulator.Requests.All();
        Assert.NotEmpty(arrived);
        foreach (RequestRecord request in arrived)
        {
            AssertArrived(request);
        }

        IReadOnlyList<SpendRow> rows = await Gateway.SpendAsync(arrived.Count);
        Assert.Equal(arrived.Select(request => request.RequestId).Order(StringComparer.Ordinal), rows.Select(row => row.UpstreamRequestId).Order(StringComparer.Ordinal));
        foreach (SpendRow row in rows)
        {
            Assert.Equal(Row.Payer, row.Credential);
            Assert.Equal("valid", row.KeyAlias);
            Assert.Equal(200, row.Status);
            Assert.Equal(EndReason.Complete, row.EndReason);
            Assert.Equal(SpendFlags.None, row.Flags);
            LedgerTruth.AssertEqual(Gateway.Simulator, row);
        }

        return [.. rows.Where(row => row.PathClass == PathClass.Messages).OrderBy(row => row.StartedAtUnixMs)];
    }

    /// <summary>The same for a client that tells what it understood: its request ids and usage are those of the ledger, its text that of the upstream.</summary>
    public async Task SettleAsync(ClientTurn turn, IReadOnlyList<ClientAnswer> answers, string lastText)
    {
        IReadOnlyList<SpendRow> rows = await SettleAsync();
        Assert.Equal(turn == ClientTurn.Tool ? 2 : 1, rows.Count);
        Assert.All(rows, row => Assert.True(row.Streamed));
        Assert.Equal(answers, rows.Select(row => new ClientAnswer(
            row.UpstreamRequestId, row.Usage.InputTokens, row.Usage.CacheReadInputTokens, row.Usage.CacheCreationInputTokens, row.Usage.OutputTokens)));

        Assert.True(Gateway.Simulator.Truth.TryGet(answers[^1].RequestId, out TruthRecord? last));
        Assert.Equal(last.FinalTextBytes, Encoding.UTF8.GetByteCount(lastText));
        Assert.Contains("The simulator says", lastText, StringComparison.Ordinal);
        Assert.Equal(turn == ClientTurn.Tool, lastText.Contains("sim-tool-done", StringComparison.Ordinal));
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        _home.Dispose();
    }

    private void AssertArrived(RequestRecord request)
    {
        Assert.Equal(Row.UpstreamAuthorization, request.Values("authorization"));
        Assert.Equal(Row.UpstreamApiKey(Gateway), request.Values("x-api-key"));
        Assert.DoesNotContain(Gateway.Key, request.RawTarget, StringComparison.Ordinal);
        foreach ((string name, string value) in request.Fields)
        {
            Assert.False(name.StartsWith("x-litellm", StringComparison.OrdinalIgnoreCase), name);
            Assert.DoesNotContain(Gateway.Key, value, StringComparison.Ordinal);
        }
    }
}
