using Proxy.LoadTests;
using Proxy.LoadTests.Profiles;

namespace Proxy.Host.Tests.Load;

public sealed class LoadProfileTests
{
    [Theory]
    [InlineData("constant.json")]
    [InlineData("ramp.json")]
    public void The_profiles_that_ship_can_be_read(string file)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Profiles", file);
        Assert.True(LoadProfile.Read(path, "json").MaxCopies > 0);
        Assert.True(LoadProfile.Read(path, "sse").Duration > TimeSpan.Zero);
    }

    [Fact]
    public void Stages_follow_one_another()
    {
        LoadShape shape = Parse("""[{ "RampingConstant": [10, "00:00:10"] }, { "KeepConstant": [10, "00:00:05"] }, { "Pause": ["00:00:05"] }, { "RampingConstant": [4, "00:00:04"] }]""");
        Assert.Equal(TimeSpan.FromSeconds(3), shape.WarmUp);
        Assert.Equal(TimeSpan.FromSeconds(24), shape.Duration);
        Assert.Equal(10, shape.MaxCopies);
        int[] seconds = [0, 5, 10, 14, 15, 19, 20, 22, 24];
        Assert.Equal([0, 5, 10, 10, 0, 0, 0, 2, 0], seconds.Select(second => shape.CopiesAt(TimeSpan.FromSeconds(second))));
    }

    [Theory]
    [InlineData("""[{ "Inject": [10, "00:00:01", "00:00:10"] }]""", "Inject")]
    [InlineData("""[{ "KeepConstant": [10] }]""", "KeepConstant")]
    [InlineData("""[{ "KeepConstant": ["10", "00:00:01"] }]""", "virtual users")]
    [InlineData("""[{ "KeepConstant": [10, "soon"] }]""", "duration")]
    [InlineData("""[{ "Pause": ["00:00:01"] }]""", "no virtual users")]
    [InlineData("[]", "no virtual users")]
    [InlineData("7", "list")]
    public void What_this_runner_cannot_do_is_said(string simulations, string part) =>
        Assert.Contains(part, Assert.Throws<LoadException>(() => Parse(simulations)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_scenario_that_the_profile_does_not_have_is_named() =>
        Assert.Contains("only json", Assert.Throws<LoadException>(() => LoadProfile.Parse(Document("[]"), "sse")).Message, StringComparison.Ordinal);

    private static LoadShape Parse(string simulations) => LoadProfile.Parse(Document(simulations), "json");

    private static string Document(string simulations) =>
        $$"""{ "GlobalSettings": { "ScenariosSettings": [{ "ScenarioName": "json", "WarmUpDuration": "00:00:03", "LoadSimulationsSettings": {{simulations}} }] } }""";
}
