using Proxy.Core.Anthropic;
using Proxy.Core.Identity;
using Proxy.Core.Metering;
using Proxy.Core.Outcomes;

namespace Proxy.Core.Tests.Metering;

/// <summary>What a body must be to pass for a key that may use only claude-sonnet-5 and haiku models. Every way around it that we could think of.</summary>
public sealed class ModelGuardTests
{
    private static readonly Principal Guarded = new() { Key = new KeyIdentity(new string('a', 64)), Models = new ModelAllowList(["claude-sonnet-5", "claude-haiku-*"]) };

    private static readonly string Megabyte = new('x', 1 << 20);

    public static TheoryData<string, RefusalReason> Messages => new()
    {
        { """{"model":"claude-sonnet-5","messages":[]}""", RefusalReason.None },
        { """{"model":"claude-sonnet-5[1m]"}""", RefusalReason.None },
        { """{"model":"claude-sonnet-5-20260601"}""", RefusalReason.None },
        { """{"model":"claude-haiku-5-5"}""", RefusalReason.None },
        { """{"mod\u0065l":"claude-sonnet-5"}""", RefusalReason.None },
        { """{"model":"claude-\u0073onnet-5"}""", RefusalReason.None },
        { "\uFEFF{\"model\":\"claude-sonnet-5\"}", RefusalReason.None },
        { " \r\n{\"messages\":[{\"model\":\"claude-opus-5\"}],\"model\":\"claude-sonnet-5\"} \n", RefusalReason.None },
        { """{"model":"claude-opus-5"}""", RefusalReason.ModelNotAllowed },
        { """{"\u006dodel":"claude-opus-5"}""", RefusalReason.ModelNotAllowed },
        { "\uFEFF{\"model\":\"claude-opus-5\"}", RefusalReason.ModelNotAllowed },
        { """{"model":"claude-sonnet-5-5"}""", RefusalReason.ModelNotAllowed },
        { """{"model":"Claude-Sonnet-5"}""", RefusalReason.ModelNotAllowed },
        { """{"model":"claude-sonnet-5 "}""", RefusalReason.ModelNotAllowed },
        { """{"model":"claude-sonnet-5\u0000"}""", RefusalReason.ModelNotAllowed },
        { """{"messages":[{"model":"claude-sonnet-5"}],"model":"claude-opus-5"}""", RefusalReason.ModelNotAllowed },
        { """{"metadata":{"model":"claude-sonnet-5"},"model":"claude-opus-5"}""", RefusalReason.ModelNotAllowed },
        { """{"model":"claude-opus-5","model":"claude-sonnet-5"}""", RefusalReason.ModelUnclear },
        { """{"model":"claude-sonnet-5","model":"claude-opus-5"}""", RefusalReason.ModelUnclear },
        { """{"model":"claude-sonnet-5","mod\u0065l":"claude-opus-5"}""", RefusalReason.ModelUnclear },
        { """{"model":"claude-sonnet-5","model":null}""", RefusalReason.ModelUnclear },
        { """{"model":"claude-sonnet-5"}{"model":"claude-opus-5"}""", RefusalReason.ModelUnclear },
        { """{"model":"claude-sonnet-5"} x""", RefusalReason.ModelUnclear },
        { """[{"model":"claude-sonnet-5"}]""", RefusalReason.ModelUnclear },
        { """{"metadata":{"model":"claude-sonnet-5"}}""", RefusalReason.ModelUnclear },
        { """{"model":["claude-sonnet-5"]}""", RefusalReason.ModelUnclear },
        { """{"model":""}""", RefusalReason.ModelUnclear },
        { """{"model":null}""", RefusalReason.ModelUnclear },
        { """{"model":"claude-sonnet-5" """, RefusalReason.ModelUnclear },
        { "", RefusalReason.ModelUnclear },
        { "model=claude-sonnet-5", RefusalReason.ModelUnclear },
        { "{\0\"\0m\0o\0d\0e\0l\0", RefusalReason.ModelUnclear },
        { "{\"model\":\"claude-haiku-" + new string('x', 200) + "\"}", RefusalReason.ModelUnclear },
    };

