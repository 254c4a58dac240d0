using System.Text;
using System.Text.Json;
using Anthropic;
using Anthropic.Core;
using Anthropic.Models.Messages;
using Proxy.Core.Identity;

namespace Proxy.Host.Tests.Clients;

/// <summary>The official C# SDK through the gateway.</summary>
public sealed class CSharpSdkTests
{
    private const string ToolName = "lookup";

    public static TheoryData<CredentialKind, ClientTurn> Turns => ClientRow.Turns;

    [Theory]
    [MemberData(nameof(Turns))]
    public async Task The_CSharp_SDK_completes_a_turn(CredentialKind payer, ClientTurn turn)
    {
        await using ClientBench bench = await ClientBench.StartAsync(payer);
        using HttpClient http = new(new SocketsHttpHandler { UseProxy = false });
        // Both credentials are set, if only to null: what is not set would be looked for in the surroundings of the test.
        using AnthropicClient client = new(new ClientOptions
        {
            HttpClient = http,
            BaseUrl = bench.Gateway.BaseUrl,
            AuthToken = bench.Row.Token(bench.Gateway),
            ApiKey = bench.Row.ApiKey(bench.Gateway),
            ExtraHeaders = new Dictionary<string, string> { ["x-litellm-api-key"] = bench.Gateway.Key },
            MaxRetries = 0,
        });

        List<ClientAnswer> answers = [];
        StringBuilder text = new();
        List<MessageParam> messages = [new() { Role = Role.User, Content = turn == ClientTurn.Tool ? "Please use the tool now" : "Say hello" }];
        List<ToolUseBlock> calls = await AskAsync(client, turn, messages, answers, text);
        Assert.Equal(turn == ClientTurn.Tool ? [ToolName] : [], calls.Select(call => call.Name));
        if (calls is [ToolUseBlock call])
        {
            messages.Add(new() { Role = Role.Assistant, Content = new List<ContentBlockParam> { new ToolUseBlockParam { ID = call.ID, Name = call.Name, Input = call.Input } } });
            messages.Add(new() { Role = Role.User, Content = new List<ContentBlockParam> { new ToolResultBlockParam(call.ID) { Content = "found" } } });
            Assert.Empty(await AskAsync(client, turn, messages, answers, text.Clear()));
        }

        await bench.SettleAsync(turn, answers, text.ToString());
    }

    /// <summary>One streamed message: adds its text and what it used, returns the tool calls in it.</summary>
    private static async Task<List<ToolUseBlock>> AskAsync(AnthropicClient client, ClientTurn turn, List<MessageParam> messages, List<ClientAnswer> answers, StringBuilder text)
    {
        MessageCreateParams question = new()
        {
            Model = "claude-sonnet-5",
            MaxTokens = 1024,
            Messages = messages,
            Tools = turn == ClientTurn.Tool ? [new Tool { Name = ToolName, InputSchema = WordSchema() }] : null,
        };
        using StreamingHttpResponse<RawMessageStreamEvent> response = await client.WithRawResponse.Messages.CreateStreaming(question);
        Message message = await response.Enumerate().Aggregate();
        Assert.NotNull(response.RequestID);
        answers.Add(new ClientAnswer(response.RequestID, message.Usage.InputTokens, message.Usage.CacheReadInputTokens ?? -1, message.Usage.CacheCreationInputTokens ?? -1, message.Usage.OutputTokens));
        List<ToolUseBlock> calls = [];
        foreach (ContentBlock block in message.Content)
        {
            if (block.TryPickText(out TextBlock? words))
            {
                text.Append(words.Text);
            }
            else if (block.TryPickToolUse(out ToolUseBlock? call))
            {
                calls.Add(call);
            }
        }

        return calls;
    }

    private static InputSchema WordSchema() => new()
    {
        Properties = new Dictionary<string, JsonElement> { ["word"] = JsonSerializer.SerializeToElement(new { type = "string" }) },
        Required = ["word"],
    };
}
