using System.Text;
using Microsoft.Extensions.Time.Testing;
using Proxy.Core.Anthropic;
using Proxy.Core.Http1;
using Proxy.Core.Identity;
using Proxy.Core.Routing;
using Proxy.Core.Upstream;

namespace Proxy.Core.Tests.Routing;

public sealed class RouteTableTests
{
    private static readonly RouteTable Table = new([Make("/a"), Make("/anthropic"), Make("/anthropic/eu"), Make("/Anthropic2")]);

    [Theory]
    [InlineData("/anthropic/v1/messages", "/anthropic", "/v1/messages")]
    [InlineData("/anthropic", "/anthropic", "")]
    [InlineData("/anthropic/", "/anthropic", "/")]
    [InlineData("/anthropic//v1", "/anthropic", "//v1")]
    [InlineData("/anthropic/eu", "/anthropic/eu", "")]
    [InlineData("/anthropic/eu/v1", "/anthropic/eu", "/v1")]
    [InlineData("/anthropic/europe", "/anthropic", "/europe")]
    [InlineData("/anthropic/%65u/v1", "/anthropic", "/%65u/v1")]
    [InlineData("/a/nthropic", "/a", "/nthropic")]
    [InlineData("/Anthropic2/x", "/Anthropic2", "/x")]
    public void The_longest_prefix_wins_and_the_rest_is_byte_exact(string path, string prefix, string rest)
    {
        Assert.True(Table.TryMatch(Encoding.ASCII.GetBytes(path), out Route? route, out ReadOnlySpan<byte> upstreamPath));
        Assert.Equal(prefix, route.Prefix);
        Assert.Equal(rest, Encoding.ASCII.GetString(upstreamPath));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("//anthropic/v1")]
    [InlineData("/anthropi")]
    [InlineData("/anthropics")]
    [InlineData("/anthropic@evil")]
    [InlineData("/anthropic.evil/v1")]
    [InlineData("/anthropic;x/v1")]
    [InlineData("/anthropic%2fv1")]
    [InlineData("/Anthropic/v1")]
    [InlineData("/ANTHROPIC")]
    [InlineData("/%61nthropic/v1")]
    [InlineData("anthropic/v1")]
    [InlineData("/x/anthropic/v1")]
    public void A_prefix_ends_at_a_slash_in_its_own_spelling(string path)
    {
        Assert.False(Table.TryMatch(Encoding.ASCII.GetBytes(path), out Route? route, out ReadOnlySpan<byte> upstreamPath));
        Assert.Null(route);
        Assert.True(upstreamPath.IsEmpty);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("anthropic")]
    [InlineData("/anthropic/")]
    [InlineData("//anthropic")]
    [InlineData("/anthropic//eu")]
    [InlineData("/anthropic/../eu")]
    [InlineData("/.")]
    [InlineData("/anthropic?x")]
    [InlineData("/anthropic%65")]
    [InlineData("/an thropic")]
    [InlineData("/an\u00e9")]
    public void A_prefix_of_another_form_is_refused(string prefix) => Assert.Throws<ArgumentException>(() => Make(prefix));

    [Fact]
    public void Two_routes_with_one_prefix_are_refused() => Assert.Throws<ArgumentException>(() => new RouteTable([Make("/a"), Make("/b"), Make("/a")]));

    [Fact]
    public void A_table_without_routes_matches_nothing() => Assert.False(new RouteTable([]).TryMatch("/anthropic"u8, out _, out _));

