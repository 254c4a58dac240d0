using System.Text;
using Proxy.Core.Identity;
using Proxy.Core.Outcomes;
using static Proxy.Core.Tests.Identity.Keys;

namespace Proxy.Core.Tests.Identity;

/// <summary>
/// credentials.md, row by row, as far as values decide. Rows 23, 25, 28, 30 to 34, 36 and 38 are decided by the parser, the head writer and
/// the exchange: CredentialEndToEndTests has them over real sockets.
/// </summary>
public sealed class CredentialPolicyTests
{
    private static readonly CredentialRow[] Accepted =
    [
        new("1 the company pays", Alice),
        new("2 Bearer", $"Bearer {Alice}"),
        new("2 bearer, lower case, extra spaces", $"bearer    {Alice}"),
        new("2 BEARER", $"BEARER {Alice}"),
        new("3 subscription, S set", Alice, $"Bearer {Oauth}") { Sends = CredentialKind.OAuth },
        new("3 subscription, S not set", Alice, $"Bearer {Oauth}") { Route = RouteKind.AnthropicWithoutKey, Sends = CredentialKind.OAuth },
        new("3 subscription, extra spaces, any case", Alice, $"bEARER   {Oauth}") { Sends = CredentialKind.OAuth },
        new("4 own key, S set", Alice, null, Byok) { Sends = CredentialKind.Byok },
        new("4 own key, S not set", Alice, null, Byok) { Route = RouteKind.AnthropicWithoutKey, Sends = CredentialKind.Byok },
        new("5 subscription before own key", Alice, $"Bearer {Oauth}", Byok) { Sends = CredentialKind.OAuth },
        new("6 apiKeyHelper", Alice, $"Bearer {Byok}", Byok) { Sends = CredentialKind.Byok },
        new("7 workload identity", Alice, $"Bearer {Workload}") { Sends = CredentialKind.Bearer },
        new("7 API key as bearer", Alice, $"Bearer {Byok}") { Sends = CredentialKind.Bearer },
        new("7 another bearer, S not set", Alice, $"Bearer {Workload}") { Route = RouteKind.AnthropicWithoutKey, Sends = CredentialKind.Bearer },
        new("7 an unknown sk- value is the upstream's to judge", Alice, $"Bearer {Wrong}") { Sends = CredentialKind.Bearer },
        new("8 VK as bearer", null, $"Bearer {Alice}"),
        new("8 VK as bearer, any case, extra spaces", null, $"beareR  {Alice}"),
        new("9 VK as x-api-key", null, null, Alice),
        new("10 VK in both", null, $"Bearer {Alice}", Alice),
        new("10 VK1 as bearer, VK2 as x-api-key", null, $"Bearer {Alice}", Bob),
        new("11 subscription, VK as x-api-key", null, $"Bearer {Oauth}", Alice) { Sends = CredentialKind.OAuth },
        new("11 another bearer, VK as x-api-key", null, $"Bearer {Workload}", Alice) { Sends = CredentialKind.Bearer },
        new("12 VK twice", Alice, $"Bearer {Alice}"),
        new("12 VK three times", Alice, $"Bearer {Alice}", Alice),
        new("13 decoy as bearer", Alice, $"Bearer {Bob}"),
        new("13 decoy as x-api-key", Alice, null, Bob),
        new("13 decoy as bearer, own key", Alice, $"Bearer {Bob}", Byok) { Sends = CredentialKind.Byok },
        new("13 a blocked decoy is stripped too", Alice, $"Bearer {Blocked}", Expired),
        new("14 VK as bearer, own key", null, $"Bearer {Alice}", Byok) { Sends = CredentialKind.Byok },
        new("17 no S", Alice) { Route = RouteKind.AnthropicWithoutKey, Sends = CredentialKind.None },
        new("17 no S, VK as bearer", null, $"Bearer {Alice}") { Route = RouteKind.AnthropicWithoutKey, Sends = CredentialKind.None },
        new("18 empty authorization", Alice, ""),
        new("18 bearer of nothing", Alice, "Bearer"),
        new("18 bearer of nothing beside an own key", Alice, "Bearer", Byok) { Sends = CredentialKind.Byok },
        new("19 empty x-api-key", Alice, null, ""),
        new("19 empty x-api-key beside a subscription", Alice, $"Bearer {Oauth}", "") { Sends = CredentialKind.OAuth },
        new("20 None as authorization", Alice, "None"),
        new("20 Bearer None", Alice, "Bearer None"),
        new("20 bearer undefined", Alice, "bearer  UNDEFINED"),
        new("20 None as x-api-key", Alice, null, "None"),
        new("20 NULL as x-api-key", Alice, null, "NULL"),
        new("20 Bearer None as x-api-key", Alice, null, "Bearer None"),
        new("20 bearer of nothing as x-api-key", Alice, null, "Bearer"),
        new("20 bearer null as x-api-key, no S", Alice, null, "bearer null") { Route = RouteKind.AnthropicWithoutKey, Sends = CredentialKind.None },
        new("20 undefined as both", Alice, "undefined", "undefined"),
        new("20 null as x-api-key, no S", Alice, "null", "null") { Route = RouteKind.AnthropicWithoutKey, Sends = CredentialKind.None },
        new("21 empty gateway key, VK as bearer", "", $"Bearer {Alice}"),
        new("21 bearer of nothing as gateway key, VK as x-api-key", "Bearer", null, Alice),
        new("24 Basic", Alice, "Basic dXNlcjpwYXNz"),
        new("24 no scheme", Alice, Workload),
        new("24 a VK without a scheme", Alice, Bob),
        new("24 a scheme that only begins like bearer", Alice, $"Bearers {Workload}"),
        new("24 a tab after the scheme", Alice, $"Bearer\t{Workload}"),
        new("24 Basic, no S", Alice, "Basic dXNlcjpwYXNz") { Route = RouteKind.AnthropicWithoutKey, Sends = CredentialKind.None },
        new("26 subscription token as x-api-key", Alice, null, Oauth) { Sends = CredentialKind.Byok },
        new("29 subscription, foreign host", Alice, $"Bearer {Oauth}") { Route = RouteKind.Foreign },
        new("29 own key, foreign host", Alice, null, Byok) { Route = RouteKind.Foreign },
        new("29 another bearer, foreign host", Alice, $"Bearer {Workload}") { Route = RouteKind.Foreign },
        new("29 all, foreign host", Alice, $"Bearer {Oauth}", Byok) { Route = RouteKind.Foreign },
        new("29 no client credential, foreign host without key", Alice) { Route = RouteKind.ForeignWithoutKey, Sends = CredentialKind.None },
        new("29 None is no client credential", Alice, "Bearer None", "null") { Route = RouteKind.ForeignWithoutKey, Sends = CredentialKind.None },
        new("29 VK is no client credential", null, $"Bearer {Alice}", Alice) { Route = RouteKind.ForeignWithoutKey, Sends = CredentialKind.None },
        new("37 admin key beside a VK never leaves", Alice, $"Bearer {Admin}", Admin),
        new("37 VK as bearer decides, the admin key is stripped", null, $"Bearer {Alice}", Admin),
        new("http-rules 63 VK behind a scheme in x-api-key", Alice, null, $"Bearer {Alice}"),
        new("http-rules 63 decoy behind a scheme in x-api-key", Alice, null, $"Bearer {Bob}"),
        new("http-rules 63 scheme twice", Alice, $"Bearer Bearer {Bob}"),
        new("http-rules 63 VK and more", Alice, $"Bearer {Bob} x", $"x\t{Bob}"),
        new("http-rules 63 VK that looks like a subscription", Alice, $"Bearer {Disguised}", Disguised),
        new("words that are no key of ours are the upstream's to judge", Alice, $"Bearer {Wrong} x") { Sends = CredentialKind.Bearer },
        new("a VK that looks like a subscription, in its own field", Disguised) { Caller = "disguised", Key = Disguised },
    ];

