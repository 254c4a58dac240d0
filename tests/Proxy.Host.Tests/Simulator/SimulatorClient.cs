using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Proxy.Simulator;

namespace Proxy.Host.Tests.Simulator;

/// <summary>A client of one simulator: over TLS with its CA trusted, and over a bare socket where bytes matter.</summary>
internal sealed class SimulatorClient : IAsyncDisposable
{
    public const string StreamBody = """{"model":"claude-opus-5-5","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"hi"}]}""";
    public const string JsonBody = """{"model":"claude-opus-5-5","max_tokens":64,"messages":[{"role":"user","content":"hi"}]}""";

    private SimulatorClient(SimulatorServer server)
    {
        Server = server;
        X509Certificate2 ca = X509Certificate2.CreateFromPem(server.CaCertificatePem);
        SocketsHttpHandler handler = new()
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
                {
                    using X509Chain chain = new();
                    chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
                    chain.ChainPolicy.CustomTrustStore.Add(ca);
                    chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
                    return (errors & SslPolicyErrors.RemoteCertificateNameMismatch) == 0 && chain.Build(new X509Certificate2(certificate!));
                },
            },
        };
        Http = new HttpClient(handler) { BaseAddress = new Uri($"https://localhost:{server.HttpsPort}") };
        Http.DefaultRequestHeaders.Add("x-api-key", "sk-any");
    }

    public SimulatorServer Server { get; }

    public HttpClient Http { get; }

    public static async Task<SimulatorClient> StartAsync(SimulatorOptions? options = null) =>
        new(await SimulatorServer.StartAsync(options ?? new SimulatorOptions(), TestContext.Current.CancellationToken));

    public static HttpRequestMessage Message(string body, params string[] fields)
    {
        HttpRequestMessage request = new(HttpMethod.Post, "/v1/messages?beta=true")
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        foreach (string field in fields)
        {
            int colon = field.IndexOf(':');
            request.Headers.TryAddWithoutValidation(field[..colon], field[(colon + 1)..].Trim());
        }

        return request;
    }

    public async Task<(HttpResponseMessage Response, string Body)> AskAsync(string body, params string[] fields)
    {
        HttpResponseMessage response = await Http.SendAsync(Message(body, fields), TestContext.Current.CancellationToken);
        return (response, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>Everything that comes back over a plain connection until the simulator closes it.</summary>
    public async Task<string> RawAsync(string body, params string[] fields)
    {
        using TcpClient tcp = new("127.0.0.1", Server.HttpPort);
        string head = $"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nx-api-key: sk-any\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n"
            + string.Concat(fields.Select(field => field + "\r\n")) + "\r\n";
        NetworkStream stream = tcp.GetStream();
        await stream.WriteAsync(Encoding.UTF8.GetBytes(head + body), TestContext.Current.CancellationToken);
        using StreamReader reader = new(stream, Encoding.Latin1);
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Server.DisposeAsync();
    }
}
