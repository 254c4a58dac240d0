using System.Buffers;
using System.Text;

namespace Proxy.Core.Tests.Forwarding;

/// <summary>The transport's blocks hold request heads, and go back to a pool that serves other connections: no credential is left in them.</summary>
public sealed class WipedBufferTests
{
    private const string Oauth = "sk-ant-oat01-of-the-client";

    public static TheoryData<string> Ends => ["served", "refused", "malformed", "leaves in its head", "resets in its head", "pipelines behind the last", "in two segments", "drained", "late"];

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task No_credential_is_left_in_a_block_however_the_request_ends(string end)
    {
        RememberingPool pool = new();
        await using (Bench bench = new(limits => limits with { LingerTimeout = TimeSpan.FromSeconds(1) }, memory: pool))
        {
            string head = Bench.Get(extra: $"Authorization: Bearer {Oauth}\r\n");
            switch (end)
            {
                case "served" or "in two segments":
                    string first = end == "served" ? head : head.Replace("Host", "X: " + new string('x', 5000) + "\r\nHost", StringComparison.Ordinal);
                    await bench.Client.SendAsync(first);
                    ScriptedUpstream upstream = await bench.UpstreamAsync();
                    _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
                    await upstream.RespondAsync(Bench.Ok("{}"));
                    _ = await bench.Client.ReadUntilAsync("{}");
                    break;
                case "refused":
                    await bench.Client.SendAsync(head.Replace("/anthropic/v1", "/nowhere", StringComparison.Ordinal));
                    _ = await bench.Client.ReadAnswerAsync();
                    break;
                case "malformed":
                    await bench.Client.SendAsync(head.Replace("Host: gateway\r\n", "Host: gateway\n", StringComparison.Ordinal));
                    _ = await bench.Client.ReadAnswerAsync();
                    await bench.Client.SendAsync(head);
                    break;
                case "leaves in its head":
                    await bench.Client.SendAsync(head[..^2]);
                    break;
                case "resets in its head":
                    await bench.Client.SendAsync(head[..^2]);
                    bench.Client.Sending.Complete(new Microsoft.AspNetCore.Connections.ConnectionResetException("scripted"));
                    break;
                case "pipelines behind the last":
                    await bench.Client.SendAsync(Bench.Get(path: "/nowhere", extra: "Connection: close\r\n") + head + head);
                    _ = await bench.Client.ReadAnswerAsync();
                    break;
                case "drained":
                    await bench.Client.SendAsync($"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: {head.Length}\r\n\r\n" + head);
                    _ = await bench.Client.ReadAnswerAsync();
                    break;
                case "late":
                    await bench.Client.SendAsync(head[..^2]);
                    bench.Pass(TimeSpan.FromSeconds(11));
                    _ = await bench.Client.ReadAnswerAsync();
                    break;
            }
        }

        string left = pool.Everything;
        Assert.DoesNotContain(Oauth, left, StringComparison.Ordinal);
        Assert.DoesNotContain(Bench.Key, left, StringComparison.Ordinal);
    }

    /// <summary>Keeps every block that it ever lent, as it came back.</summary>
    private sealed class RememberingPool : MemoryPool<byte>
    {
        private readonly List<byte[]> _blocks = [];

        public override int MaxBufferSize => 4096;

        public string Everything => string.Concat(_blocks.Select(Encoding.Latin1.GetString));

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
        {
            byte[] block = new byte[4096];
            _blocks.Add(block);
            return new Owner(block);
        }

        protected override void Dispose(bool disposing)
        {
        }

        private sealed record Owner(byte[] Block) : IMemoryOwner<byte>
        {
            public Memory<byte> Memory => Block;

            public void Dispose()
            {
            }
        }
    }
}
