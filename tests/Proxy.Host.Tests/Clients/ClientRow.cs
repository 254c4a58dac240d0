using Proxy.Core.Identity;
using Proxy.Host.Tests.EndToEnd;

namespace Proxy.Host.Tests.Clients;

/// <summary>One of the four credential rows: what a client is given beside the virtual key, and what the upstream must receive.</summary>
internal sealed record ClientRow(CredentialKind Payer, string? OwnToken, string? OwnKey, bool HasServerKey)
{
    private static readonly ClientRow[] All =
    [
        // The first two have a server key in reserve: it must not be used.
        new(CredentialKind.OAuth, "sk-ant-oat01-fake-subscription", null, HasServerKey: true),
        new(CredentialKind.Byok, null, "sk-ant-api03-fake-own-key", HasServerKey: true),
        new(CredentialKind.Server, null, null, HasServerKey: true),
        new(CredentialKind.None, null, null, HasServerKey: false),
    ];

    /// <summary>What becomes of an API key that its client sends as a bearer, as the TypeScript SDK does since 1.0.</summary>
    private static readonly ClientRow KeyAsBearer = new(CredentialKind.Bearer, "sk-ant-api03-fake-own-key", null, HasServerKey: true);

    /// <summary>Every row with every turn.</summary>
    public static TheoryData<CredentialKind, ClientTurn> Turns => Cross(All);

    /// <summary>The same, and an API key as a bearer.</summary>
    public static TheoryData<CredentialKind, ClientTurn> TurnsAndKeyAsBearer => Cross([.. All, KeyAsBearer]);

    public static ClientRow Of(CredentialKind payer) => payer == CredentialKind.Bearer ? KeyAsBearer : All.Single(row => row.Payer == payer);

    public Task<GatewayFixture> StartGatewayAsync() => GatewayFixture.StartAsync(options =>
    {
        options.ServerKey = HasServerKey ? options.ServerKey : null;
        options.RequireCredentials = Payer != CredentialKind.None;
    });

    /// <summary>
    /// What the client sends as a bearer. Clients that refuse to start without a credential get the virtual key once more where the client
    /// has none of its own: as a bearer in one row, as an API key in the other.
    /// </summary>
    public string? Token(GatewayFixture gateway) => Payer == CredentialKind.Server ? gateway.Key : OwnToken;

    /// <summary>What the client sends as <c>x-api-key</c>.</summary>
    public string? ApiKey(GatewayFixture gateway) => Payer == CredentialKind.None ? gateway.Key : OwnKey;

    /// <summary>The values of <c>authorization</c> that the upstream must receive.</summary>
    public string[] UpstreamAuthorization => OwnToken is null ? [] : ["Bearer " + OwnToken];

    /// <summary>The values of <c>x-api-key</c> that the upstream must receive.</summary>
    public string[] UpstreamApiKey(GatewayFixture gateway) =>
        OwnKey is not null ? [OwnKey] : Payer == CredentialKind.Server ? [gateway.ServerKey!] : [];

    private static TheoryData<CredentialKind, ClientTurn> Cross(IEnumerable<ClientRow> rows)
    {
        TheoryData<CredentialKind, ClientTurn> turns = [];
        foreach (ClientRow row in rows)
        {
            turns.Add(row.Payer, ClientTurn.Stream);
            turns.Add(row.Payer, ClientTurn.Tool);
        }

        return turns;
    }
}
