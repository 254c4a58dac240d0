namespace Proxy.Core.Metering.Journal;

/// <summary>What an earlier run left in a slot.</summary>
internal enum SlotFinding : byte
{
    Empty = 0,

    /// <summary>A record as its exchange completed it.</summary>
    Finished,

    /// <summary>A record of an exchange that never came to its end.</summary>
    Interrupted,

    /// <summary>Neither image is whole: whatever it was is lost.</summary>
    Damaged,
}