    private static readonly CredentialRow[] RefusedRows =
    [
        new("15 wrong key, valid one as bearer", Wrong, $"Bearer {Alice}") { Refused = RefusalReason.KeyUnknown },
        new("15 wrong key, valid one as x-api-key", Wrong, null, Alice) { Refused = RefusalReason.KeyUnknown },
        new("15 wrong key, subscription", Wrong, $"Bearer {Oauth}") { Refused = RefusalReason.KeyUnknown },
        new("15 prefix of a key", Alice[..^1]) { Refused = RefusalReason.KeyUnknown },
        new("15 key and one byte more", Alice + "0") { Refused = RefusalReason.KeyUnknown },
        new("15 key in another case", Alice.ToUpperInvariant()) { Refused = RefusalReason.KeyUnknown },
        new("15 hash of a key", Hash(Alice)) { Refused = RefusalReason.KeyUnknown },
        new("15 another scheme", $"Basic {Alice}") { Refused = RefusalReason.KeyUnknown },
        new("15 a tab after the scheme", $"Bearer\t{Alice}") { Refused = RefusalReason.KeyUnknown },
        new("15 scheme twice", $"Bearer Bearer {Alice}") { Refused = RefusalReason.KeyUnknown },
        new("15 no sk-", "alice") { Refused = RefusalReason.KeyUnknown },
        new("15 very long", "sk-" + new string('x', 510)) { Refused = RefusalReason.KeyUnknown },
        new("16 nothing", null) { Refused = RefusalReason.KeyMissing },
        new("16 subscription only", null, $"Bearer {Oauth}") { Refused = RefusalReason.KeyMissing },
        new("16 own key only", null, null, Byok) { Refused = RefusalReason.KeyMissing },
        new("16 both", null, $"Bearer {Oauth}", Byok) { Refused = RefusalReason.KeyMissing },
        new("16 wrong key as bearer", null, $"Bearer {Wrong}") { Refused = RefusalReason.KeyMissing },
        new("16 VK without a scheme", null, Alice) { Refused = RefusalReason.KeyMissing },
        new("16 VK behind a scheme in x-api-key", null, null, $"Bearer {Alice}") { Refused = RefusalReason.KeyMissing },
        new("16 VK that looks like a subscription, as bearer", null, $"Bearer {Disguised}") { Refused = RefusalReason.KeyMissing },
        new("16 empty fields", "", "", "") { Refused = RefusalReason.KeyMissing },
        new("22 None", "None") { Refused = RefusalReason.KeyUnknown },
        new("22 Bearer null", "Bearer null", $"Bearer {Alice}") { Refused = RefusalReason.KeyUnknown },
        new("22 undefined", "undefined", null, Alice) { Refused = RefusalReason.KeyUnknown },
        new("29 subscription, foreign host without key", Alice, $"Bearer {Oauth}")
        {
            Route = RouteKind.ForeignWithoutKey,
            Refused = RefusalReason.CredentialNotForThisHost,
        },
        new("29 own key, foreign host without key", null, $"Bearer {Alice}", Byok)
        {
            Route = RouteKind.ForeignWithoutKey,
            Refused = RefusalReason.CredentialNotForThisHost,
        },
        new("35 blocked", Blocked) { Refused = RefusalReason.KeyBlocked, Caller = "blocked" },
        new("35 blocked, with a subscription", Blocked, $"Bearer {Oauth}") { Refused = RefusalReason.KeyBlocked, Caller = "blocked" },
        new("35 blocked, valid VK elsewhere", Blocked, $"Bearer {Alice}", Bob) { Refused = RefusalReason.KeyBlocked, Caller = "blocked" },
        new("35 blocked as bearer, valid VK as x-api-key", null, $"Bearer {Blocked}", Alice) { Refused = RefusalReason.KeyBlocked, Caller = "blocked" },
        new("35 expired to the millisecond", Expired) { Refused = RefusalReason.KeyExpired, Caller = "expired" },
        new("35 expired as x-api-key, with a subscription", null, $"Bearer {Oauth}", Expired) { Refused = RefusalReason.KeyExpired, Caller = "expired" },
        new("37 admin key", Admin) { Refused = RefusalReason.AdminKey },
        new("37 Bearer admin key", $"Bearer {Admin}") { Refused = RefusalReason.AdminKey },
        new("37 admin key as bearer", null, $"Bearer {Admin}") { Refused = RefusalReason.AdminKey },
        new("37 admin key as x-api-key", null, null, Admin) { Refused = RefusalReason.AdminKey },
        new("37 admin key decides before a VK", null, $"Bearer {Admin}", Alice) { Refused = RefusalReason.AdminKey },
        new("37 admin key as x-api-key, with a subscription", null, $"Bearer {Oauth}", Admin) { Refused = RefusalReason.AdminKey },
    ];

