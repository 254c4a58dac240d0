using Proxy.Core.Identity;
using Proxy.Core.Metering;
using Proxy.Host.Storage;
using Proxy.Host.Tests.EndToEnd;
using Proxy.Simulator.Records;

namespace Proxy.Host.Tests.Clients;

/// <summary>One row of the README's credential table: what a client is configured with, and what must arrive at the upstream.</summary>
internal sealed class ClientRow
{
    public const string Oauth = "sk-ant-oat01-client-subscription";
    public const string Byok = "sk-ant-api03-client-own-key";

    private ClientRow(CredentialKind credential) => Credential = credential;

    /// <summary>What must leave.</summary>
    public CredentialKind Credential { get; }

    /// <summary>The client has a credential of its own and sends the virtual key in its own field; otherwise the virtual key is all it has.</summary>
    public bool HasOwnCredential => Credential is CredentialKind.OAuth or CredentialKind.Byok;

    /// <summary>The four rows by name.</summary>
    public static TheoryData<string, bool> AllTurns
    {
        get
        {
            TheoryData<string, bool> turns = [];
            foreach (CredentialKind kind in new[] { CredentialKind.OAuth, CredentialKind.Byok, CredentialKind.Server, CredentialKind.None })
            {
                turns.Add(kind.ToString(), false);
                turns.Add(kind.ToString(), true);
            }

            return turns;
        }
    }

    public static ClientRow Of(string name) => new(Enum.Parse<CredentialKind>(name));

    public Task<GatewayFixture> StartGatewayAsync() => GatewayFixture.StartAsync(options =>
    {
        options.ServerKey = Credential == CredentialKind.None ? null : options.ServerKey;
        options.RequireCredentials = Credential != CredentialKind.None;
    });

    /// <summary>Exactly the one identity arrived, nothing of ours did, and every message was booked to the right payer, exactly.</summary>
    /// <param name="sendsKeyAsBearer">This client sends its own API key as a bearer, which leaves as it came (credentials.md row 7).</param>
    public async Task<IReadOnlyList<SpendRow>> AssertServedAsync(GatewayFixture gateway, int messages, bool sendsKeyAsBearer = false)
    {
        CredentialKind expected = Credential == CredentialKind.Byok && sendsKeyAsBearer ? CredentialKind.Bearer : Credential;
        IReadOnlyList<RequestRecord> arrived = [.. gateway.Simulator.Requests.All().Where(request => request.RawTarget.StartsWith("/v1/messages", StringComparison.Ordinal))];
        Assert.Equal(messages, arrived.Count(request => !request.RawTarget.Contains("count_tokens", StringComparison.Ordinal)));
        foreach (RequestRecord request in arrived)
        {
            Assert.Equal(
                expected switch { CredentialKind.OAuth => [$"Bearer {Oauth}"], CredentialKind.Bearer => [$"Bearer {Byok}"], _ => [] }, request.Values("authorization"));
            Assert.Equal(
                expected switch { CredentialKind.Byok => [Byok], CredentialKind.Server => [gateway.ServerKey!], _ => [] }, request.Values("x-api-key"));
            foreach ((string name, string value) in request.Fields)
            {
                Assert.False(name.StartsWith("x-litellm", StringComparison.OrdinalIgnoreCase), name);
                Assert.DoesNotContain(gateway.Key, value, StringComparison.Ordinal);
            }
        }

        IReadOnlyList<SpendRow> rows = [.. (await gateway.SpendAsync(arrived.Count)).Where(row => row.PathClass == PathClass.Messages)];
        Assert.Equal(messages, rows.Count);
        Assert.All(rows, row =>
        {
            Assert.Equal(expected, row.Credential);
            Assert.Equal("valid", row.KeyAlias);
            LedgerTruth.AssertEqual(gateway.Simulator, row);
        });
        return rows;
    }
}
