using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Proxy.Host.Configuration;

namespace Proxy.Host.Tests.Admin;

/// <summary>Over TCP the admin key decides; over the socket its file's mode has.</summary>
public sealed class AdminAccessTests
{
    private const string AdminKey = "sk-admin-0123456789abcdef";

    [Theory]
    [InlineData(null, 401)]
    [InlineData("Bearer sk-wrong-0123456789", 401)]
    [InlineData("Bearer " + AdminKey, 200)]
    [InlineData(AdminKey, 200)]
    public async Task Tcp_needs_the_admin_key(string? authorization, int status)
    {
        await using AdminFixture admin = await AdminFixture.StartAsync(tcp: true);
        admin.AdminKeyHash = KeyHash.Of(AdminKey);
        using HttpResponseMessage response = await SendAsync(admin, "/key/list", authorization);
        Assert.Equal(status, (int)response.StatusCode);
        string body = await response.Content.ReadAsStringAsync();
        Assert.DoesNotContain("sk-", body, StringComparison.Ordinal);
        Assert.Equal(status == 401 ? "auth_error" : null, JsonNode.Parse(body)!["error"]?["type"]!.GetValue<string>());
    }

    [Fact]
    public async Task Without_an_admin_key_nobody_is_let_in()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync(tcp: true);
        using HttpResponseMessage response = await SendAsync(admin, "/key/list", "Bearer " + AdminKey);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task A_virtual_key_may_ask_about_itself_and_nothing_else()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync(tcp: true);
        admin.AdminKeyHash = KeyHash.Of(AdminKey);
        (string key, string hash) = await admin.NewKeyAsync();
        using HttpResponseMessage own = await SendAsync(admin, "/key/info", $"Bearer {key}");
        Assert.Equal(hash, JsonNode.Parse(await own.Content.ReadAsStringAsync())!["info"]!["token"]!.GetValue<string>());
        foreach (string path in new[] { $"/key/info?key={hash}", "/key/list", "/spend/logs", "/metrics", "/audit" })
        {
            using HttpResponseMessage refused = await SendAsync(admin, path, $"Bearer {key}");
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }
    }

    [Fact]
    public async Task Neither_an_alias_nor_a_hash_opens_what_only_the_key_opens()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync(tcp: true);
        admin.AdminKeyHash = KeyHash.Of(AdminKey);
        (_, string hash) = await admin.NewKeyAsync("""{"key_alias":"cfo-laptop"}""");
        (_, string odd) = await admin.NewKeyAsync("""{"key_alias":"sk-odd-alias-0123456789"}""");
        HashSet<string> answers = [];
        foreach (string guess in new[] { "cfo-laptop", hash, hash.ToUpperInvariant(), odd, "sk-odd-alias-0123456789", "nobody", "sk-nobody-0123456789" })
        {
            using HttpResponseMessage refused = await SendAsync(admin, "/key/info", $"Bearer {guess}");
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
            answers.Add(await refused.Content.ReadAsStringAsync());
        }

        using HttpResponseMessage elsewhere = await SendAsync(admin, "/key/list", "Bearer cfo-laptop");
        answers.Add(await elsewhere.Content.ReadAsStringAsync());
        Assert.Single(answers);
    }

    [Fact]
    public async Task The_admin_key_is_never_made_a_virtual_key()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        admin.AdminKeyHash = KeyHash.Of(AdminKey);
        await admin.NewKeyAsync("""{"key_alias":"a"}""");
        await admin.PostAsync("/key/generate", $$"""{"key":"{{AdminKey}}"}""", 400);
        await admin.PostAsync("/key/regenerate", $$"""{"key":"a","new_key":"{{AdminKey}}"}""", 400);
    }

    [Fact]
    public async Task Probes_need_no_key()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync(tcp: true);
        using HttpResponseMessage response = await SendAsync(admin, "/health/readiness", null);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task The_socket_is_for_its_owner_alone()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(admin.Socket));
        }
    }

    [Fact]
    public async Task A_body_of_more_than_a_megabyte_is_refused()
    {
        await using AdminFixture admin = await AdminFixture.StartAsync();
        using HttpRequestMessage request = new(HttpMethod.Post, "/key/generate")
        {
            Content = new StringContent("{\"metadata\":{\"x\":\"" + new string('x', 1 << 20) + "\"}}", Encoding.UTF8, "application/json"),
        };
        request.Headers.ExpectContinue = true;
        using HttpResponseMessage response = await admin.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    private static async Task<HttpResponseMessage> SendAsync(AdminFixture admin, string path, string? authorization)
    {
        using HttpClient client = new();
        using HttpRequestMessage request = new(HttpMethod.Get, $"http://127.0.0.1:{admin.Port}{path}");
        if (authorization is not null)
        {
            if (authorization.StartsWith("Bearer ", StringComparison.Ordinal))
            {
                request.Headers.Authorization = AuthenticationHeaderValue.Parse(authorization);
            }
            else
            {
                request.Headers.Add("x-litellm-api-key", authorization);
            }
        }

        return await client.SendAsync(request);
    }
}
