using Proxy.Core.Http1;

namespace Proxy.Core.Tests.Http1;

public sealed class RequestHeadTests
{
    [Theory]
    [MemberData(nameof(Refused))]
    public void A_head_outside_the_rules_is_refused(string row, string head, HeadError error, int status)
    {
        HeadError actual = HeadReader.Request(head, new RequestHead(), out _);
        Assert.True(error == actual, $"{row}: {actual}");
        Assert.Equal(status, HeadErrors.StatusOf(actual));
    }

    [Theory]
    [MemberData(nameof(Accepted))]
    public void A_head_within_the_rules_is_read_one_way(string row, string head, AcceptedHead expected)
    {
        RequestHead parsed = new();
        HeadError error = HeadReader.Request(head, parsed, out byte[] bytes);
        Assert.True(error == HeadError.None, $"{row}: {error}");
        Assert.Equal(expected, AcceptedHead.Read(bytes, parsed));
    }

    [Fact]
    public void A_head_that_is_reused_remembers_nothing_of_the_one_before()
    {
        RequestHead parsed = new();
        foreach ((string Row, string Head, AcceptedHead Expected) in new AcceptedHeads().Select(row => row.Data))
        {
            HeadReader.Request(Heads.Post("Connection: close, x", "Expect: 100-continue", "X: y", "Content-Length: 9"), parsed, out _);
            HeadReader.Request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", parsed, out _);
            HeadReader.Request(Head, parsed, out byte[] bytes);
            Assert.True(Expected == AcceptedHead.Read(bytes, parsed), Row);
            Assert.False(parsed.Fields.Count > 1 && parsed.Fields.IsNominated(1) && !Head.Contains("onnection", StringComparison.Ordinal), Row);
        }
    }

    [Fact]
    public void Row_26_blanks_around_a_value_are_not_part_of_it()
    {
        RequestHead parsed = new();
        HeadReader.Request(Heads.Get("X: \t a \t b\t ", "Y:", "Z:c"), parsed, out byte[] head);
        Assert.Equal(["a", "a \t b", "", "c"], Enumerable.Range(0, parsed.Fields.Count).Select(i => Heads.Text(parsed.Fields[i].Value.Of(head))));
        Assert.Equal(["Host", "X", "Y", "Z"], Enumerable.Range(0, parsed.Fields.Count).Select(i => Heads.Text(parsed.Fields[i].Name.Of(head))));
    }

    [Fact]
    public void Row_27_fields_keep_their_order()
    {
        RequestHead parsed = new();
        HeadReader.Request(Heads.Get([.. Enumerable.Range(0, 99).Select(i => "X: " + i)]), parsed, out byte[] head);
        Assert.Equal(Enumerable.Range(0, 99).Select(i => i.ToString()), Enumerable.Range(1, 99).Select(i => Heads.Text(parsed.Fields[i].Value.Of(head))));
    }

    [Fact]
    public void Row_29_nominated_fields_are_marked_up_to_the_last_one()
    {
        RequestHead parsed = new();
        HeadReader.Request(Heads.Get([.. Enumerable.Range(0, 98).Select(i => $"X{i}: y"), "connection: x97, X3"]), parsed, out _);
        Assert.Equal([4, 98], Enumerable.Range(0, parsed.Fields.Count).Where(parsed.Fields.IsNominated));
    }

    [Fact]
    public void Any_bytes_at_all_are_judged_without_an_exception()
    {
        Random random = new(1);
        RequestHead request = new();
        ResponseHead response = new();
        byte[][] seeds = [Heads.Bytes(Heads.ClaudeCode), Heads.Bytes(Heads.Get("X: y")), Heads.Bytes(Heads.Answer)];
        for (int i = 0; i < 30_000; i++)
        {
            byte[] head = [.. seeds[i % seeds.Length].AsSpan(0, random.Next(seeds[i % seeds.Length].Length + 1))];
            for (int change = random.Next(4); change > 0 && head.Length > 0; change--)
            {
                head[random.Next(head.Length)] = (byte)"\r\n :\0x"[random.Next(6)];
            }

            request.Parse(head, HeadLimits.Request);
            response.Parse(head, MethodId.Get, HeadLimits.Response);
        }
    }

    [Fact]
    public void Every_error_has_a_client_status_and_a_message()
    {
        foreach (HeadError error in Enum.GetValues<HeadError>())
        {
            Assert.InRange(HeadErrors.StatusOf(error), 400, 599);
            Assert.NotEmpty(HeadErrors.MessageOf(error));
        }
    }

    public static TheoryData<string, string, HeadError, int> Refused() => new RefusedHeads();

    public static TheoryData<string, string, AcceptedHead> Accepted() => new AcceptedHeads();
}
