using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Proxy.Core.Forwarding;
using Proxy.Core.Http1;

namespace Proxy.Core.Tests.Forwarding;

public sealed class HeldBodyTests
{
    [Fact]
    public void A_client_that_resets_behind_its_head_has_ended_its_side_and_is_no_fault()
    {
        Pipe pipe = new();
        pipe.Writer.Complete(new ConnectionResetException("scripted"));
        HeldBody held = new(pipe.Reader);
        held.Begin(new BodyReader(BodyFraming.Length, 10, ChunkLimits.Default));
        held.TryTake(inspector: null!);
        Assert.True(held.IsInputOver);
        Assert.False(held.IsHolding);
    }

    [Fact]
    public void A_body_that_is_over_leaves_the_next_request_in_the_input()
    {
        Pipe pipe = new();
        pipe.Writer.Write("GET / HTTP/1.1\r\n"u8);
        _ = pipe.Writer.FlushAsync();
        HeldBody held = new(pipe.Reader);
        held.Begin(new BodyReader(BodyFraming.Length, 0, ChunkLimits.Default));
        held.TryTake(inspector: null!);
        Assert.False(held.IsHolding);
        Assert.True(held.IsWhole);
    }
}