    [Theory]
    [InlineData(MethodId.Post, "/v1/messages", PathClass.Messages)]
    [InlineData(MethodId.Get, "/v1/messages", PathClass.Other)]
    [InlineData(MethodId.Other, "/v1/messages", PathClass.Other)]
    [InlineData(MethodId.Post, "/v1/messages/", PathClass.Messages)]
    [InlineData(MethodId.Post, "/v1/messagesx", PathClass.Other)]
    [InlineData(MethodId.Post, "/V1/messages", PathClass.Messages)]
    [InlineData(MethodId.Post, "/v1/messages/count_tokens", PathClass.CountTokens)]
    [InlineData(MethodId.Get, "/v1/messages/count_tokens", PathClass.Other)]
    [InlineData(MethodId.Post, "/v1/messages/count_tokens/x", PathClass.Other)]
    [InlineData(MethodId.Post, "/v1/messages/batches", PathClass.BatchCreation)]
    [InlineData(MethodId.Get, "/v1/messages/batches", PathClass.Batches)]
    [InlineData(MethodId.Get, "/v1/messages/batches/msgbatch_1", PathClass.Batches)]
    [InlineData(MethodId.Post, "/v1/messages/batches/msgbatch_1/cancel", PathClass.Batches)]
    [InlineData(MethodId.Delete, "/v1/messages/batches/msgbatch_1", PathClass.Batches)]
    [InlineData(MethodId.Get, "/v1/messages/batches/msgbatch_1/results", PathClass.BatchResults)]
    [InlineData(MethodId.Head, "/v1/messages/batches/msgbatch_1/results", PathClass.Batches)]
    [InlineData(MethodId.Get, "/v1/messages/batches/results", PathClass.Batches)]
    [InlineData(MethodId.Get, "/v1/messages/batches//results", PathClass.Batches)]
    [InlineData(MethodId.Get, "/v1/messages/batches/a/b/results", PathClass.Batches)]
    [InlineData(MethodId.Get, "/v1/messages/batchesx", PathClass.Other)]
    [InlineData(MethodId.Get, "/v1/models", PathClass.Models)]
    [InlineData(MethodId.Get, "/v1/models/claude-opus-5", PathClass.Models)]
    [InlineData(MethodId.Get, "/v1/modelsx", PathClass.Other)]
    [InlineData(MethodId.Post, "/v1/files", PathClass.Files)]
    [InlineData(MethodId.Get, "/v1/files/file_1/content", PathClass.Files)]
    [InlineData(MethodId.Post, "/v1/%6Dessages", PathClass.Messages)]
    [InlineData(MethodId.Post, "/v1/%256Dessages", PathClass.Messages)]
    [InlineData(MethodId.Post, "/v1//messages;v=1", PathClass.Messages)]
    [InlineData(MethodId.Post, "/v1%2Fmessages%3Fx", PathClass.Messages)]
    [InlineData(MethodId.Get, "/v1/%66iles/file_1", PathClass.Files)]
    [InlineData(MethodId.Get, "/v1;a/files", PathClass.Files)]
    [InlineData(MethodId.Get, "/v1%5Cfiles", PathClass.Files)]
    [InlineData(MethodId.Get, "/v1/skills", PathClass.Skills)]
    [InlineData(MethodId.Post, "/v1/agents/a1", PathClass.Agents)]
    [InlineData(MethodId.Post, "/v1/sessions", PathClass.Sessions)]
    [InlineData(MethodId.Get, "/v1/vaults/v1", PathClass.Workspace)]
    [InlineData(MethodId.Get, "/v1/organizations/api_keys", PathClass.Workspace)]
    [InlineData(MethodId.Get, "/", PathClass.Other)]
    [InlineData(MethodId.Head, "", PathClass.Other)]
    public void Work_is_told_apart_by_method_and_path(MethodId method, string upstreamPath, PathClass expected) =>
        Assert.Equal(expected, PathClassifier.Classify(method, Encoding.ASCII.GetBytes(upstreamPath)));

    [Fact]
    public void Matching_allocates_nothing()
    {
        for (int round = 0; round < 100; round++)
        {
            Match();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        Match();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void Match()
    {
        Table.TryMatch("/anthropic/v1/messages/batches/msgbatch_1/results"u8, out _, out ReadOnlySpan<byte> upstreamPath);
        PathClassifier.Classify(MethodId.Get, upstreamPath);
        Table.TryMatch("/nothing"u8, out _, out _);
    }

    private static Route Make(string prefix)
    {
        UpstreamEndpoint endpoint = new("upstream.test", 443, useTls: true);
        UpstreamPool pool = new(endpoint, new NoDialer(), new UpstreamPoolOptions(), new FakeTimeProvider());
        return new Route(prefix, prefix, endpoint, pool, new RouteCredentials(null, acceptsClientCredentials: false));
    }

    private sealed class NoDialer : UpstreamDialer
    {
        public override Task<UpstreamConnection> DialAsync(UpstreamEndpoint endpoint, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
