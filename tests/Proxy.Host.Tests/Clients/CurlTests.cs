using System.Text;
using System.Text.Json;
using Proxy.Core.Identity;

namespace Proxy.Host.Tests.Clients;

/// <summary>curl through the gateway, as the README has it: the virtual key in its own field, and the client's own credential if it has one.</summary>
public sealed class CurlTests
{
    private const string Tools = """[{"name":"lookup","input_schema":{"type":"object","properties":{"word":{"type":"string"}},"required":["word"]}}]""";

    public static TheoryData<CredentialKind, ClientTurn> Turns => ClientRow.Turns;

    [Theory]
    [MemberData(nameof(Turns))]
    public async Task Curl_completes_a_turn(CredentialKind payer, ClientTurn turn)
    {
        string? curl = ClientProcess.Find("curl");
        Assert.SkipWhen(curl is null, "curl is not on PATH");
        await using ClientBench bench = await ClientBench.StartAsync(payer);
        string question = turn == ClientTurn.Tool ? """{"role":"user","content":"Please use the tool now"}""" : """{"role":"user","content":"Say hello"}""";
        List<ClientAnswer> answers = [];
        (string text, JsonElement call) = await AskAsync(bench, curl, turn, question, answers);
        if (turn == ClientTurn.Tool)
        {
            string id = call.GetProperty("id").GetString()!;
            Assert.Equal("lookup", call.GetProperty("name").GetString());
            string conversation = question
                + $$$""",{"role":"assistant","content":[{"type":"tool_use","id":"{{{id}}}","name":"lookup","input":{"word":"sim"}}]}"""
                + $$$""",{"role":"user","content":[{"type":"tool_result","tool_use_id":"{{{id}}}","content":"found"}]}""";
            (text, _) = await AskAsync(bench, curl, turn, conversation, answers);
        }

        await bench.SettleAsync(turn, answers, text);
    }

    /// <summary>One run of curl: adds what the message used, returns its text and its tool call.</summary>
    private static async Task<(string Text, JsonElement Call)> AskAsync(ClientBench bench, string curl, ClientTurn turn, string messages, List<ClientAnswer> answers)
    {
        string body = $$"""{"model":"claude-sonnet-5","max_tokens":1024,"stream":true,"messages":[{{messages}}]{{(turn == ClientTurn.Tool ? ",\"tools\":" + Tools : "")}}}""";
        string[] own = (bench.Row.OwnToken, bench.Row.OwnKey) switch
        {
            (string token, _) => ["-H", $"Authorization: Bearer {token}"],
            (_, string key) => ["-H", $"x-api-key: {key}"],
            _ => [],
        };
        ProcessResult result = await ClientProcess.RunAsync(
            curl,
            [
                "--disable", "--noproxy", "*", "--silent", "--show-error", "--fail-with-body", "--no-buffer", "--include",
                $"{bench.Gateway.BaseUrl}/v1/messages", "-H", bench.CustomHeaders, "-H", "anthropic-version: 2023-06-01", "-H", "content-type: application/json",
                .. own, "-d", body,
            ],
            bench.Home);
        Assert.True(result.ExitCode == 0, result.ToString());

        StringBuilder text = new();
        JsonElement call = default;
        JsonElement usage = default;
        string[] lines = result.Output.Split('\n', StringSplitOptions.TrimEntries);
        foreach (string line in lines.Where(line => line.StartsWith("data: ", StringComparison.Ordinal)))
        {
            JsonElement streamed = JsonDocument.Parse(line["data: ".Length..]).RootElement;
            switch (streamed.GetProperty("type").GetString())
            {
                case "content_block_start" when streamed.GetProperty("content_block") is JsonElement block && block.GetProperty("type").ValueEquals("tool_use"):
                    call = block;
                    break;
                case "content_block_delta" when streamed.GetProperty("delta").TryGetProperty("text", out JsonElement piece):
                    text.Append(piece.GetString());
                    break;
                case "message_delta":
                    usage = streamed.GetProperty("usage");
                    break;
            }
        }

        string requestId = lines.Single(line => line.StartsWith("request-id: ", StringComparison.OrdinalIgnoreCase))["request-id: ".Length..];
        answers.Add(ClientAnswer.Of(requestId, usage));
        return (text.ToString(), call);
    }
}
