using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Proxy.Core.Outcomes;
using Proxy.Host.Configuration;
using Proxy.Host.Tests.EndToEnd;
using Proxy.Host.Tests.Storage;
using Proxy.Simulator.Tls;

namespace Proxy.Host.Tests.Wire;

/// <summary>The data port over TLS: what is refused, and what a client that breaks off its TLS gets.</summary>
public sealed class ClientTlsTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly ThrowawayCa _ca = new();

    public void Dispose()
    {
        _ca.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task Requests_and_refusals_are_the_same_as_in_clear()
    {
        await using RawUpstream upstream = new();
        await using GatewayFixture gateway = await StartAsync(upstream);
        await using (SslStream client = await ConnectAsync(gateway))
        {
            await client.WriteAsync(Encoding.ASCII.GetBytes($"GET /anthropic/v1/models HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: {gateway.Key}\r\nConnection: close\r\nx-nonce: tls\r\n\r\n"));
            Assert.Contains("\"tls\"", await ReadAllAsync(client), StringComparison.Ordinal);
        }

        foreach (string bad in new[] { "GET / HTTP/1.1\nHost: a\n\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "GET /.. HTTP/1.1\r\nHost: a\r\n\r\n" })
        {
            await using SslStream client = await ConnectAsync(gateway);
            await client.WriteAsync(Encoding.ASCII.GetBytes(bad));
            WireBench.AssertOneError(await ReadAllAsync(client), 400);
        }
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("\u0016\u0003\u0001\0\u0005xxxxx")]
    public async Task What_is_no_TLS_is_closed(string bytes)
    {
        await using RawUpstream upstream = new();
        await using GatewayFixture gateway = await StartAsync(upstream);
        await using RawClient client = await gateway.ConnectAsync();
        await client.SendAsync(bytes);
        string answer = Encoding.Latin1.GetString(await EndAsync(client));
        Assert.DoesNotContain("HTTP/", answer, StringComparison.Ordinal);
        Assert.Equal("", upstream.Received);
    }

    [Fact]
    public async Task A_handshake_that_does_not_end_is_closed_after_its_deadline()
    {
        await using RawUpstream upstream = new();
        await using GatewayFixture gateway = await StartAsync(upstream, TimeSpan.FromMilliseconds(300));
        await using RawClient client = await gateway.ConnectAsync();
        await client.SendAsync("\u0016\u0003\u0001");
        _ = await EndAsync(client);
        await WireBench.UntilAsync(() => gateway.Gateway.Connections.Count == 0);
    }

    [Fact]
    public async Task A_client_that_breaks_off_without_close_notify_has_left()
    {
        TaskCompletionSource cut = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using RawUpstream upstream = new(async peer =>
        {
            _ = await peer.ReadRequestAsync();
            await peer.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun");
            await peer.WaitForEndAsync();
            cut.SetResult();
        });
        await using GatewayFixture gateway = await StartAsync(upstream);
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, gateway.Port);
        SslStream client = await HandshakeAsync(socket);
        await client.WriteAsync(Encoding.ASCII.GetBytes($"GET /anthropic/v1/models HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: {gateway.Key}\r\n\r\n"));
        byte[] buffer = new byte[1000];
        Assert.NotEqual(0, await client.ReadAsync(buffer));
        socket.Shutdown(SocketShutdown.Both);
        await cut.Task;
        Assert.Equal(EndReason.ClientGone, Assert.Single(await gateway.SpendAsync(1)).EndReason);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\nHost: a\n\n", "HTTP/1.1 400 ")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 400 ")]
    [InlineData("GET /anthropic/v1/models HTTP/1.0\r\nx-litellm-api-key: {key}\r\n\r\n", "HTTP/1.1 200 ")]
    public async Task The_last_answer_ends_in_close_notify_and_what_still_comes_does_not_reset_it_away(string request, string answer)
    {
        await using RawUpstream upstream = new();
        await using GatewayFixture gateway = await StartAsync(upstream);
        await using SslStream client = await ConnectAsync(gateway);
        await client.WriteAsync(Encoding.ASCII.GetBytes(request.Replace("{key}", gateway.Key, StringComparison.Ordinal)));

        // It ends long before the gateway stops to read.
        Assert.StartsWith(answer, await ReadAllAsync(client), StringComparison.Ordinal);
        for (int i = 0; i < 16; i++)
        {
            await client.WriteAsync(new byte[16 * 1024]);
        }

        Assert.Equal(0, await client.ReadAsync(new byte[1]));
    }

    [Fact]
    public async Task A_client_that_offers_HTTP_1_0_is_served_and_one_that_offers_only_others_is_not()
    {
        await using RawUpstream upstream = new();
        await using GatewayFixture gateway = await StartAsync(upstream);
        await using SslStream old = await ConnectAsync(gateway, "http/1.0");
        Assert.Equal("http/1.0", old.NegotiatedApplicationProtocol.ToString());
        await old.WriteAsync(Encoding.ASCII.GetBytes($"GET /anthropic/v1/models HTTP/1.0\r\nx-litellm-api-key: {gateway.Key}\r\n\r\n"));
        Assert.StartsWith("HTTP/1.1 200 ", await ReadAllAsync(old), StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(gateway, "h2"));
    }

    private async Task<GatewayFixture> StartAsync(RawUpstream upstream, TimeSpan? handshake = null)
    {
        using X509Certificate2 certificate = _ca.Issue(["localhost"]);
        string certificateFile = _directory.Write("tls.pem", certificate.ExportCertificatePem());
        string keyFile = _directory.Write("tls.key", certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        return await GatewayFixture.StartAsync(options =>
        {
            options.UpstreamUrl = upstream.Url;
            options.Limits = limits => limits with { LingerTimeout = TimeSpan.FromMinutes(1) };
            options.Tls = new TlsConfiguration(certificateFile, keyFile, handshake ?? TimeSpan.FromSeconds(10));
        });
    }

    private async Task<SslStream> ConnectAsync(GatewayFixture gateway, string? protocol = null)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, gateway.Port);
        return await HandshakeAsync(socket, protocol);
    }

    private async Task<SslStream> HandshakeAsync(Socket socket, string? protocol = null)
    {
        SslStream client = new(new NetworkStream(socket, ownsSocket: true));
        X509ChainPolicy policy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(X509Certificate2.CreateFromPem(_ca.CertificatePem));
        await client.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            CertificateChainPolicy = policy,
            ApplicationProtocols = protocol is null ? null : [new SslApplicationProtocol(protocol)],
        });
        return client;
    }

    private static async Task<string> ReadAllAsync(SslStream client)
    {
        using StreamReader reader = new(client, Encoding.Latin1, leaveOpen: true);
        return await reader.ReadToEndAsync();
    }

    private static async Task<byte[]> EndAsync(RawClient client)
    {
        try
        {
            return await client.ReceiveAllAsync();
        }
        catch (IOException)
        {
            return [];
        }
    }
}
