using Proxy.Core.Identity;
using Proxy.Core.Outcomes;

namespace Proxy.Core.Tests.Forwarding;

/// <summary>Behind the company's key everybody shares one workspace: what lives in it is fenced (anthropic-api.md §1).</summary>
public sealed class WorkspaceFenceTests
{
    public static TheoryData<string, WorkspaceAccess> Fenced => new()
    {
        { "/anthropic/v1/files", WorkspaceAccess.Files },
        { "/anthropic/v1/files/file_1/content", WorkspaceAccess.Files },
        { "/anthropic/v1/%66iles", WorkspaceAccess.Files },
        { "/anthropic/V1/FILES/", WorkspaceAccess.Files },
        { "/anthropic/v1/messages/batches", WorkspaceAccess.Batches },
        { "/anthropic/v1/messages/batches/msgbatch_1", WorkspaceAccess.Batches },
        { "/anthropic/v1/messages/batches/msgbatch_1/results", WorkspaceAccess.Batches },
        { "/anthropic/v1/skills", WorkspaceAccess.Skills },
        { "/anthropic/v1/agents/a", WorkspaceAccess.Agents },
        { "/anthropic/v1/sessions?beta=true", WorkspaceAccess.Sessions },
        { "/anthropic/v1/vaults", WorkspaceAccess.Other },
    };

    [Theory]
    [MemberData(nameof(Fenced))]
    public async Task Behind_the_company_key_it_is_refused_unless_the_key_is_allowed(string path, WorkspaceAccess needed)
    {
        await using Bench without = new(principal: new Principal { Key = new KeyIdentity(Bench.KeyHash), Workspace = WorkspaceAccess.All & ~needed });
        await without.Client.SendAsync(Bench.Get(path));
        string refusal = await without.Client.ReadAnswerAsync();
        Assert.StartsWith("HTTP/1.1 403 ", refusal, StringComparison.Ordinal);
        Assert.Contains("workspace_access", refusal, StringComparison.Ordinal);
        Assert.Equal(0, without.Dials);
        Assert.Equal(RefusalReason.WorkspaceFenced, (await without.Sink.NextAsync(0)).Refusal);

        await using Bench with = new(principal: new Principal { Key = new KeyIdentity(Bench.KeyHash), Workspace = needed });
        await AssertServed(with, Bench.Get(path));
    }

    [Theory]
    [InlineData("/anthropic/v1/nobody-knows")]
    [InlineData("/anthropic/v2/messages")]
    public async Task What_nobody_can_meter_is_fenced_behind_the_company_key(string path)
    {
        await using Bench without = new(principal: new Principal { Key = new KeyIdentity(Bench.KeyHash), Workspace = WorkspaceAccess.All });
        await without.Client.SendAsync(Bench.Post("{}", path: path));
        string refusal = await without.Client.ReadAnswerAsync();
        Assert.StartsWith("HTTP/1.1 403 ", refusal, StringComparison.Ordinal);
        Assert.Contains("workspace_access: unmetered", refusal, StringComparison.Ordinal);
        Assert.Equal(0, without.Dials);
        Assert.Equal(RefusalReason.Unmetered, (await without.Sink.NextAsync(0)).Refusal);

        await using Bench with = new(principal: new Principal { Key = new KeyIdentity(Bench.KeyHash), Workspace = WorkspaceAccess.Unmetered });
        await AssertServed(with, Bench.Get(path));
        await using Bench own = new();
        await AssertServed(own, Bench.Get(path, extra: "x-api-key: sk-ant-api-mine\r\n"));
    }

    [Theory]
    [MemberData(nameof(Fenced))]
    public async Task With_the_clients_own_key_it_is_the_clients_own_workspace(string path, WorkspaceAccess needed)
    {
        _ = needed;
        await using Bench bench = new();
        await AssertServed(bench, Bench.Get(path, extra: "x-api-key: sk-ant-api-mine\r\n"));
    }

    [Theory]
    [InlineData("/anthropic/v1/models")]
    [InlineData("/anthropic/v1/models/claude-sonnet-5")]
    public async Task What_is_known_to_be_free_is_not_fenced(string path)
    {
        await using Bench bench = new();
        await AssertServed(bench, Bench.Get(path));
    }

    private static async Task AssertServed(Bench bench, string request)
    {
        await bench.Client.SendAsync(request);
        ScriptedUpstream upstream = await bench.UpstreamAsync();
        _ = await upstream.ReceiveUntilAsync("\r\n\r\n");
        await upstream.RespondAsync(Bench.Ok("fine"));
        _ = await bench.Client.ReadUntilAsync("fine");
    }
}
