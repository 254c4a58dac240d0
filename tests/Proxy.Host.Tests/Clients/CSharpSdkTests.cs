using System.Text;
using System.Text.Json;
using Anthropic;
using Anthropic.Models.Messages;
using Proxy.Core.Identity;
using Proxy.Host.Tests.EndToEnd;

namespace Proxy.Host.Tests.Clients;

/// <summary>The official C# SDK through the gateway. It needs nothing that a restore does not bring, so it always runs.</summary>
public sealed class CSharpSdkTests
{
    [Theory]
    [MemberData(nameof(ClientRow.AllTurns), MemberType = typeof(ClientRow))]
    public async Task The_CSharp_SDK_completes_a_turn(string rowName, bool withTool)
    {
        ClientRow row = ClientRow.Of(rowName);
        await using GatewayFixture gateway = await row.StartGatewayAsync();
        using HttpClient http = new();
        if (row.HasOwnCredential)
        {
            http.DefaultRequestHeaders.Add("x-litellm-api-key", gateway.Key);
        }

        using AnthropicClient client = new()
        {
            BaseUrl = gateway.BaseUrl,
            HttpClient = http,
            MaxRetries = 0,
            ApiKey = row.Credential switch { CredentialKind.Byok => ClientRow.Byok, CredentialKind.None => gateway.Key, _ => null },
            AuthToken = row.Credential switch { CredentialKind.OAuth => ClientRow.Oauth, CredentialKind.Server => gateway.Key, _ => null },
        };

        List<MessageParam> messages = [new() { Role = Role.User, Content = withTool ? "Please use the tool now" : "Say hello" }];
        (string text, string? toolUseId) = await StreamAsync(client, messages, withTool);
        Assert.Equal(withTool, toolUseId is not null);
        if (toolUseId is not null)
        {
            messages.Add(new() { Role = Role.Assistant, Content = new List<ContentBlockParam> { new ToolUseBlockParam { ID = toolUseId, Name = "lookup", Input = new Dictionary<string, JsonElement>() } } });
            messages.Add(new() { Role = Role.User, Content = new List<ContentBlockParam> { new ToolResultBlockParam { ToolUseID = toolUseId, Content = "found" } } });
            (text, _) = await StreamAsync(client, messages, withTool);
        }

        Assert.Contains(withTool ? "sim-tool-done" : "The simulator says", text, StringComparison.Ordinal);
        _ = await row.AssertServedAsync(gateway, withTool ? 2 : 1);
    }

    private static async Task<(string Text, string? ToolUseId)> StreamAsync(AnthropicClient client, List<MessageParam> messages, bool withTool)
    {
        StringBuilder text = new();
        string? toolUseId = null;
        MessageCreateParams parameters = new()
        {
            Model = "claude-sonnet-5-5",
            MaxTokens = 512,
            Messages = messages,
            Tools = withTool
                ? [new Tool { Name = "lookup", Description = "Looks a word up.", InputSchema = new() { Properties = new Dictionary<string, JsonElement> { ["word"] = JsonSerializer.SerializeToElement(new { type = "string" }) } } }]
                : null,
        };
        await foreach (RawMessageStreamEvent item in client.Messages.CreateStreaming(parameters))
        {
            if (item.TryPickContentBlockStart(out RawContentBlockStartEvent? start) && start.ContentBlock.TryPickToolUse(out ToolUseBlock? use))
            {
                toolUseId = use.ID;
            }

            if (item.TryPickContentBlockDelta(out RawContentBlockDeltaEvent? delta) && delta.Delta.TryPickText(out TextDelta? piece))
            {
                text.Append(piece.Text);
            }
        }

        return (text.ToString(), toolUseId);
    }
}