    public static TheoryData<string, RefusalReason> Batches => new()
    {
        { """{"requests":[]}""", RefusalReason.None },
        { """{"requests":[{"custom_id":"a","params":{"model":"claude-sonnet-5","messages":[{"model":"claude-opus-5"}]}},{"params":{"model":"claude-haiku-5"},"custom_id":"b"}]}""", RefusalReason.None },
        { """{"x":{"requests":[{"params":{"model":"claude-opus-5"}}]},"requests":[{"params":{"model":"claude-sonnet-5"}}]}""", RefusalReason.None },
        { """{"requests":[{"params":{"model":"claude-sonnet-5"}},{"params":{"model":"claude-opus-5"}}]}""", RefusalReason.ModelNotAllowed },
        { """{"requests":[{"p\u0061rams":{"m\u006fdel":"claude-opus-5"}}]}""", RefusalReason.ModelNotAllowed },
        { """{"requests":[{"params":{"model":"claude-sonnet-5","model":"claude-opus-5"}}]}""", RefusalReason.ModelUnclear },
        { """{"requests":[{"params":{"model":"claude-sonnet-5"},"params":{"model":"claude-opus-5"}}]}""", RefusalReason.ModelUnclear },
        { """{"requests":[{"params":{"model":"claude-sonnet-5"}}],"requests":[{"params":{"model":"claude-opus-5"}}]}""", RefusalReason.ModelUnclear },
        { """{"requests":[{"params":{}}]}""", RefusalReason.ModelUnclear },
        { """{"requests":[{"custom_id":"a"}]}""", RefusalReason.ModelUnclear },
        { """{"requests":[[{"params":{"model":"claude-opus-5"}}]]}""", RefusalReason.ModelUnclear },
        { """{"requests":{"params":{"model":"claude-opus-5"}}}""", RefusalReason.ModelUnclear },
        { """{"requests":[{"params":{"model":{"model":"claude-opus-5"}}}]}""", RefusalReason.ModelUnclear },
        { """{"requests":null}""", RefusalReason.ModelUnclear },
        { "{}", RefusalReason.ModelUnclear },
        { """{"requests":[{"params":{"model":"claude-sonnet-5"}}]} {}""", RefusalReason.ModelUnclear },
        { """{"requests":[{"params":{"model":"claude-sonnet-5"}}]""", RefusalReason.ModelUnclear },
    };

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_body_passes_only_when_its_one_model_is_allowed(string body, RefusalReason expected) => AssertEverySplit(body, PathClass.Messages, expected);

    [Theory]
    [MemberData(nameof(Batches))]
    public void A_batch_passes_only_when_every_item_is_allowed(string body, RefusalReason expected) => AssertEverySplit(body, PathClass.BatchCreation, expected);

    [Fact]
    public void A_model_behind_a_megabyte_of_messages_is_found() =>
        Assert.Equal(RefusalReason.ModelNotAllowed, Judge([Samples.Bytes($$"""{"messages":["{{Megabyte}}"],"model":"claude-opus-5"}""")], PathClass.Messages));

    [Fact]
    public void A_team_narrows_what_its_keys_may_use()
    {
        Principal principal = new() { Key = new KeyIdentity(new string('a', 64)), Models = new ModelAllowList(["a", "b"]), TeamModels = new ModelAllowList(["b", "c"]) };
        Assert.False(principal.AllowsModel("a"u8));
        Assert.True(principal.AllowsModel("b"u8));
        Assert.False(principal.AllowsModel("c"u8));
    }

    [Fact]
    public void A_dated_entry_allows_only_its_snapshot()
    {
        ModelAllowList list = new(["claude-sonnet-4-5-20250929"]);
        Assert.True(list.Allows("claude-sonnet-4-5-20250929[1m]"u8));
        Assert.False(list.Allows("claude-sonnet-4-5"u8));
        Assert.False(list.Allows("claude-sonnet-4-5-20260101"u8));
        Assert.False(list.Allows(""u8));
    }

    [Fact]
    public void A_principal_without_a_list_is_not_judged()
    {
        RequestMeter meter = new();
        meter.Begin(PathClass.Messages);
        meter.Feed("no json"u8);
        Assert.Equal(RefusalReason.None, meter.Judge(isWhole: true));
    }

    private static void AssertEverySplit(string body, PathClass path, RefusalReason expected)
    {
        byte[] bytes = Samples.Bytes(body);
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            Assert.Equal(expected, Judge([bytes[..cut], bytes[cut..]], path));
        }

        Assert.Equal(expected, Judge([.. bytes.Select(one => new[] { one })], path));
    }

    private static RefusalReason Judge(byte[][] pieces, PathClass path)
    {
        RequestMeter meter = new();
        meter.Begin(path, Guarded);
        foreach (byte[] piece in pieces)
        {
            meter.Feed(piece);
            RefusalReason early = meter.Judge(isWhole: false);
            if (early != RefusalReason.None)
            {
                // What is refused before the end stays refused, perhaps for a graver reason.
                meter.Feed(piece);
                Assert.NotEqual(RefusalReason.None, meter.Judge(isWhole: true));
            }
        }

        meter.Begin(path, Guarded);
        Array.ForEach(pieces, piece => meter.Feed(piece));
        return meter.Judge(isWhole: true);
    }
}
