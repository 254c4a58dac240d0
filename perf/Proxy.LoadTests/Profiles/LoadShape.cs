namespace Proxy.LoadTests.Profiles;

/// <summary>How many virtual users work at which time. Each waits for its answer before it asks again.</summary>
public sealed record LoadShape(TimeSpan WarmUp, IReadOnlyList<LoadStage> Stages)
{
    public int MaxCopies => Stages.Max(stage => stage.Copies);

    public TimeSpan Duration => Stages.Aggregate(TimeSpan.Zero, (sum, stage) => sum + stage.During);

    public static LoadShape Constant(int copies, TimeSpan warmUp, TimeSpan during) => new(warmUp, [new LoadStage(copies, during, Ramps: false)]);

    /// <summary>Virtual users at a time of the window.</summary>
    public int CopiesAt(TimeSpan elapsed)
    {
        int before = 0;
        foreach (LoadStage stage in Stages)
        {
            if (elapsed < stage.During)
            {
                return stage.Ramps ? before + (int)Math.Round((stage.Copies - before) * (elapsed / stage.During)) : stage.Copies;
            }

            elapsed -= stage.During;
            before = stage.Copies;
        }

        return 0;
    }
}
