using Proxy.Core.Http1;
using Proxy.Core.Tests.Http1;

namespace Proxy.Host.Tests.Wire;

/// <summary>Every head of the table of refused ones (http-rules.md rows 1 to 39 and §7), over a socket.</summary>
public sealed class RefusedHeadTests(WireBench bench) : IClassFixture<WireBench>
{
    public static TheoryData<string, string, int> Table
    {
        get
        {
            TheoryData<string, string, int> rows = [];
            foreach (TheoryDataRow<string, string, HeadError, int> row in new RefusedHeads())
            {
                rows.Add(row.Data.Item1, row.Data.Item2, row.Data.Item4);
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Table))]
    public async Task A_head_that_breaks_a_rule_is_refused_and_the_connection_ends(string row, string head, int status)
    {
        Assert.NotEmpty(row);
        await bench.RefusedAsync(head, status);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\nHost: a\r\n\r\n", 400)]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400)]
    [InlineData("GET /%2e%2e HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400)]
    [InlineData("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505)]
    public async Task A_refusal_does_not_depend_on_how_the_bytes_arrive(string head, int status)
    {
        await using EndToEnd.RawClient client = await bench.Gateway.ConnectAsync();
        foreach (char next in head)
        {
            await client.SendAsync(next.ToString());
        }

        WireBench.AssertOneError(System.Text.Encoding.Latin1.GetString(await client.ReceiveAllAsync()), status);
    }
}
