using System.Net.Sockets;
using System.Text;
using Proxy.Core.Outcomes;
using Proxy.Host.Tests.EndToEnd;
using Proxy.Host.Tests.Storage;
using Proxy.Host.Tests.Wire;

namespace Proxy.Host.Tests.Crash;

/// <summary>SIGTERM to the real executable: nothing new is taken, what is under way ends on its own terms or at the deadline, all of it is booked, and the exit code is 0.</summary>
public sealed class DrainTests : IDisposable
{
    private const string Key = "sk-drain-0000000000000000000";
    private const string Head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

    private readonly TempDirectory _directory = new();
    private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_stream_under_way_ends_whole_and_nothing_new_is_taken()
    {
        await using RawUpstream upstream = new(HeldStreamAsync);
        await using TollwayProcess gateway = new(_directory.Root, new Uri(upstream.Url), null, Key);
        await gateway.StartAsync();
        await using RawClient idle = await RawClient.ConnectAsync(gateway.Port);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await client.SendAsync(Request());
        _ = await client.ReadThroughAsync("first"u8.ToArray());

        await gateway.TerminateAsync();
        Assert.Empty(await idle.ReceiveAllAsync());
        await WireBench.UntilAsync(() => !Accepts(gateway.Port));
        _goOn.SetResult();
        string rest = Encoding.Latin1.GetString(await client.ReceiveAllAsync());
        Assert.EndsWith("last\r\n0\r\n\r\n", rest, StringComparison.Ordinal);
        Assert.Equal(0, await gateway.ExitAsync());
        Assert.Equal(EndReason.Complete, Booked(gateway).EndReason);
    }

    [Fact]
    public async Task An_answer_that_begins_while_it_drains_says_that_it_is_the_last()
    {
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using RawUpstream upstream = new(async peer =>
        {
            _ = await peer.ReadRequestAsync();
            arrived.SetResult();
            await _goOn.Task;
            await peer.SendAsync(RawUpstream.Ok("late"));
            await peer.WaitForEndAsync();
        });
        await using TollwayProcess gateway = new(_directory.Root, new Uri(upstream.Url), null, Key);
        await gateway.StartAsync();
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await client.SendAsync(Request());
        await arrived.Task;
        await gateway.TerminateAsync();
        await WireBench.UntilAsync(() => !Accepts(gateway.Port));
        _goOn.SetResult();
        string answer = Encoding.Latin1.GetString(await client.ReceiveAllAsync());
        Assert.Contains("Connection: close\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("\"late\"", answer, StringComparison.Ordinal);
        Assert.Equal(0, await gateway.ExitAsync());
    }

    [Fact]
    public async Task What_has_not_ended_at_the_deadline_is_cut_and_booked()
    {
        await using RawUpstream upstream = new(HeldStreamAsync);
        await using TollwayProcess gateway = new(_directory.Root, new Uri(upstream.Url), null, Key, drainSeconds: 0.5);
        await gateway.StartAsync();
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await client.SendAsync(Request());
        _ = await client.ReadThroughAsync("first"u8.ToArray());
        Assert.Equal(0, await gateway.StopAsync());
        await AssertCutAsync(client);
        Assert.NotEqual(EndReason.Complete, Booked(gateway).EndReason);
    }

    [Fact]
    public async Task A_second_SIGTERM_ends_it_at_once()
    {
        await using RawUpstream upstream = new(HeldStreamAsync);
        await using TollwayProcess gateway = new(_directory.Root, new Uri(upstream.Url), null, Key, drainSeconds: 3600);
        await gateway.StartAsync();
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await client.SendAsync(Request());
        _ = await client.ReadThroughAsync("first"u8.ToArray());
        await gateway.TerminateAsync();
        await WireBench.UntilAsync(() => !Accepts(gateway.Port));
        Assert.Equal(0, await gateway.StopAsync());
        await AssertCutAsync(client);
        Assert.NotEqual(EndReason.Complete, Booked(gateway).EndReason);
    }

    private static string Request() => $"POST /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\nx-litellm-api-key: {Key}\r\nContent-Length: 2\r\n\r\n{{}}";

    private static bool Accepts(int port)
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(System.Net.IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static SpendRow Booked(TollwayProcess gateway) => Assert.Single(new LedgerReader(gateway.LedgerPath).ReadAll());

    private static async Task AssertCutAsync(RawClient client)
    {
        try
        {
            Assert.DoesNotContain("0\r\n\r\n", Encoding.Latin1.GetString(await client.ReceiveAllAsync()), StringComparison.Ordinal);
        }
        catch (IOException)
        {
            // Reset: cut as well.
        }
    }

    private async Task HeldStreamAsync(UpstreamPeer peer)
    {
        _ = await peer.ReadRequestAsync();
        await peer.SendAsync(Head + "5\r\nfirst\r\n");
        if (await Task.WhenAny(_goOn.Task, peer.WaitForEndAsync()) != _goOn.Task)
        {
            return;
        }

        await peer.SendAsync("4\r\nlast\r\n0\r\n\r\n");
    }
}