    public static TheoryData<CredentialRow> AcceptedRows => [.. Accepted];

    public static TheoryData<CredentialRow> Refusals => [.. RefusedRows];

    [Theory]
    [MemberData(nameof(AcceptedRows))]
    public void Exactly_one_identity_leaves(CredentialRow row)
    {
        CredentialDecision decision = Decide(row, out string gatewayKey);
        Assert.Equal(RefusalReason.None, decision.Refusal);
        Assert.Equal(row.Sends, decision.Credential);
        Assert.Equal(row.Caller, decision.Principal?.Key.Alias);
        Assert.Equal(row.Key, gatewayKey);
        Assert.Equal(row.Sends is CredentialKind.OAuth or CredentialKind.Bearer, decision.ForwardAuthorization);
        Assert.Equal(row.Sends is CredentialKind.Byok, decision.ForwardApiKey);
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public void A_refusal_names_its_reason_and_sends_nothing(CredentialRow row)
    {
        CredentialDecision decision = Decide(row, out string gatewayKey);
        Assert.Equal(row.Refused, decision.Refusal);
        Assert.Equal(CredentialKind.None, decision.Credential);
        Assert.Equal("", gatewayKey);
        string? caller = row.Refused switch
        {
            RefusalReason.KeyBlocked or RefusalReason.KeyExpired => row.Caller,
            RefusalReason.CredentialNotForThisHost => "alice",
            _ => null,
        };
        Assert.Equal(caller, decision.Principal?.Key.Alias);
    }

    [Fact]
    public void The_gateway_key_is_the_bare_key_where_it_stands()
    {
        byte[] value = Encoding.ASCII.GetBytes($"Bearer   {Alice}");
        PresentedCredentials presented = new() { HasGatewayKey = true, GatewayKey = value };
        CredentialPolicy.Decide(presented, Table, Route(RouteKind.Anthropic), Now, out ReadOnlySpan<byte> gatewayKey);
        Assert.True(value.AsSpan().Overlaps(gatewayKey, out int offset));
        Assert.Equal((9, Alice.Length), (offset, gatewayKey.Length));
    }

    [Fact]
    public void A_key_expires_at_its_time_and_not_before()
    {
        PresentedCredentials presented = new() { HasGatewayKey = true, GatewayKey = Encoding.ASCII.GetBytes(Expired) };
        Assert.Equal(RefusalReason.None, CredentialPolicy.Decide(presented, Table, Route(RouteKind.Anthropic), Now - 1, out _).Refusal);
        Assert.Equal(RefusalReason.KeyExpired, CredentialPolicy.Decide(presented, Table, Route(RouteKind.Anthropic), Now, out _).Refusal);
    }

    [Fact]
    public void No_value_of_an_absent_field_counts()
    {
        PresentedCredentials presented = new() { GatewayKey = Encoding.ASCII.GetBytes(Alice), ApiKey = Encoding.ASCII.GetBytes(Alice) };
        Assert.Equal(RefusalReason.KeyMissing, CredentialPolicy.Decide(presented, Table, Route(RouteKind.Anthropic), Now, out _).Refusal);
    }

    [Fact]
    public void Decisions_allocate_nothing()
    {
        RouteCredentials route = Route(RouteKind.Anthropic);
        byte[][] values = [.. Accepted.Concat(RefusedRows).SelectMany(row => new[] { Bytes(row.GatewayKey), Bytes(row.Authorization), Bytes(row.ApiKey) })];
        for (int round = 0; round < 50; round++)
        {
            DecideAll(values, route);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        DecideAll(values, route);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void DecideAll(byte[][] values, RouteCredentials route)
    {
        for (int i = 0; i < values.Length; i += 3)
        {
            PresentedCredentials presented = new()
            {
                HasGatewayKey = true,
                GatewayKey = values[i],
                HasAuthorization = true,
                Authorization = values[i + 1],
                HasApiKey = true,
                ApiKey = values[i + 2],
            };
            CredentialPolicy.Decide(presented, Table, route, Now, out _);
        }
    }

    private static CredentialDecision Decide(CredentialRow row, out string gatewayKey)
    {
        PresentedCredentials presented = new()
        {
            HasGatewayKey = row.GatewayKey is not null,
            GatewayKey = Bytes(row.GatewayKey),
            HasAuthorization = row.Authorization is not null,
            Authorization = Bytes(row.Authorization),
            HasApiKey = row.ApiKey is not null,
            ApiKey = Bytes(row.ApiKey),
        };
        CredentialDecision decision = CredentialPolicy.Decide(presented, Table, Route(row.Route), Now, out ReadOnlySpan<byte> key);
        gatewayKey = Encoding.ASCII.GetString(key);
        return decision;
    }

    private static RouteCredentials Route(RouteKind kind) => new(
        kind is RouteKind.Anthropic or RouteKind.Foreign ? "sk-ant-api03-server" : null,
        kind is RouteKind.Anthropic or RouteKind.AnthropicWithoutKey);

    private static byte[] Bytes(string? text) => text is null ? [] : Encoding.ASCII.GetBytes(text);
}
